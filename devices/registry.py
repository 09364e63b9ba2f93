"""The table of devices: one entry makes a device selectable in settings, listed, and built by name. Any thread.

The listing looks for hardware without opening it. Importing this module loads no hardware library.
"""

from __future__ import annotations

import importlib.util
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Literal

from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.selection import Selection, parse
from hitl_clic.devices.hardware import gamepad, spacemouse, terminal
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.hardware.keyboard import KeyboardDevice
from hitl_clic.devices.hardware.mouse import MouseDevice
from hitl_clic.devices.hardware.pointer import PointerDevice
from hitl_clic.devices.hardware.terminal import TerminalDevice, TerminalSettings
from hitl_clic.devices.mapping.shaping import Profile
from hitl_clic.types.scene import Scene


@dataclass(frozen=True, slots=True)
class DeviceInputs:
    """What a device is made from.

    Attributes:
        profile: bindings and response. axes: the task's motion axes. feed: the window's events.
        tap_hold_s: seconds that a shorter press or push counts as held.
        stale_after_s: seconds without window events after which a window device reports no motion.
        which: which of the connected ones, in the words of `DeviceSpec.which`; empty: any.
        scene: the newest scene of a flat task that is drawn; None where there is none. Any thread; never waits.
        terminal: how long a terminal's keys count as held.
    """

    profile: Profile
    axes: Sequence[str]
    feed: EventFeed
    tap_hold_s: float
    stale_after_s: float
    which: str = ""
    scene: Callable[[], Scene | None] = lambda: None
    terminal: TerminalSettings = field(default_factory=TerminalSettings)


@dataclass(frozen=True, slots=True)
class DeviceReport:
    """One row of the device list: whether the device is usable now, and why or what it needs, as a sentence."""

    name: str
    usable: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class DeviceSpec:
    """One device that can correct a robot.

    Attributes:
        label: display name. control: what the operator holds to take over; empty for a scripted teacher.
        needs_window: its input comes from the window.
        make: builds the device, not started; None for a scripted teacher, which also needs a task.
        status: (usable now, sentence) for the device list; opens no hardware.
        axis_labels: raw axis to the gestures that move it, below 0 first, where keys and buttons do not move it.
        sentences: function to what it does, where that differs from `controls.FUNCTIONS`.
        missing: what is missing here, as a sentence; empty if nothing.
        hold_hints: in hold mode, how to start and how to end a correction, where the control cannot be held.
        which: what tells several of them apart in a choice, as "name or number"; empty: there is only one.
    """

    label: str
    control: str
    needs_window: bool
    make: Callable[[DeviceInputs], Device] | None
    status: Callable[[], tuple[bool, str]]
    axis_labels: Mapping[str, str] = field(default_factory=dict)
    sentences: Mapping[str, str] = field(default_factory=dict)
    missing: Callable[[], str] = str
    which: str = ""
    hold_hints: tuple[str, str] | None = None

    def hint(self, mode: Literal["hold", "touch", "toggle"], correcting: bool) -> str:
        """How to start a correction, or, during one, how to end it."""
        if not self.control:
            return "the script ends its correction itself" if correcting else "the script corrects by itself"
        if mode == "hold" and self.hold_hints is not None:
            return self.hold_hints[correcting]
        if mode == "touch":
            return "let go to hand back" if correcting else "steer to correct"
        if correcting:
            return f"{'release' if mode == 'hold' else 'press'} {self.control} to hand back"
        return f"{'hold' if mode == 'hold' else 'press'} {self.control} to correct"


def list_devices() -> list[DeviceReport]:
    """The status of every device in the table, in its order."""
    return [DeviceReport(name, *spec.status()) for name, spec in DEVICES.items()]


def _window_status(ready: str) -> tuple[bool, str]:
    missing = _missing_for_window(os.environ, sys.platform, importlib.util.find_spec("pygame") is not None)
    return not missing, missing or ready


