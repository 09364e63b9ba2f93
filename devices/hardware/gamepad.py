"""The gamepad, through pygame's controllers and joysticks. Runs in its reader thread, in the actor process.

It is not read in the window process: a gamepad must work without a window, and drawing must not delay it. This thread
updates SDL's joystick state itself, and holds `connected_pads.SDL` meanwhile. It must never touch SDL's display or
event queue. SDL queues the events anyway; if no one reads them it keeps 65,535 (about 18 MB). SDL needs `open`, `read`
and `close` on one thread.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING

from hitl_clic.devices.hardware.connected_pads import (
    BUTTONS,
    IN_USE,
    SDL,
    STICKS,
    TRIGGERS,
    choose_pad,
    connected_pads,
    controllers,
    open_joystick,
    sdl_errors,
)
from hitl_clic.devices.hardware.handheld import HandheldDevice, Reading, Source
from hitl_clic.devices.mapping.shaping import Profile, load_profile

if TYPE_CHECKING:
    from pygame._sdl2.controller import Controller
    from pygame.joystick import JoystickType

RATE_HZ = 250.0
"""Polling rate. A reading is at most 4 ms old, and no human press is shorter."""
RUMBLE = (0.4, 1.0, 300)
"""Strength of the low and the high motor, from 0 to 1, and duration in milliseconds."""

AXIS_LABELS: Mapping[str, str] = {
    "left x": "left stick left or right",
    "left y": "left stick down or up",
    "right x": "right stick left or right",
    "right y": "right stick down or up",
    "d-pad x": "d-pad left or right",
    "d-pad y": "d-pad down or up",
    "triggers": "left or right trigger",
}
"""Raw axis to the gestures that move it, below 0 first. `key_rows` gives what they do in the same order."""

_PULLED = 0.5
"""A trigger pulled further than this also counts as a pressed button."""
_RELEASED = 0.1
_FULL = 32767.0


class PadSource:
    """One pad: that of a name or number, else the one that the profile can use; see `connected_pads.choose_pad`.

    While none is usable, each `open` looks again, so a pad that is plugged in later is found.

    Raw axes of a controller: "left x", "left y", "right x", "right y", "d-pad x", "d-pad y" (right and away positive),
    "left trigger", "right trigger" (0 to 1), and "triggers" (right minus left). Raw axes of any joystick: "axis N",
    "trigger N" (the same axis as a trigger whose rest is -1), "hat N x" and "hat N y". Buttons: "a", or "button N". A
    trigger is a button too.

    A trigger reads 0 until it was once at rest, because some drivers report half a pull before the first touch.
    """

    def __init__(
        self, clock: Callable[[], int] = time.perf_counter_ns, profile: Profile | None = None, which: str = ""
    ) -> None:
        """
        Args:
            clock: monotonic nanoseconds. profile: the bindings; None uses any pad.
            which: number, or name or a part of it; empty: any.
        """
        self._clock, self._profile, self._which = clock, profile, which
        self._joystick: JoystickType | None = None
        self._controller: Controller | None = None
        self._instance = -1
        self._model: tuple[str, str] | None = None
        """Guid and name of the pad that was opened by number."""
        self._down: frozenset[str] = frozenset()
        self._pulls: dict[str, float] = {}
        self._rested: set[str] = set()
        self._count = 0
        self._opening = False
        self._numbered_axes: list[tuple[str, str]] = []
        self._numbered_buttons: list[str] = []
        self._hats: list[tuple[str, str]] = []

    def open(self) -> None:
        """Open the pad. Raises OSError if there is none, if the profile cannot use it, or if SDL or pygame fails."""
        with SDL:
            connected = connected_pads()
            chosen = choose_pad(connected, self._profile, self._which, self._model)
            pads = controllers()
            self._joystick = open_joystick(chosen.number)
            with sdl_errors("the gamepad cannot be opened"):
                self._controller = pads.Controller(chosen.number) if chosen.has_layout else None
            IN_USE.add(chosen.instance)
            self._instance, self._count = chosen.instance, pads.get_count()
        if self._which.isdecimal():
            self._model = chosen.guid, chosen.name
        self._numbered_axes = [(f"axis {number}", f"trigger {number}") for number in range(chosen.axes)]
        self._numbered_buttons = [f"button {number}" for number in range(chosen.buttons)]
        self._hats = [(f"hat {number} x", f"hat {number} y") for number in range(chosen.hats)]
        self._down, self._pulls, self._rested, self._opening = frozenset(), {}, set(), True

    def read(self, timeout_s: float) -> Reading:
        """Wait, update SDL's state, and read it. Raises OSError when unplugged."""
        time.sleep(timeout_s)
        with SDL, sdl_errors("the gamepad cannot be read"):
            controllers().update()
            if not self._attached():
                raise OSError("the gamepad was unplugged")
            axes = self._axes()
            down = self._pressed()
        changes = [(name, False) for name in self._down - down] + [(name, True) for name in down - self._down]
        self._down = down
        opening, self._opening = self._opening, False
        return Reading(self._clock(), axes, tuple(changes), opening=opening)

    def rumble(self) -> None:
        """Rumble, if the pad has motors. Raises OSError when unplugged."""
        pad = self._controller or self._joystick
        if pad is not None:
            with SDL, sdl_errors("the gamepad cannot rumble"):
                pad.rumble(*RUMBLE)

    def close(self) -> None:
        """Close the pad. SDL stays initialised, so that it finds a pad that is plugged in later."""
        controller, self._controller = self._controller, None
        joystick, self._joystick = self._joystick, None
        with SDL:
            for pad in (controller, joystick):
                if pad is not None:
                    pad.quit()
            IN_USE.discard(self._instance)
            self._instance = -1

    def _attached(self) -> bool:
        assert self._joystick is not None
        if self._controller is not None:
            return bool(self._controller.attached())
        count = controllers().get_count()
        if count == self._count:  # only controllers report detachment; polling all joysticks is slow
            return True
        self._count = count
        return any(pad.instance == self._instance for pad in connected_pads())

    def _axes(self) -> Mapping[str, float]:
        assert self._joystick is not None
        axes: dict[str, float] = {}
        if (pad := self._controller) is not None:
            axes |= {name: sign * pad.get_axis(axis) / _FULL for name, (axis, sign) in STICKS.items()}
            axes |= {name: self._pull(name, pad.get_axis(axis) / _FULL) for name, axis in TRIGGERS.items()}
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
            down |= {name for number, name in enumerate(BUTTONS) if pad.get_button(number)}
        return frozenset(down | {name for name, pull in self._pulls.items() if pull > _PULLED})


