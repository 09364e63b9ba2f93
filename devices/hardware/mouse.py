"""The mouse on the scene: press, drag, let go; its wheel. Read by its own thread; never imports pygame."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar

from hitl_clic.devices.core.controls import MOUSE_BUTTONS
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.window import WindowDevice
from hitl_clic.devices.mapping.shaping import Profile


class MouseDevice(WindowDevice):
    """A drag gives direction and strength relative to the point of the press; full deflection at `profile.reach`.

    Its raw axes are "x" (right) and "y" (down, as in the scene), dragged by a button that engages; the wheel and keys
    deflect as any bound control does. Letting go is zero at once, except that a flick shorter than `tap_hold_s` lasts
    that long, so that no tick misses it; so does a notch of the wheel. Arguments: see `WindowDevice`.
    """

    name = "mouse"
    buttons = MOUSE_BUTTONS
    drags: ClassVar[Mapping[str, str]] = {"x": "drag sideways", "y": "drag up or down"}
    """The raw axes that are dragged, in words."""

    def __init__(
        self,
        feed: EventFeed,
        profile: Profile,
        rate_hz: float = 100.0,
        stale_after_s: float = 0.25,
        tap_hold_s: float = 0.12,
        clock: Callable[[], int] = time.perf_counter_ns,
        axes: Sequence[str] = (),
    ) -> None:
        super().__init__(feed, profile, rate_hz, stale_after_s, tap_hold_s, clock, axes)
        _, self._draggers = profile.bound("engage")
        self._pressed: str = ""
        """The button that began the drag; empty when none is down."""
        self._from = (0.0, 0.0)
        self._to = (0.0, 0.0)

    def raw(self, now_ns: int, held: Collection[str]) -> Mapping[str, float]:
        """Drag in units of the reach, and what bound controls add to it."""
        raw = dict(super().raw(now_ns, held))
        if self._buttons.any(self._draggers, now_ns):
            for axis, start, end in zip(self.drags, self._from, self._to, strict=True):
                raw[axis] = raw.get(axis, 0.0) + (end - start) / self._profile.reach
        return raw

    def moved(self, event: InputEvent) -> None:
        """Follow the drag; a second button does not move its origin."""
        if event.kind == "button_down":
            if self._pressed in ("", event.name) and event.name in self._draggers:
                self._pressed = event.name
                self._from = self._to = event.position
        elif self._pressed:
            self._to = event.position
            if event.kind == "button_up" and event.name == self._pressed:
                self._pressed = ""

    def _forget(self) -> None:
        super()._forget()
        self._pressed = ""