def _missing_for_window(environment: Mapping[str, str], platform: str, has_pygame: bool) -> str:
    """What the window lacks, as a sentence; empty if nothing."""
    if not has_pygame:
        return "Needs the package pygame: run `pip install pygame`."
    if platform.startswith("linux") and not (environment.get("DISPLAY") or environment.get("WAYLAND_DISPLAY")):
        return "Needs a window: set DISPLAY or WAYLAND_DISPLAY (for example through `xvfb-run`)."
    return ""


def _of_window(kind: type[KeyboardDevice | MouseDevice], inputs: DeviceInputs) -> Device:
    return kind(
        inputs.feed,
        inputs.profile,
        stale_after_s=inputs.stale_after_s,
        tap_hold_s=inputs.tap_hold_s,
        axes=inputs.axes,
    )


def _terminal(inputs: DeviceInputs) -> Device:
    return TerminalDevice(
        inputs.feed,
        inputs.profile,
        stale_after_s=inputs.stale_after_s,
        tap_hold_s=inputs.tap_hold_s,
        axes=inputs.axes,
        times=inputs.terminal,
    )


def _pointer(inputs: DeviceInputs) -> Device:
    return PointerDevice(
        inputs.feed,
        inputs.profile,
        inputs.scene,
        stale_after_s=inputs.stale_after_s,
        tap_hold_s=inputs.tap_hold_s,
        axes=inputs.axes,
    )


DEVICES: dict[str, DeviceSpec] = {
    "oracle": DeviceSpec(
        label="scripted teacher",
        control="",
        needs_window=False,
        make=None,
        status=lambda: (True, "Ready: the scripted teacher needs no hardware and no window."),
    ),
    "keyboard": DeviceSpec(
        label="keyboard",
        control="Space",
        needs_window=True,
        make=partial(_of_window, KeyboardDevice),
        status=lambda: _window_status("Ready: hold Space to drive, arrows or W A S D to move."),
    ),
    "mouse": DeviceSpec(
        label="mouse",
        control="the left button",
        needs_window=True,
        make=partial(_of_window, MouseDevice),
        status=lambda: _window_status("Ready: drag in the scene with the left button."),
        axis_labels=MouseDevice.axis_labels,
    ),
    "pointer": DeviceSpec(
        label="pointer",
        control="the left button",
        needs_window=True,
        make=_pointer,
        status=lambda: _window_status("Ready, for tasks of the plane: hold the left button, and the hand follows."),
        axis_labels=PointerDevice.axis_labels,
    ),
    "spacemouse": DeviceSpec(
        label="SpaceMouse",
        control="the cap",
        needs_window=False,
        make=lambda inputs: spacemouse.spacemouse(
            inputs.profile, tap_hold_s=inputs.tap_hold_s, axes=inputs.axes, which=inputs.which
        ),
        status=spacemouse.status,
        axis_labels=spacemouse.AXIS_LABELS,
        missing=spacemouse.missing,
        which="path or serial number",
    ),
    "gamepad": DeviceSpec(
        label="gamepad",
        control="the right shoulder button",
        needs_window=False,
        make=lambda inputs: gamepad.gamepad(
            inputs.profile, tap_hold_s=inputs.tap_hold_s, axes=inputs.axes, which=inputs.which
        ),
        status=gamepad.status,
        axis_labels=gamepad.AXIS_LABELS,
        which="name or number",
    ),
    "terminal": DeviceSpec(
        label="terminal",
        control="Space",
        needs_window=False,
        make=_terminal,
        sentences=terminal.SENTENCES,
        status=terminal.status,
        missing=terminal.missing,
        hold_hints=("press an arrow key to correct", "wait, or press Space after Space, to hand back"),
    ),
}
"""Devices by name, in the order of the list."""


def chosen_devices(text: str) -> tuple[Selection, ...]:
    """The devices of a choice, KIND[:WHICH][+KIND[:WHICH]...], in order.

    Raises:
        ValueError: see `selection.parse`, or a scripted teacher is one of several.
    """
    chosen = parse(text, {name: spec.which for name, spec in DEVICES.items()})
    for one in chosen if len(chosen) > 1 else ():
        if not DEVICES[one.kind].control:
            raise ValueError(f"{one.kind!r} is a script and corrects alone; {text!r} joins it with another device")
    return chosen
