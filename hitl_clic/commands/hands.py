"""Which device a teacher holds: one entry for each name of `--device`."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Literal

from devices.device import Device
from devices.events import EventFeed
from devices.gamepad import gamepad
from devices.handheld import HandheldDevice
from devices.keyboard import KeyboardDevice
from devices.mouse import MouseDevice
from devices.scripted import ScriptedDevice, TeacherView
from devices.shaping import load_profile
from devices.slot import Slot
from devices.spacemouse import missing as no_spacemouse
from devices.spacemouse import spacemouse
from hitl_clic.refusal import SettingsError
from hitl_clic.settings import CONFIGS, SessionSettings
from hitl_clic.tasks.registry import make_teacher
from hitl_clic.tasks.task import Task

Make = Callable[[SessionSettings, Task, Slot[TeacherView], EventFeed], Device]


@dataclass(frozen=True, slots=True)
class Hand:
    """One way to teach.

    Attributes:
        label: its name for people. control: what is held to drive; empty for a script.
        needs_window: it lives on window events.
        make: makes it from settings, task, the teacher's view and the window's events.
        lacks: what is missing here to use it at all, in a sentence; empty if nothing.
    """

    label: str
    control: str
    needs_window: bool
    make: Make
    lacks: Callable[[], str] = str

    def hint(self, mode: Literal["hold", "touch", "toggle"], correcting: bool) -> str:
        """How to take over, or once that is done how to hand back."""
        if not self.control:
            return "the script hands back by itself" if correcting else "the script steps in by itself"
        if mode == "touch":
            return "let go to hand back" if correcting else "steer to correct"
        if correcting:
            return f"{'release' if mode == 'hold' else 'press'} {self.control} to hand back"
        return f"{'hold' if mode == 'hold' else 'press'} {self.control} to correct"


def _oracle(settings: SessionSettings, task: Task, view: Slot[TeacherView], feed: EventFeed) -> Device:
    del feed
    teacher = make_teacher(settings.task)
    return ScriptedDevice(
        task.action_frame.axes, teacher.action, teacher.reset, view, settings.execute, settings.oracle
    )


def _at_the_window(device: type[KeyboardDevice] | type[MouseDevice]) -> Make:
    """How to make a device that lives on the window's events, with its preset profile."""

    def make(settings: SessionSettings, task: Task, view: Slot[TeacherView], feed: EventFeed) -> Device:
        del task, view
        profile = load_profile(CONFIGS / "devices" / f"{device.name}.toml")
        return device(feed, profile, stale_after_s=settings.gate.stale_after_s, tap_hold_s=_tap_s(settings))

    return make


def _in_the_hand(device: Callable[..., HandheldDevice], name: str) -> Make:
    """How to make a device that reads its own hardware, with its preset profile."""

    def make(settings: SessionSettings, task: Task, view: Slot[TeacherView], feed: EventFeed) -> Device:
        del task, view, feed
        return device(load_profile(CONFIGS / "devices" / f"{name}.toml"), tap_hold_s=_tap_s(settings))

    return make


def _tap_s(settings: SessionSettings) -> float:
    return max(0.05, 1.2 / settings.loop.rate_hz)  # a little over one tick: no tap falls between two


HANDS: Mapping[str, Hand] = {
    "oracle": Hand("scripted teacher", "", False, _oracle),
    "keyboard": Hand("keyboard", "Space", True, _at_the_window(KeyboardDevice)),
    "mouse": Hand("mouse", "the left button", True, _at_the_window(MouseDevice)),
    "spacemouse": Hand("SpaceMouse", "the cap", False, _in_the_hand(spacemouse, "spacemouse"), no_spacemouse),
    "gamepad": Hand("gamepad", "the right shoulder button", False, _in_the_hand(gamepad, "gamepad")),
}


def has_display() -> bool:
    """Whether a window could open here."""
    return sys.platform in ("darwin", "win32") or bool(os.environ.get("DISPLAY") or os.environ.get("WAYLAND_DISPLAY"))


def choose(settings: SessionSettings) -> SessionSettings:
    """The settings with `auto` resolved and the window decided.

    Raises:
        SettingsError: the device needs a window and there can be none, or a package, or a person.
    """
    windowed = has_display() and not settings.headless
    device = settings.device
    if device == "auto":
        device = "keyboard" if windowed and settings.pace == "realtime" else "oracle"
    hand = HANDS[device]
    if hand.needs_window and not windowed:
        free = ", ".join(name for name, other in HANDS.items() if not other.needs_window)
        why = "--headless was given" if settings.headless else "there is no display (DISPLAY is not set)"
        raise SettingsError(f"device = {device} needs a window, but {why}; allowed without a window: {free}")
    if lacking := hand.lacks():
        raise SettingsError(f"device = {device} cannot be used here. {lacking}")
    if hand.control and settings.pace == "max":
        raise SettingsError(f"pace = max is not allowed with device = {device}: a person needs realtime")
    return settings.model_copy(update={"device": device, "headless": not windowed})
