"""The mouse, from window events: drags and the wheel. Runs in its reader thread; never imports pygame."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar

from hitl_clic.devices.core.controls import MOUSE_BUTTONS
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.window import WindowDevice
from hitl_clic.devices.mapping.shaping import Profile


class MouseDevice(WindowDevice):
    """A drag sets deflection by its offset from the point of the press; full deflection at `profile.reach`.

    Raw axes are "x" (right) and "y" (down), dragged with a button bound to "engage". The wheel and keys deflect like
    other bound controls. Releasing gives zero at once. A drag shorter than `tap_hold_s`, or a notch of the wheel,
    lasts that long, so that no tick misses it. Arguments: see `WindowDevice`.
    """

    name = "mouse"
    buttons = MOUSE_BUTTONS
    axis_labels: ClassVar[Mapping[str, str]] = {"x": "drag left or right", "y": "drag up or down"}
    """Raw axis to the gestures that move it, below 0 first."""

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
        _, self._draggers = profile.controls_for("engage")
        self._pressed: str = ""
        """The button that started the drag; empty while none is down."""
        self._from = (0.0, 0.0)
        self._to = (0.0, 0.0)

    def raw(self, now_ns: int, held: Collection[str]) -> Mapping[str, float]:
        """Deflection by the drag, plus that of bound controls."""
        raw = dict(super().raw(now_ns, held))
        if self._buttons.any(self._draggers, now_ns):
            for axis, start, end in zip(("x", "y"), self._from, self._to, strict=True):
                raw[axis] = raw.get(axis, 0.0) + (end - start) / self._profile.reach
        return raw

    def on_pointer(self, event: InputEvent) -> None:
        """Update the drag. A second button does not move its origin."""
        if event.kind == "button_down":
            if self._pressed in ("", event.name) and event.name in self._draggers:
                self._pressed = event.name
                self._from = self._to = event.position
        elif self._pressed:
            self._to = event.position
            if event.kind == "button_up" and event.name == self._pressed:
                self._pressed = ""

    def _release_all(self) -> None:
        super()._release_all()
        self._pressed = ""
