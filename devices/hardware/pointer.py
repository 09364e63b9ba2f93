"""The pointer, from window events: the hand goes where it points. Runs in its reader thread; never imports pygame."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import ClassVar

from hitl_clic.devices.core.controls import MOUSE_BUTTONS
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.window import WindowDevice
from hitl_clic.devices.mapping.shaping import Profile
from hitl_clic.types.scene import Scene

PLANE = ("x", "y")
"""The axes of a task of the plane."""


class PointerDevice(WindowDevice):
    """While a control bound to "engage" is held, the motion is what brings the hand to the pointer.

    Raw axes are "x" (right) and "y" (down): the way from the hand to the pointer in units of action and step. A way
    longer than one step is shortened to it and keeps its direction. At the pointer the motion is zero. A pointer
    outside the scene counts as at its edge. Without a flat scene there is no motion.
    """

    name = "pointer"
    buttons = MOUSE_BUTTONS
    axis_labels: ClassVar[Mapping[str, str]] = {"x": "point left or right", "y": "point up or down"}
    """Raw axis to the gestures that move it, below 0 first."""

    def __init__(
        self,
        feed: EventFeed,
        profile: Profile,
        scene: Callable[[], Scene | None],
        stale_after_s: float = 0.25,
        tap_hold_s: float = 0.12,
        clock: Callable[[], int] = time.perf_counter_ns,
        axes: Sequence[str] = PLANE,
    ) -> None:
        """
        Args:
            scene: the newest scene, with the hand in it; called in the reader thread, and must not wait.
            feed, profile, stale_after_s, tap_hold_s, clock, axes: see `WindowDevice`.

        Raises:
            ValueError: the task's axes are not those of the plane; or as `WindowDevice`.
        """
        if sorted(axes) != sorted(PLANE):
            raise ValueError(
                f"device = pointer needs a task of the plane, whose axes are {' and '.join(PLANE)} alone; "
                f"this task's are {', '.join(axes)}: use device = mouse, whose drag acts as a stick"
            )
        super().__init__(feed, profile, 100.0, stale_after_s, tap_hold_s, clock, axes)
        self._scene = scene
        self._target: tuple[float, float] | None = None
        """The pointer, as a share of the scene's width and height; None before it was seen."""

    def raw(self, now_ns: int, held: Collection[str]) -> Mapping[str, float]:
        """The way to the pointer, plus the deflection of bound controls."""
        raw = dict(super().raw(now_ns, held))
        scene = self._scene()
        if self._target is None or scene is None or scene.pose is not None or not scene.step or "engage" not in held:
            return raw
        away = [
            (min(max(share, 0.0), 1.0) * side - at) / scene.step
            for share, side, at in zip(self._target, scene.size, scene.hand, strict=True)
        ]
        longest = max(1.0, *map(abs, away))
        for axis, way in zip(PLANE, away, strict=True):
            raw[axis] = raw.get(axis, 0.0) + way / longest
        return raw

    def on_pointer(self, event: InputEvent) -> None:
        """Remember where the pointer is."""
        self._target = event.position
