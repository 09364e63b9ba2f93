"""The gamepad, through pygame's controllers and joysticks. Runs in its reader thread, in the actor process.

It is not read in the window process: a gamepad must work without a window, and drawing must not delay it. This thread
updates SDL's joystick state itself. It must never touch SDL's display or event queue. SDL queues the events anyway; if
no one reads them it keeps 65,535 (about 18 MB). SDL needs `open`, `read` and `close` on one thread.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from hitl_clic.devices.hardware.handheld import HandheldDevice, Reading, Source
from hitl_clic.devices.mapping.shaping import Profile

if TYPE_CHECKING:
    from pygame._sdl2.controller import Controller
    from pygame.joystick import JoystickType

RATE_HZ = 250.0
"""Polling rate. A reading is at most 4 ms old, and no human press is shorter."""
RUMBLE = (0.4, 1.0, 300)
"""Strength of the low and the high motor, from 0 to 1, and duration in milliseconds."""

AXIS_LABELS: Mapping[str, str] = {
    "left x": "left stick sideways",
    "left y": "left stick up or down",
    "right x": "right stick sideways",
    "right y": "right stick up or down",
    "d-pad x": "d-pad sideways",
    "d-pad y": "d-pad up or down",
    "triggers": "left or right trigger",
}
"""Raw axis to the gesture that moves it."""

_STICKS = {"left x": (0, 1.0), "left y": (1, -1.0), "right x": (2, 1.0), "right y": (3, -1.0)}
"""Raw axis to SDL's number and sign. Here y is positive away from the operator; in SDL it is negative."""
_TRIGGERS = {"left trigger": 4, "right trigger": 5}
_BUTTONS = (
    *("a", "b", "x", "y", "back", "guide", "start", "left stick", "right stick", "left shoulder", "right shoulder"),
    *("up", "down", "left", "right"),
)
"""SDL's controller buttons by number, with the names of an Xbox pad."""
_PULLED = 0.5
"""A trigger pulled further than this also counts as a pressed button."""
_RELEASED = 0.1
_FULL = 32767.0


