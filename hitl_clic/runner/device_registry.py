"""Builds the chosen device with its profile, and binds its axes to the task's. The table is in `devices.registry`.

Runs on the actor's main thread, before the loop starts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from typing import get_args

from hitl_clic.cockpit.window.key_reading import KeyUse
from hitl_clic.cockpit.window.keymap import Keymap
from hitl_clic.control.gate import CorrectionOptions
from hitl_clic.correction.mapping import PERSON_MAX_STEP, Binding, bind
from hitl_clic.devices.core.controls import FUNCTIONS
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.selection import JOINT, Selection
from hitl_clic.devices.foreign import make_foreign_device
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.mapping.combined import CombinedDevice, Part, arms_of_parts, axes_of_arm
from hitl_clic.devices.mapping.key_rows import Row, control_labels, key_rows
from hitl_clic.devices.mapping.shaping import Profile, load_profile
from hitl_clic.devices.registry import DEVICES, DeviceInputs, DeviceSpec, chosen_devices
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.devices.teacher.oracle import Oracle
from hitl_clic.devices.teacher.scripted import ScriptedDevice
from hitl_clic.plugins import plugins
from hitl_clic.settings import SessionSettings, is_device_object
from hitl_clic.tasks.lookahead import TeacherLookahead
from hitl_clic.tasks.registry import make_task, make_teacher
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.commands import COMMANDS
from hitl_clic.types.errors import SettingsError, unknown
from hitl_clic.types.records import EVERYTHING, CommandFrame
from hitl_clic.types.scene import Scene
from hitl_clic.types.ticks import ticks_behind


def scripted_device(
    settings: SessionSettings, axes: Sequence[str], channel: TeacherChannel, teacher: Teacher
) -> Device:
    """A scripted teacher as a device.

    Raises:
        SettingsError: `oracle.foresight` is set and the task has no `predict`.
    """
    script = settings.oracle
    behind = script.delay_steps + ticks_behind(script.latency_s, settings.loop.rate_hz)
    if settings.pace == "max":  # at full pace, latency counts in ticks
        script = script.model_copy(update={"latency_s": 0.0, "delay_steps": behind})
    try:
        foresee = TeacherLookahead(make_task(settings.task), teacher) if script.foresight else None
    except ValueError as error:
        raise SettingsError(
            f"oracle.foresight = true is not allowed with task = {settings.task}: {error}; give --oracle.no-foresight"
        ) from error
    step = settings.correction.relative_step
    return ScriptedDevice(teacher, Oracle(script, settings.execute, axes, step, behind), channel, foresee)


def make_device(
    settings: SessionSettings,
    axes: Sequence[str],
    channel: TeacherChannel,
    feed: EventFeed,
    scene: Callable[[], Scene | None] = lambda: None,
) -> Device:
    """The device of this name, not started.

    Args:
        axes: the task's motion axes. channel: between the loop and a scripted teacher. feed: the window's events.
        scene: the newest that is drawn.

    Raises:
        UserError: the profile is wrong, or a device of another package cannot be made.
        ValueError: the device shares no axis with the task.
    """
    if is_device_object(settings.device):
        if settings.device.startswith("__main__:"):
            raise SettingsError(f"device = {settings.device} was an object; give device= the object again")
        offered = plugins("devices").get(settings.device)
        path = settings.device if offered is None else offered.path
        return make_foreign_device(path, settings.device_options, axes)
    if not has_profile(settings.device):
        return scripted_device(settings, axes, channel, make_teacher(settings.task))
    tap_hold_s = max(0.05, 1.5 / settings.loop.rate_hz)  # 1.5 ticks: every tap is in force at one tick at least
    stale_after_s = settings.gate.stale_after_s
    chosen = chosen_profiles(settings)
    if not any(profile.drives for _, profile in chosen):
        raise SettingsError(
            f"device = {settings.device} is not allowed: its profile has no axes, so it only gives commands; join it "
            f"with a device that moves the robot"
        )
    arms = arms_of_parts(axes, [profile.drives for _, profile in chosen])
    parts: list[Part] = []
    for (one, profile), own_arm in zip(chosen, arms, strict=True):
        make = DEVICES[one.kind].make
        assert make is not None
        own_feed = feed.branch() if parts and DEVICES[one.kind].needs_window else feed
        own_axes, own_keys, which = axes_of_arm(axes, own_arm), _own_keys(settings, profile), one.which
        inputs = DeviceInputs(
            own_keys, own_axes, own_feed, tap_hold_s, stale_after_s, which, scene=scene, terminal=settings.terminal
        )
        parts.append(Part(make(inputs), part_label(one), own_arm))
    return (
        parts[0].device
        if len(parts) == 1
        else CombinedDevice(parts, axes, stale_after_s, touch_threshold=settings.gate.touch_threshold)
    )


def part_label(chosen: Selection) -> str:
    """The display name of a chosen device: "gamepad 1"."""
    return f"{DEVICES[chosen.kind].label} {chosen.which}".rstrip()


def device_spec(name: str) -> DeviceSpec:
    """The entry of a device, or of several together. A device object, "module:Class", counts as a person's device."""
    if is_device_object(name):
        return DeviceSpec(name.rpartition(":")[2], "its control", False, None, lambda: (True, "Ready."))
    chosen = chosen_devices(name)
    specs = [DEVICES[one.kind] for one in chosen]
    if len(specs) == 1:
        return replace(specs[0], label=part_label(chosen[0]))
    return DeviceSpec(
        label=" + ".join(map(part_label, chosen)),
        control=_either(spec.control for spec in specs),
        needs_window=any(spec.needs_window for spec in specs),
        make=None,
        status=lambda: next((status for spec in specs if not (status := spec.status())[0]), (True, "Ready.")),
        missing=lambda: next(filter(None, (spec.missing() for spec in specs)), ""),
    )


