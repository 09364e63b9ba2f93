"""The mouse on a 2-D scene: press, drag, let go. Read by its own thread; never imports pygame."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping

from devices.events import EventFeed, InputEvent
from devices.shaping import Profile
from devices.window import WindowDevice


class MouseDevice(WindowDevice):
    """A drag gives direction and strength relative to the point of the press; full deflection at `profile.reach`.

    Raw axes are "x" (right) and "y" (down, as in the scene). Letting go is zero at once, except that a flick shorter
    than `tap_hold_s` lasts that long, so that no tick misses it. Arguments: see `WindowDevice`.
    """

    name = "mouse"

    def __init__(
        self,
        feed: EventFeed,
        profile: Profile,
        rate_hz: float = 100.0,
        stale_after_s: float = 0.25,
        tap_hold_s: float = 0.12,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        super().__init__(feed, profile, rate_hz, stale_after_s, tap_hold_s, clock)
        self._pressed: str = ""
        """The engage button that began the drag; empty when none is down."""
        self._from = (0.0, 0.0)
        self._to = (0.0, 0.0)

    def raw(self, now_ns: int) -> Mapping[str, float]:
        """Drag in units of the reach."""
        if not self._buttons.any(self._profile.engage_buttons, now_ns):
            return {"x": 0.0, "y": 0.0}
        reach = self._profile.reach
        return {"x": (self._to[0] - self._from[0]) / reach, "y": (self._to[1] - self._from[1]) / reach}

    def moved(self, event: InputEvent) -> None:
        """Follow the drag; a second button does not move its origin."""
        if event.kind == "button_down":
            if self._pressed in ("", event.name) and event.name in self._profile.engage_buttons:
                self._pressed = event.name
                self._from = self._to = event.position
        elif self._pressed:
            self._to = event.position
            if event.kind == "button_up" and event.name == self._pressed:
                self._pressed = ""

    def _forget(self) -> None:
        super()._forget()
        self._pressed = ""
