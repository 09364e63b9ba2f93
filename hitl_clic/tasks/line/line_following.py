"""Line Following: move a point along a line to its end.

Runs in the thread that owns the environment. Pure numpy; renders nothing and reads no device.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, hypot, pi, sin
from typing import Any, Literal

import msgpack
import numpy as np
from gymnasium import spaces

from hitl_clic.tasks.actions import PLANE_GROUPS, checked_action
from hitl_clic.tasks.task import Array, RenderMode, Task
from hitl_clic.types.scene import ActionFrame, Scene, Shape
from hitl_clic.types.symmetry import Symmetry

SIDE = 512.0
POSITION_SCALE = 100.0
"""Pixels per unit of the four position features."""
DISTANCE_SCALE = 30.0
"""Pixels per unit of the distance feature."""
END_RADIUS = 15.0
CORRIDOR = 30.0
_FIXED_LINE = ((100.0, 300.0), (480.0, 300.0))
_MARGIN = 40.0
_LENGTHS = (200.0, 380.0)
_JITTER = 8.0
_HAND_RADIUS = 6.0
_KIND = "hitl_clic/LineFollowing-v0/1"
_TURNS_AND_MIRRORS = tuple(
    Symmetry(state=f"{x}{0 + swap} {y}{1 - swap} {x}{2 + swap} {y}{3 - swap} +4", action=f"{x}{0 + swap} {y}{1 - swap}")
    for swap in (0, 1)
    for x in "+-"
    for y in "+-"
)[1:]
"""The seven symmetries of the square other than the identity."""

Point = tuple[float, float]


@dataclass(frozen=True, slots=True)
class _State:
    start: Point
    end: Point
    hand: Point
    step: int


class LineFollowing(Task):
    """Follow a line to within 15 px of its end; the episode fails more than 30 px off the line.

    Observation, float32 [5]: (hand - end) / 100, (start - end) / 100, distance to the line / 30.
    Action, float32 [2]: motion in px per step. 20 Hz. Scales, limits and fixed line as in the CLIC papers.

    Args:
        line: "random": a line of 200 to 380 px and a hand up to 8 px off its start, both drawn from the seed.
            "fixed": the published line (100, 300) to (480, 300) with the hand on its start.
        max_steps: steps after which an episode is truncated.
        render_mode: see `Task`.
    """

    action_frame = ActionFrame(axes=("x", "y"), scale=(1.0, 1.0), unit=("px", "px"), groups=PLANE_GROUPS)
    control_hz = 20.0
    symmetries = _TURNS_AND_MIRRORS

    def __init__(
        self,
        line: Literal["random", "fixed"] = "random",
        max_steps: int = 1000,
        render_mode: RenderMode | None = None,
    ) -> None:
        super().__init__(render_mode)
        if line not in ("random", "fixed"):
            raise ValueError(f"line must be 'random' or 'fixed', got {line!r}")
        if max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {max_steps}")
        self.line = line
        self.max_steps = max_steps
        bound = np.array([20.0, 20.0, 20.0, 20.0, 40.0], np.float32)
        self.observation_space = spaces.Box(-bound, bound, dtype=np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (2,), np.float32)
        self._state: _State | None = None

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        super().reset(seed=seed)
        if self.line == "fixed":
            start, end = _FIXED_LINE
            self._state = _State(start, end, start, 0)
        else:
            self._state = self._draw()
        self.show_step()
        return self.observe(), self._info()

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        before = self._present()
        dx, dy = checked_action(action, 2).tolist()
        # Clipped to twice the scene, so that observations stay bounded after a failure.
        x, y = (min(max(v, -SIDE), 2 * SIDE) for v in (before.hand[0] + dx, before.hand[1] + dy))
        self._state = _State(before.start, before.end, (x, y), before.step + 1)
        info = self._info()
        terminated = info["success"] or info["off_line"]
        truncated = not terminated and self._state.step >= self.max_steps
        self.show_step()
        return self.observe(), float(info["success"]), terminated, truncated, info

    def observe(self) -> Array:
        return _observed(self._present())

    def predict(self, observation: Array, actions: Array) -> Array:
        """As in `Task`; exact except at the limits of the scene."""
        if observation.shape != (5,):
            raise ValueError(f"a Line Following observation must have shape (5,), got {observation.shape}")
        hand, start = observation.astype(np.float64)[:4].reshape(2, 2) * POSITION_SCALE
        for action in actions:
            hand = hand + checked_action(action, 2)
        return _observed(_State((float(start[0]), float(start[1])), (0.0, 0.0), (float(hand[0]), float(hand[1])), 0))

    def snapshot(self) -> bytes:
        s = self._present()
        return bytes(msgpack.packb({"task": _KIND, "state": [*s.start, *s.end, *s.hand], "step": s.step}))

    def restore(self, snapshot: bytes) -> Array:
        try:
            content = msgpack.unpackb(snapshot)
            if content["task"] != _KIND:
                raise ValueError(f"made by {content['task']!r}")
            numbers = [float(v) for v in content["state"]]
            sx, sy, ex, ey, hx, hy = numbers
            step = int(content["step"])
            if not np.isfinite(numbers).all() or step < 0 or (sx, sy) == (ex, ey):
                raise ValueError("its state is out of range")
        except (ValueError, KeyError, TypeError, msgpack.UnpackException) as problem:
            raise ValueError(f"not a snapshot of {_KIND}: {problem}") from problem
        self._state = _State((sx, sy), (ex, ey), (hx, hy), step)
        return self.observe()

    def scene(self) -> Scene:
        s = self._present()
        ux, uy = _direction(s)
        half = 2.0
        band = tuple(
            (p[0] + side * half * -uy, p[1] + side * half * ux)
            for p, side in ((s.start, 1), (s.end, 1), (s.end, -1), (s.start, -1))
        )
        shapes = (
            Shape("goal", (s.end,), END_RADIUS),
            Shape("line", band),
            Shape("robot", (s.hand,), _HAND_RADIUS),
        )
        return Scene(size=(SIDE, SIDE), shapes=shapes, hand=s.hand, step=1.0)

    def progress(self) -> dict[str, Any]:
        s = self._present()
        return {"to_end_px": _distance(s.hand, s.end), "off_line_px": _distance_to_line(s)}

    def _present(self) -> _State:
        if self._state is None:
            raise RuntimeError("call reset() first")
        return self._state

    def _draw(self) -> _State:
        rng = self.np_random
        while True:
            start = tuple(rng.uniform(_MARGIN, SIDE - _MARGIN, 2).tolist())
            length, angle = float(rng.uniform(*_LENGTHS)), float(rng.uniform(-pi, pi))
            end = (start[0] + length * cos(angle), start[1] + length * sin(angle))
            if all(_MARGIN <= v <= SIDE - _MARGIN for v in end):
                break
        away, angle = _JITTER * float(rng.uniform()) ** 0.5, float(rng.uniform(-pi, pi))
        hand = (start[0] + away * cos(angle), start[1] + away * sin(angle))
        return _State((start[0], start[1]), end, hand, 0)

    def _info(self) -> dict[str, Any]:
        s = self._present()
        success = _distance(s.hand, s.end) < END_RADIUS
        return {"success": success, "off_line": not success and _distance_to_line(s) > CORRIDOR}


def _distance(a: Point, b: Point) -> float:
    return hypot(a[0] - b[0], a[1] - b[1])


def _observed(s: _State) -> Array:
    return np.array(
        [
            (s.hand[0] - s.end[0]) / POSITION_SCALE,
            (s.hand[1] - s.end[1]) / POSITION_SCALE,
            (s.start[0] - s.end[0]) / POSITION_SCALE,
            (s.start[1] - s.end[1]) / POSITION_SCALE,
            _distance_to_line(s) / DISTANCE_SCALE,
        ],
        dtype=np.float32,
    )


def _direction(s: _State) -> Point:
    length = _distance(s.start, s.end)
    return (s.end[0] - s.start[0]) / length, (s.end[1] - s.start[1]) / length


def _distance_to_line(s: _State) -> float:
    """Distance of the hand to the infinite line through start and end, px."""
    ux, uy = _direction(s)
    return abs(ux * (s.hand[1] - s.start[1]) - uy * (s.hand[0] - s.start[0]))
