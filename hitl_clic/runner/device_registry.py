"""Builds the chosen device with its profile, and binds its axes to the task's. The table is in `devices.registry`.

Runs on the actor's main thread, before the loop starts.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import get_args

from hitl_clic.cockpit.window.keymap import Keymap
from hitl_clic.control.gate import CorrectionOptions
from hitl_clic.correction.mapping import PERSON_MAX_STEP, Binding, bind
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.mapping.key_rows import Row, control_labels, key_rows
from hitl_clic.devices.mapping.shaping import Profile, load_profile
from hitl_clic.devices.registry import DEVICES, DeviceInputs, DeviceSpec
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.devices.teacher.oracle import Oracle
from hitl_clic.devices.teacher.scripted import ScriptedDevice
from hitl_clic.settings import SessionSettings, is_object_name
from hitl_clic.tasks.lookahead import TeacherLookahead
from hitl_clic.tasks.registry import make_task, make_teacher
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.errors import SettingsError, unknown
from hitl_clic.types.records import EVERYTHING, CommandFrame
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


def make_device(settings: SessionSettings, axes: Sequence[str], channel: TeacherChannel, feed: EventFeed) -> Device:
    """The device of this name, not started.

    Args:
        axes: the task's motion axes. channel: between the loop and a scripted teacher. feed: the window's events.

    Raises:
        SettingsError: the profile is wrong, or the device was given as an object that the settings do not hold.
        ValueError: the device shares no axis with the task.
    """
    if is_object_name(settings.device):
        raise SettingsError(f"device = {settings.device} was an object; give device= the object again")
    make = DEVICES[settings.device].make
    if make is None:
        return scripted_device(settings, axes, channel, make_teacher(settings.task))
    tap_hold_s = max(0.05, 1.5 / settings.loop.rate_hz)  # 1.5 ticks: every tap is in force at one tick at least
    return make(DeviceInputs(_profile(settings), axes, feed, tap_hold_s, settings.gate.stale_after_s))


def device_spec(name: str) -> DeviceSpec:
    """The entry of a device. A device object, "module:Class", counts as a person's device."""
    if is_object_name(name):
        return DeviceSpec(name.rpartition(":")[2], "its control", False, None, lambda: (True, "Ready."))
    return DEVICES[name]


def has_profile(name: str) -> bool:
    """Whether a device has a profile. The scripted teacher and device objects have none."""
    return not is_object_name(name) and bool(DEVICES[name].control)


def device_in_use(settings: SessionSettings) -> DeviceSpec:
    """The entry of the settings' device, with the control of its profile."""
    spec = device_spec(settings.device)
    if not has_profile(settings.device):
        return spec
    label = next(iter(control_labels(_profile(settings), "engage")), "control")
    return replace(spec, control=label if label[0].isupper() else f"the {label}")


def _profile(settings: SessionSettings) -> Profile:
    return profile_of(settings.device, settings.profile, settings.window.keys)


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
    groups = frame.groups if device_spec(settings.device).control else None
    return bind(device.axes, frame.axes, switched_axes(settings), groups)


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


def key_maps(settings: SessionSettings, axes: Sequence[str]) -> dict[CommandFrame, tuple[Row, ...]]:
    """The key map of the settings' device, by command frame."""
    return {frame: key_map(settings, axes, frame) for frame in get_args(CommandFrame)}


def key_map(settings: SessionSettings, axes: Sequence[str], frame: CommandFrame | None = None) -> tuple[Row, ...]:
    """What keys and buttons of the settings' device do; empty for a script.

    `axes`: of the task. `frame`: the command frame, by default that of the settings.
    """
    spec = device_spec(settings.device)
    if not has_profile(settings.device):
        return ()
    profile, window = _profile(settings), Keymap(settings.window.keys)
    own = {key: binding for key, binding in profile.keys.items() if window.find(key) is None}  # not the window's too
    profile = profile.model_copy(update={"keys": own})
    return key_rows(profile, axes, spec.axis_labels, picture=(frame or settings.correction.command_frame) == "camera")


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
    windowed = has_display() and not settings.headless
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
    correction = settings.correction
    if spec.control and correction.max_step is None:
        correction = correction.model_copy(update={"max_step": PERSON_MAX_STEP})
    settings = settings.model_copy(update={"device": device, "headless": not windowed, "correction": correction})
    device_in_use(settings)  # a wrong profile is refused before anything starts
    return settings