def _either(controls: Iterable[str]) -> str:
    return " or ".join(dict.fromkeys(controls))


def reads_scene(name: str) -> bool:
    """Whether the pointer is one of the devices: it moves the hand in the picture of a flat scene."""
    return not is_device_object(name) and any(one.kind == "pointer" for one in chosen_devices(name))


def has_profile(name: str) -> bool:
    """Whether a device has a profile. The scripted teacher and device objects have none."""
    return not is_device_object(name) and bool(device_spec(name).control)


def reads_terminal(name: str) -> bool:
    """Whether the terminal is one of the devices."""
    return name != "auto" and not is_device_object(name) and "terminal" in {one.kind for one in chosen_devices(name)}


def device_in_use(settings: SessionSettings, printed: Mapping[str, str] | None = None) -> DeviceSpec:
    """The entry of the settings' device, with the control of its profile. `printed`: see `key_rows`."""
    spec = device_spec(settings.device)
    if not has_profile(settings.device):
        return spec
    profiles = [profile for _, profile in chosen_profiles(settings)]
    labels = [next(iter(control_labels(profile, "engage", printed)), "control") for profile in profiles]
    return replace(spec, control=_either(label if label[0].isupper() else f"the {label}" for label in labels))


def chosen_profiles(settings: SessionSettings) -> list[tuple[Selection, Profile]]:
    """Each chosen device with its profile.

    Raises:
        SettingsError: a profile is wrong, or their number is not that of the devices.
    """
    chosen, keys = chosen_devices(settings.device), settings.window.keys
    if len(chosen) == 1 or not settings.profile:
        return [(one, profile_of(one.kind, settings.profile, keys)) for one in chosen]
    names = settings.profile.split(JOINT)
    if len(names) != len(chosen):
        raise SettingsError(
            f"profile = {settings.profile} is not allowed: it names {len(names)} of {len(chosen)} profiles; write one "
            f"for each of {settings.device}, joined with {JOINT}; an empty one is the device's own"
        )
    return [(one, profile_of(one.kind, name.strip(), keys)) for one, name in zip(chosen, names, strict=True)]


def _own_keys(settings: SessionSettings, profile: Profile) -> Profile:
    """The profile without the keys that the window runs itself, so that no command is given twice.

    The emergency stop stays: it must work at once, and twice is as good as once.
    """
    window = Keymap(settings.window.keys)
    if settings.headless and not reads_terminal(settings.device):
        return profile
    keys = {key: does for key, does in profile.keys.items() if does == "stop" or window.find(key) is None}
    return profile.model_copy(update={"keys": keys})


def profile_of(device: str, name_or_path: str = "", window_keys: Mapping[str, str] | None = None) -> Profile:
    """A device's profile, by default the preset of its name.

    Args:
        window_keys: `window.keys`, the changed keys of the window.

    Raises:
        SettingsError: there is no such profile, it is not valid, or it binds a key of the window.
    """
    try:
        profile = load_profile(name_or_path or device)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    window = Keymap(window_keys or {})
    for key, binding in profile.keys.items():
        row = window.find(key)
        if row is not None and row.action != binding:
            raise SettingsError(
                f"device profile {profile.name!r}: key {key!r} is bound twice, here to {binding!r} and by the window "
                f"to {row.action!r}; choose another key there or in window.keys"
            )
    return profile


def bind_device(settings: SessionSettings, device: Device, task: Task) -> Binding:
    """How the device's axes move the task's axes.

    Raises:
        ValueError: device and task share no axis.
    """
    frame = task.action_frame
    person = bool(device_spec(settings.device).control)
    groups = frame.groups if person else None
    return bind(device.axes, frame.axes, switched_axes(settings), groups, left_handed=person)


def switched_axes(settings: SessionSettings) -> Sequence[str]:
    """The axes that are absolute in every correction mode, by their names on the first arm."""
    if device_spec(settings.device).control:
        return settings.correction.absolute_axes
    return settings.oracle.buttons if settings.oracle.press_steps else ()


