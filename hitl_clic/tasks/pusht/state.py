"""The state of Push-T: the geometry of the T, and the 24 numbers of an observation.

Shared by environment and teacher. Pure numpy; any thread; never imports the simulator. Lengths are pixels of the
512 x 512 scene, y points down, angles are radians. Body frame of the T: origin in the middle of the bar's outer edge, x
along the bar, y along the stem.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import atan2, cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from hitl_clic.tasks.task import Array
from hitl_clic.types.symmetry import Symmetry

SIDE = 512.0
AGENT_RADIUS = 15.0
GOAL = (256.0, 256.0, pi / 4)
"""Goal pose of the body frame: x, y, angle."""
OBSERVATION_SIZE = 24
_NOW = OBSERVATION_SIZE // 2

T_OUTLINE: NDArray[np.float64] = np.array(
    [[-60, 0], [60, 0], [60, 30], [15, 30], [15, 120], [-15, 120], [-15, 30], [-60, 30]], dtype=np.float64
)
"""Corners of the T in its body frame, in order."""

_IN_MIRROR = "1-{1} 1-{0} -{3} -{2} -{4} +{5} 1-{7} 1-{6} -{9} -{8} +{11} +{10}"
"""The terms of one instant's `features`."""
MIRROR = Symmetry(state=" ".join(_IN_MIRROR.format(*range(first, first + _NOW)) for first in (0, _NOW)), action="-1 -0")
"""Reflection in the stem of the goal, a diagonal of the scene: (x, y) -> (512 - y, 512 - x)."""


@dataclass(frozen=True, slots=True)
class PushTState:
    """Positions of agent and T, px, and the angle of the T, rad."""

    agent_x: float
    agent_y: float
    block_x: float
    block_y: float
    angle: float


def features(state: PushTState) -> Array:
    """The features of one instant, float32 [12].

    agent / 512 (2), (goal - block) / 512 (2), sin and cos of (goal angle - block angle), block / 512 (2),
    (block - agent) / 512 (2), sin and cos of (block angle - pi). An observation holds the features of the previous and
    of the present instant, as in the public CLIC code.
    """
    error = GOAL[2] - state.angle
    return np.array(
        [
            state.agent_x / SIDE,
            state.agent_y / SIDE,
            (GOAL[0] - state.block_x) / SIDE,
            (GOAL[1] - state.block_y) / SIDE,
            sin(error),
            cos(error),
            state.block_x / SIDE,
            state.block_y / SIDE,
            (state.block_x - state.agent_x) / SIDE,
            (state.block_y - state.agent_y) / SIDE,
            sin(state.angle - pi),
            cos(state.angle - pi),
        ],
        dtype=np.float32,
    )


def decode(observation: Array) -> PushTState:
    """The present state in an observation, float32 [24].

    Raises:
        ValueError: wrong shape, or a number that is not finite.
    """
    numbers = np.asarray(observation, dtype=np.float64)
    if numbers.shape != (OBSERVATION_SIZE,):
        raise ValueError(f"Push-T observation must have shape ({OBSERVATION_SIZE},), got {numbers.shape}")
    if not np.isfinite(numbers).all():
        raise ValueError(f"Push-T observation holds a number that is not finite: {numbers}")
    now = numbers[_NOW:]
    return PushTState(
        agent_x=float(now[0] * SIDE),
        agent_y=float(now[1] * SIDE),
        block_x=float(now[6] * SIDE),
        block_y=float(now[7] * SIDE),
        angle=atan2(now[10], now[11]) + pi,
    )


def to_body(point: NDArray[np.float64], x: float, y: float, angle: float) -> NDArray[np.float64]:
    """A scene point [2] in the body frame of a T at this pose."""
    dx, dy, c, s = point[0] - x, point[1] - y, cos(angle), sin(angle)
    return np.array([c * dx + s * dy, -s * dx + c * dy])


def outline_in_scene(x: float, y: float, angle: float) -> tuple[tuple[float, float], ...]:
    """The corners of a T at this pose, in the scene."""
    c, s = cos(angle), sin(angle)
    return tuple((x + c * px - s * py, y + s * px + c * py) for px, py in T_OUTLINE.tolist())


def agent_gap(state: PushTState) -> float:
    """Distance between the agent's disc and the T, px; negative if they overlap."""
    point = to_body(np.array([state.agent_x, state.agent_y]), state.block_x, state.block_y, state.angle)
    gaps = []
    for left, top, right, bottom in ((-60.0, 0.0, 60.0, 30.0), (-15.0, 30.0, 15.0, 120.0)):
        dx = max(left - point[0], point[0] - right)
        dy = max(top - point[1], point[1] - bottom)
        outside = float(np.hypot(max(dx, 0.0), max(dy, 0.0)))
        gaps.append(outside if outside > 0 else max(dx, dy))
    return float(min(gaps)) - AGENT_RADIUS
