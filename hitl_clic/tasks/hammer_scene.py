"""Hammer drawn in two dimensions: from above, and below that from the front, both on the same x.

Pure; any thread. Upper part: x to the right, y down the picture, as plans are drawn. Lower part: x, and z up.
"""

from __future__ import annotations

from collections.abc import Callable
from itertools import product

import numpy as np

from hitl_clic.tasks.hammer_state import (
    BLOCK_CENTRE,
    BLOCK_HALF,
    DRIVEN,
    FACE,
    HANDLE,
    HEAD_RADIUS,
    HEAD_X,
    NAIL,
    NAIL_FACE,
    NAIL_LENGTH,
    NAIL_RADIUS,
    OPENING,
    Floats,
    HammerState,
)
from hitl_clic.tasks.task import Scene, Shape

Point = tuple[float, float]

_SIZE = (1.04, 1.04)
_LEFT, _TOP = -0.52, 0.34
"""World x at the left edge, and world y at the upper one, m."""
_CEILING, _FLOOR = 0.68, 1.02
"""Down the picture, m: the upper end of the view from the front, and the table's top in it."""
_LINE = 0.003
_HAND_RADIUS = 0.02
_FINGER = (0.015, 0.006, 0.045)
"""Half sizes of a finger."""


def _box(centre: tuple[float, float, float], half: tuple[float, float, float]) -> Floats:
    """The corners [8, 3] of a box along the axes."""
    return np.asarray(centre) + np.array(list(product((-1.0, 1.0), repeat=3))) * half


_FINGER_CORNERS = _box((0.0, 0.0, 0.0), _FINGER)
_PALM_CORNERS = _box((0.0, 0.0, 0.06), (0.03, 0.03, 0.02))
_NAIL_CORNERS = _box((0.0, 0.0, 0.0), (NAIL_RADIUS, NAIL_FACE, NAIL_RADIUS))
_SHAFT_CORNERS = _box((0.0, NAIL_LENGTH / 2, 0.0), (0.01, NAIL_LENGTH / 2, 0.01))
"""Relative to the hand's point between the fingers, and to the nail."""
_HAMMER = (
    _box(((HANDLE[0] + HANDLE[1]) / 2, 0.0, 0.0), ((HANDLE[1] - HANDLE[0]) / 2, HANDLE[2], HANDLE[2])),
    _box((HEAD_X, 0.0, 0.0), (0.026, FACE, 0.026)),
    _box((HEAD_X, FACE - 0.016, 0.0), (HEAD_RADIUS, 0.016, HEAD_RADIUS)),
    _box((HEAD_X, 0.016 - FACE, 0.0), (HEAD_RADIUS, 0.016, HEAD_RADIUS)),
)
"""The hammer's parts in its frame: handle, head, its two faces."""
_BLOCK = _box(BLOCK_CENTRE, BLOCK_HALF)
_HOME = np.array([NAIL[0], NAIL[1] + DRIVEN, NAIL[2]])
"""Where the nail's head is when it is home."""


def hammer_scene(state: HammerState, step: float) -> Scene:
    """Both views of a state; `step` is the hand's motion for one unit of action, m."""
    hand = state.hand
    beside = np.array([0.0, OPENING * state.opening / 2, 0.0])
    fingers = [hand - beside + _FINGER_CORNERS, hand + beside + _FINGER_CORNERS]
    hammer = [state.in_world(corners) for corners in _HAMMER]
    nail, shaft = state.nail + _NAIL_CORNERS, state.nail + _SHAFT_CORNERS
    (x, y), (nail_x, nail_down) = _from_above(hand).tolist(), _from_front(state.nail).tolist()
    above = [("object", part) for part in hammer] + [("robot", finger) for finger in fingers]
    front = [*above, ("robot", hand + _PALM_CORNERS)]
    shapes = (
        _shape("wall", _BLOCK, _from_above),
        _shape("line", shaft, _from_above),
        _shape("goal", _HOME + _NAIL_CORNERS, _from_above),
        _shape("line", nail, _from_above),
        *(_shape(role, points, _from_above) for role, points in above),
        Shape("robot", ((x, y),), _HAND_RADIUS),
        _bar(_CEILING),
        _bar(_FLOOR),
        _shape("wall", _BLOCK, _from_front),
        Shape("goal", ((nail_x, nail_down),), NAIL_RADIUS + 0.012),
        Shape("line", ((nail_x, nail_down),), NAIL_RADIUS),
        *(_shape(role, points, _from_front) for role, points in front),
    )
    return Scene(size=_SIZE, shapes=shapes, hand=(x, y), step=step)


def _from_above(points: Floats) -> Floats:
    return points[..., :2] - [_LEFT, _TOP]


def _from_front(points: Floats) -> Floats:
    """What is higher than this view reaches is drawn at its upper end."""
    return np.stack([points[..., 0] - _LEFT, np.maximum(_FLOOR - points[..., 2], _CEILING)], -1)


def _shape(role: str, points: Floats, view: Callable[[Floats], Floats]) -> Shape:
    """The convex outline of what has these corners, [K, 3]."""
    seen = sorted((x, y) for x, y in view(points).tolist())
    around = _half_way_round(seen) + _half_way_round(seen[::-1])
    return Shape(role, tuple(around) if len(around) > 2 else tuple(seen[:3]))


def _half_way_round(points: list[Point]) -> list[Point]:
    """One side of the convex hull of sorted points, without its last corner (Andrew 1979)."""
    side: list[Point] = []
    for x, y in points:
        while len(side) > 1:
            (ax, ay), (bx, by) = side[-2:]
            if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0.0:
                break
            side.pop()
        side.append((x, y))
    return side[:-1]


def _bar(down: float) -> Shape:
    """A thin line across the picture."""
    return Shape("wall", ((0.0, down), (_SIZE[0], down), (_SIZE[0], down + _LINE), (0.0, down + _LINE)))