def correction_options(settings: SessionSettings, task: Task) -> CorrectionOptions:
    """The command frames and groups of axes to switch between. The task was reset before; a script switches nothing.

    Raises:
        SettingsError: `correction.axes` is no group of this task's axes.
    """
    if not device_spec(settings.device).control:
        return CorrectionOptions()
    groups, axes = (EVERYTHING, *task.action_frame.groups), settings.correction.axes
    if axes not in groups:
        raise SettingsError(
            f"correction.axes = {axes} is not allowed with task = {settings.task}; {unknown(axes, groups)}"
        )
    turned: tuple[CommandFrame, ...] = tuple(name for name in get_args(CommandFrame) if task.axes_of(name) is not None)
    # where all frames are one, it goes by the name that was set
    return CorrectionOptions(("world", *turned) if turned else (settings.correction.command_frame,), groups)


def key_use(settings: SessionSettings) -> KeyUse:
    """The keys of the settings' devices; none for a device that does not read the window's.

    A key that moves the robot for one of several devices keeps its place for all.
    """
    if not has_profile(settings.device):
        return KeyUse()
    uses = [KeyUse.of(profile) for one, profile in chosen_profiles(settings) if DEVICES[one.kind].needs_window]
    motion = tuple(dict.fromkeys(key for use in uses for key in use.motion))
    commands = dict.fromkeys(key for use in uses for key in use.commands if key not in motion)
    return KeyUse(motion, tuple(commands))


def key_maps(
    settings: SessionSettings, axes: Sequence[str], printed: Mapping[str, str] | None = None
) -> dict[CommandFrame, tuple[Row, ...]]:
    """The key map of the settings' device, by command frame. `printed`: see `key_rows`."""
    return {frame: key_map(settings, axes, frame, printed) for frame in get_args(CommandFrame)}


def key_map(
    settings: SessionSettings,
    axes: Sequence[str],
    frame: CommandFrame | None = None,
    printed: Mapping[str, str] | None = None,
) -> tuple[Row, ...]:
    """What keys and buttons of the settings' device do; empty for a script.

    `axes`: of the task. `frame`: the command frame, by default that of the settings. `printed`: see `key_rows`.
    """
    if not has_profile(settings.device):
        return ()
    picture = (frame or settings.correction.command_frame) == "camera"
    chosen, window = chosen_profiles(settings), Keymap(settings.window.keys)
    for_all = {FUNCTIONS["stop"], *COMMANDS.values()}  # these are not of one arm
    rows: list[Row] = []
    for (one, profile), own_arm in zip(
        chosen, arms_of_parts(axes, [profile.drives for _, profile in chosen]), strict=True
    ):
        own = {key: binding for key, binding in profile.keys.items() if window.find(key) is None}  # not the window's
        profile = profile.model_copy(update={"keys": own})
        where = "" if own_arm is None else f" (arm {own_arm + 1})"
        spec, own_axes = DEVICES[one.kind], axes_of_arm(axes, own_arm)
        for pressed, does in key_rows(profile, own_axes, spec.axis_labels, picture, printed, spec.sentences):
            named = f"{part_label(one)}: {pressed}" if len(chosen) > 1 else pressed
            rows.append((named, does if does in for_all else does + where))
    return tuple(rows)


EVERY_AXIS = tuple(axis + arm for arm in ("", "2") for axis in ("x", "y", "z", "rx", "ry", "rz", "gripper"))
"""The axes of a task with two arms, the most there are."""


def has_display() -> bool:
    """Whether this machine has a display."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def resolve_device(settings: SessionSettings) -> SessionSettings:
    """The settings with `auto` replaced, the window decided, and the device's default `max_step`.

    Raises:
        SettingsError: the device needs a window, a package or real time that is not there, or its profile is wrong.
    """
    windowed = has_display() and not settings.headless and not reads_terminal(settings.device)
    device = settings.device
    if device == "auto":
        device = "keyboard" if windowed and settings.pace == "realtime" else "oracle"
    spec = device_spec(device)
    if spec.needs_window and not windowed:
        free = ", ".join(name for name, other in DEVICES.items() if not other.needs_window)
        why = "--headless was given" if settings.headless else "there is no display (DISPLAY is not set)"
        raise SettingsError(f"device = {device} needs a window, but {why}; allowed without a window: {free}")
    if lacking := spec.missing():
        raise SettingsError(f"device = {device} cannot be used here. {lacking}")
    if has_profile(device) and settings.pace == "max":
        raise SettingsError(f"pace = max is not allowed with device = {device}: a person needs realtime")
    if settings.gate.mode == "toggle" and reads_scene(device):
        raise SettingsError(
            f"gate.mode = toggle is not allowed with device = {device}: the hand follows the pointer while its control "
            "is held; allowed: hold, touch"
        )
    if reads_terminal(device) and settings.gate.mode == "toggle":
        raise SettingsError(
            "gate.mode = toggle is not allowed with device = terminal, whose Space key switches; allowed: hold, touch"
        )
    correction = settings.correction
    if spec.control and correction.max_step is None:
        correction = correction.model_copy(update={"max_step": PERSON_MAX_STEP})
    settings = settings.model_copy(update={"device": device, "headless": not windowed, "correction": correction})
    device_in_use(settings)  # a wrong profile is refused before anything starts
    return settings