class PadSource:
    """The first controller whose layout SDL knows, else the first joystick of any kind.

    Raw axes of a controller: "left x", "left y", "right x", "right y", "d-pad x", "d-pad y" (right and away positive),
    "left trigger", "right trigger" (0 to 1), and "triggers" (right minus left). Raw axes of any joystick: "axis N",
    "trigger N" (the same axis as a trigger whose rest is -1), "hat N x" and "hat N y". Buttons: "a", or "button N". A
    trigger is a button too.

    A trigger reads 0 until it was once at rest, because some drivers report half a pull before the first touch.
    """

    def __init__(self, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._clock = clock
        self._joystick: JoystickType | None = None
        self._controller: Controller | None = None
        self._down: frozenset[str] = frozenset()
        self._pulls: dict[str, float] = {}
        self._rested: set[str] = set()
        self._count = 0
        self._numbered_axes: list[tuple[str, str]] = []
        self._numbered_buttons: list[str] = []
        self._hats: list[tuple[str, str]] = []

    def open(self) -> None:
        """Open the first pad. Raises OSError if none is connected or pygame is missing."""
        pads = _pads()
        pads.update()
        count = pads.get_count()
        if not count:
            raise OSError("no gamepad is connected")
        import pygame

        index = next((index for index in range(count) if pads.is_controller(index)), 0)
        try:
            self._joystick = pygame.joystick.Joystick(index)
            self._controller = pads.Controller(index) if pads.is_controller(index) else None
        except pygame.error as error:
            raise OSError(f"the gamepad cannot be opened: {error}") from error
        pad = self._joystick
        self._numbered_axes = [(f"axis {number}", f"trigger {number}") for number in range(pad.get_numaxes())]
        self._numbered_buttons = [f"button {number}" for number in range(pad.get_numbuttons())]
        self._hats = [(f"hat {number} x", f"hat {number} y") for number in range(pad.get_numhats())]
        self._count = count
        self._down, self._pulls, self._rested = frozenset(), {}, set()

    def read(self, timeout_s: float) -> Reading:
        """Wait, update SDL's state, and read it. Raises OSError when unplugged."""
        time.sleep(timeout_s)
        _pads().update()
        if not self._attached():
            raise OSError("the gamepad was unplugged")
        axes = self._axes()
        down = self._pressed()
        changes = [(name, False) for name in self._down - down] + [(name, True) for name in down - self._down]
        self._down = down
        return Reading(self._clock(), axes, tuple(changes))

    def rumble(self) -> None:
        """Rumble, if the pad has motors."""
        pad = self._controller or self._joystick
        if pad is not None:
            pad.rumble(*RUMBLE)

    def close(self) -> None:
        """Close the pad. SDL stays initialised, so that it finds a pad that is plugged in later."""
        controller, self._controller = self._controller, None
        joystick, self._joystick = self._joystick, None
        for pad in (controller, joystick):
            if pad is not None:
                pad.quit()

    def _attached(self) -> bool:
        assert self._joystick is not None
        if self._controller is not None:
            return bool(self._controller.attached())
        import pygame.joystick as joysticks

        count = joysticks.get_count()
        if count == self._count:  # only controllers report detachment; polling all joysticks is slow
            return True
        self._count = count
        mine = self._joystick.get_instance_id()
        return any(joysticks.Joystick(index).get_instance_id() == mine for index in range(count))

    def _axes(self) -> Mapping[str, float]:
        assert self._joystick is not None
        axes: dict[str, float] = {}
        if (pad := self._controller) is not None:
            axes |= {name: sign * pad.get_axis(axis) / _FULL for name, (axis, sign) in _STICKS.items()}
            axes |= {name: self._pull(name, pad.get_axis(axis) / _FULL) for name, axis in _TRIGGERS.items()}
            axes["triggers"] = axes["right trigger"] - axes["left trigger"]
            up, down, left, right = (pad.get_button(button) for button in range(11, 15))
            axes |= {"d-pad x": float(right) - float(left), "d-pad y": float(up) - float(down)}
        any_pad = self._joystick
        for number, (axis, trigger) in enumerate(self._numbered_axes):
            axes[axis] = value = any_pad.get_axis(number)
            axes[trigger] = self._pull(trigger, (value + 1.0) / 2.0)
        for number, (across, away) in enumerate(self._hats):
            axes[across], axes[away] = map(float, any_pad.get_hat(number))
        return axes

    def _pull(self, name: str, value: float) -> float:
        if value <= _RELEASED:
            self._rested.add(name)
        self._pulls[name] = max(0.0, value) if name in self._rested else 0.0
        return self._pulls[name]

    def _pressed(self) -> frozenset[str]:
        assert self._joystick is not None
        any_pad = self._joystick
        down = {name for number, name in enumerate(self._numbered_buttons) if any_pad.get_button(number)}
        if (pad := self._controller) is not None:
            down |= {name for number, name in enumerate(_BUTTONS) if pad.get_button(number)}
        return frozenset(down | {name for name, pull in self._pulls.items() if pull > _PULLED})


def gamepad(
    profile: Profile,
    source: Source | None = None,
    tap_hold_s: float = 0.12,
    axes: Sequence[str] = (),
    which: str = "",
) -> HandheldDevice:
    """A gamepad as a device; `source` defaults to SDL's pad of this name or number, by default the first."""
    return HandheldDevice("gamepad", source or PadSource(), profile, RATE_HZ, tap_hold_s, axes=axes)


def connected_pads() -> list[str]:
    """Names of the connected pads; opens none. Raises OSError if pygame is missing."""
    pads = _pads()
    pads.update()
    import pygame.joystick as joysticks

    return [pads.name_forindex(index) or joysticks.Joystick(index).get_name() for index in range(pads.get_count())]


def status() -> tuple[bool, str]:
    """(usable now, sentence) for the device list. Opens no pad."""
    try:
        names = connected_pads()
    except OSError as error:
        return False, str(error)
    if not names:
        return False, "None is connected; plug one in, also during a session."
    return True, f"Ready: {', '.join(names)}; hold the right shoulder to drive."


def _pads():  # type: ignore[no-untyped-def]  # an untyped module of pygame
    """pygame's controller module, initialised on the calling thread, which must be the one that uses it."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    os.environ.setdefault("SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "1")  # read pads without window focus
    os.environ.setdefault("SDL_JOYSTICK_THREAD", "1")  # Windows: read pads without a window's messages
    try:
        import pygame.joystick
        from pygame._sdl2 import controller
    except ImportError as error:
        raise OSError("Needs the package pygame, which belongs to the installation.") from error
    if not controller.get_init():
        controller.init()
    if not pygame.joystick.get_init():
        pygame.joystick.init()
    return controller