def gamepad(
    profile: Profile,
    source: Source | None = None,
    tap_hold_s: float = 0.12,
    axes: Sequence[str] = (),
    which: str = "",
) -> HandheldDevice:
    """A gamepad as a device; `source` defaults to SDL's pad of this name or number, by default one that it can use."""
    source = source or PadSource(profile=profile, which=which)
    return HandheldDevice("gamepad", source, profile, RATE_HZ, tap_hold_s, axes=axes)


def status() -> tuple[bool, str]:
    """(usable now with the default profile, sentence) for the device list: number and name of each pad."""
    try:
        pads, profile = connected_pads(), load_profile("gamepad")
    except (OSError, ValueError) as error:
        return False, str(error)
    if not pads:
        return False, "None is connected; plug one in, also during a session."
    lacking = [(pad, pad.lacks(profile)) for pad in pads]
    ready = [str(pad) for pad, lacks in lacking if not lacks]
    sentences = [f"Not usable: {pad}: {lacks}." for pad, lacks in lacking if lacks]
    if ready:
        sentences.insert(0, f"Ready: {', '.join(ready)}; hold the right shoulder to drive.")
    if len(pads) > 1:
        sentences.append("Choose one with --device gamepad:NUMBER or gamepad:NAME.")
    return bool(ready), " ".join(sentences)
