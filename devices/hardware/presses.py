"""Which bindings a press of buttons means: single buttons, chords and long presses. Pure; one reader thread.

A profile names a chord by its buttons, "left+right", and a long press by a word, "left long". The rules:

- A chord counts at once when its last button goes down, so that an emergency stop never waits.
- A button that has no chord and no long press counts at once.
- A button that is part of a chord, or that has a long press, is decided at its release. A fixed wait would be too short
  for a slow chord, which would then act twice, and too long for a quick press. The release comes by itself.
- A direction cannot wait for a release, since it acts while it is held. On such a button it begins after `WAIT_S`.
- `MODIFIERS` move and teach nothing by themselves, so they begin at once on such a button too, and a chord leaves them.

A press that became a chord or a long press does nothing else until its buttons are released.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from hitl_clic.devices.core.controls import TEACH_STILL
from hitl_clic.devices.hardware.held_controls import HeldControls

LONG_S = 0.4
"""A press that is held for this long is a long one, seconds."""
WAIT_S = 0.1
"""Time for the second button of a chord, before a function begins that acts while held, seconds."""
LONG = " long"
"""End of the name of a long press."""
STOP = "stop"
"""The function that never waits."""
MODIFIERS = ("engage", "precise", "coarse", "turn", "slow")
"""Functions that change what the others do."""


def _acts_while_held(binding: str) -> bool:
    """Whether a binding moves or teaches while its control is held."""
    return binding == TEACH_STILL or binding[:1] in ("+", "-")


def parts(pattern: str) -> tuple[str, ...]:
    """The buttons of a pattern: of a chord, of a long press, or of a single button."""
    return tuple(pattern.removesuffix(LONG).split("+"))


class Presses:
    """The state of all buttons of a device.

    Args:
        bindings: pattern to what it is bound to.
        tap_hold_ns: a shorter press counts as held this long, so that no tick misses it.
    """

    def __init__(self, bindings: Mapping[str, str], tap_hold_ns: int) -> None:
        self._tap_hold_ns = tap_hold_ns
        self._active = HeldControls(tap_hold_ns)
        """Patterns in force."""
        self._down: dict[str, int] = {}
        """Buttons that are down, and when they were pressed, nanoseconds."""
        self._decided: set[str] = set()
        """Buttons that are down and whose press has had its effect."""
        self.bind(bindings)

    def bind(self, bindings: Mapping[str, str]) -> None:
        """Use other bindings from now on."""
        self._bindings = bindings
        chords = (pattern for pattern in bindings if len(parts(pattern)) > 1)
        self._chords = sorted(chords, key=lambda pattern: -len(parts(pattern)))
        in_chords = {part for chord in self._chords for part in parts(chord)}
        in_chords -= {button for button, binding in bindings.items() if binding in MODIFIERS}
        self._waiting = in_chords | {parts(pattern)[0] for pattern in bindings if pattern.endswith(LONG)}
        self._waiting -= {button for button, binding in bindings.items() if binding == STOP}

    def slowed(self, speed: float) -> None:
        """The loop runs at this share of its rate, so short presses count as held for longer."""
        self._active.speed = speed

    def feed(self, button: str, pressed: bool, now_ns: int) -> list[str]:
        """Note that a button was pressed or released. Returns the bindings that this presses, in order."""
        return self._press(button, now_ns) if pressed else self._release(button, now_ns)

    def elapse(self, now_ns: int) -> list[str]:
        """Note the time. Returns the bindings that it presses: long presses, and functions that had to wait."""
        pressed: list[str] = []
        for button in [name for name in self._down if name not in self._decided]:
            age_s = (now_ns - self._down[button]) * 1e-9
            if button + LONG in self._bindings:
                if age_s >= LONG_S:
                    pressed += self._begin(button + LONG, (button,), now_ns)
            elif _acts_while_held(self._bindings.get(button, "")) and age_s >= WAIT_S:
                pressed += self._begin(button, (button,), now_ns)
        return pressed

    def bound(self, now_ns: int) -> set[str]:
        """The bindings in force."""
        return {self._bindings[pattern] for pattern in self._active.names(now_ns) if pattern in self._bindings}

    def pass_over(self) -> None:
        """What is down now was pressed before the device was there. Until its release it is held, and no new press."""
        self._decided.update(self._down)

    def clear(self) -> None:
        """Release everything, because the device is gone. A recent press of the emergency stop stays."""
        self._down.clear()
        self._decided.clear()
        stops = [pattern for pattern, binding in self._bindings.items() if binding == STOP]
        self._active.clear(keep_taps_of=stops)

    def _press(self, button: str, now_ns: int) -> list[str]:
        if button in self._down:
            return []
        self._down[button] = now_ns
        for chord in self._chords:
            if button in parts(chord) and all(part in self._down for part in parts(chord)):
                return self._begin(chord, parts(chord), now_ns)
        if button in self._waiting or button not in self._bindings:
            return []
        return self._begin(button, (button,), now_ns)

    def _release(self, button: str, now_ns: int) -> list[str]:
        known = self._down.pop(button, None) is not None
        for pattern in self._bindings:
            if button in parts(pattern):
                self._active.release(pattern)
        if not known or button in self._decided or button not in self._bindings:
            self._decided.discard(button)
            return []
        pressed = self._begin(button, (), now_ns)
        self._active.release(button)
        return pressed

    def _begin(self, pattern: str, buttons: Collection[str], now_ns: int) -> list[str]:
        """Put a pattern in force, and end what its buttons had begun, except modifiers."""
        for button in buttons:
            if self._bindings.get(button) not in MODIFIERS:
                self._active.release(button)
        self._decided.update(buttons)
        self._active.press(pattern, now_ns)
        return [self._bindings[pattern]]
