"""Hammer in top and front view, see `TopFrontView`. Pure; any thread."""

from __future__ import annotations

import numpy as np

from hitl_clic.tasks.metaworld.hammer_state import (
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
    HammerState,
)
from hitl_clic.tasks.top_front_view import TopFrontView, box, outline
from hitl_clic.types.scene import Scene, Shape

_VIEWS = TopFrontView(size=(1.04, 1.04), left=-0.52, top=0.34, ceiling=0.68, floor=1.02)
_HAND_RADIUS = 0.02
_FINGER = (0.015, 0.006, 0.045)
"""Half sizes of a finger."""


_FINGER_CORNERS = box((0.0, 0.0, 0.0), _FINGER)
_PALM_CORNERS = box((0.0, 0.0, 0.06), (0.03, 0.03, 0.02))
_NAIL_CORNERS = box((0.0, 0.0, 0.0), (NAIL_RADIUS, NAIL_FACE, NAIL_RADIUS))
_SHAFT_CORNERS = box((0.0, NAIL_LENGTH / 2, 0.0), (0.01, NAIL_LENGTH / 2, 0.01))
"""Corners relative to the point between the fingers, and to the nail."""
_HAMMER = (
    box(((HANDLE[0] + HANDLE[1]) / 2, 0.0, 0.0), ((HANDLE[1] - HANDLE[0]) / 2, HANDLE[2], HANDLE[2])),
    box((HEAD_X, 0.0, 0.0), (0.026, FACE, 0.026)),
    box((HEAD_X, FACE - 0.016, 0.0), (HEAD_RADIUS, 0.016, HEAD_RADIUS)),
    box((HEAD_X, 0.016 - FACE, 0.0), (HEAD_RADIUS, 0.016, HEAD_RADIUS)),
)
"""Corners in the hammer's frame: handle, head and its two faces."""
_BLOCK = box(BLOCK_CENTRE, BLOCK_HALF)
_HOME = np.array([NAIL[0], NAIL[1] + DRIVEN, NAIL[2]])
"""The nail's head when driven in."""


def hammer_scene(state: HammerState, step: float) -> Scene:
    """Both views of a state; `step` is the hand's motion per unit of action, m."""
    hand = state.hand
    beside = np.array([0.0, OPENING * state.opening / 2, 0.0])
    fingers = [hand - beside + _FINGER_CORNERS, hand + beside + _FINGER_CORNERS]
    hammer = [state.in_world(corners) for corners in _HAMMER]
    nail, shaft = state.nail + _NAIL_CORNERS, state.nail + _SHAFT_CORNERS
    (x, y), (nail_x, nail_down) = _VIEWS.from_above(hand).tolist(), _VIEWS.from_front(state.nail).tolist()
    from_above = [("object", part) for part in hammer] + [("robot", finger) for finger in fingers]
    from_front = [*from_above, ("robot", hand + _PALM_CORNERS)]
    shapes = (
        outline("wall", _BLOCK, _VIEWS.from_above),
        outline("line", shaft, _VIEWS.from_above),
        outline("goal", _HOME + _NAIL_CORNERS, _VIEWS.from_above),
        outline("line", nail, _VIEWS.from_above),
        *(outline(role, points, _VIEWS.from_above) for role, points in from_above),
        Shape("robot", ((x, y),), _HAND_RADIUS),
        _VIEWS.divider(_VIEWS.ceiling),
        _VIEWS.divider(_VIEWS.floor),
        outline("wall", _BLOCK, _VIEWS.from_front),
        Shape("goal", ((nail_x, nail_down),), NAIL_RADIUS + 0.012),
        Shape("line", ((nail_x, nail_down),), NAIL_RADIUS),
        *(outline(role, points, _VIEWS.from_front) for role, points in from_front),
    )
    return Scene(size=_VIEWS.size, shapes=shapes, hand=(x, y), step=step)
