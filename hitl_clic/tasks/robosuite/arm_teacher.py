"""Functions shared by the scripted teachers of arm tasks.

Pure numpy; any thread. Lengths are metres in world axes: x away from the arm, z up.

A teacher's phases have weights from 0 to 1, computed from the observation. A ramp (a, b) rises linearly from weight 0
at a to weight 1 at b. Constants with the same meaning in all teachers:

    _GRIP_HEIGHT                height of the hand above the object's grasp point in a grasp
    _HOVER                      height of the approach above the grasp
    _DESCENT, _ANGLE_ERROR      ramps of the descent, over the horizontal distance and over the angle error, rad
    _BESIDE, _ABOVE             ramps of "object between open fingers", over the horizontal distance and the height
    _HELD_BESIDE, _HELD_ABOVE   the same for fingers that hold the object
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import acos, atan2, inf, pi

import numpy as np
from numpy.typing import NDArray

from hitl_clic.tasks.robosuite.task import OBSERVATION_LIMIT
from hitl_clic.tasks.rotations import rotation_vector
from hitl_clic.tasks.task import Array

Floats = NDArray[np.float64]

_GAIN = 20.0
"""Units of action per metre of offset: at the default speed a quarter of it each step, at most 1.25 cm."""
_TURN_GAIN = 2.0
"""Units of action per radian: at the default speed a quarter of the rotation each step."""
HOME = np.array([0.0, -1.0])
"""Direction from the first to the second finger in an arm's initial pose; the arm's base looks along x."""
REST = np.array([-0.1, 0.0, 1.05])
"""The hand's initial position; the arm's base looks along x."""
_TILTED = (0.25, 0.6)
"""Ramp of `detour_while_tilted`, over the angle between the hand and straight down, rad."""
_WRIST_END = -2.6
"""Yaw from the initial pose, rad, that divides the reachable range. A Panda's last joint ends at -2.1 and 3.7; the
other joints extend that range a little.
"""


@dataclass(frozen=True, slots=True, eq=False)
class HandMotion:
    """A motion of one hand.

    Attributes:
        offset: to the target position, [3].
        rotation: rotation vector to the target orientation, [3], world axes.
        shut: 0 opens the fingers, 1 closes them.
    """

    offset: Floats
    rotation: Floats
    shut: float

    def action(self) -> Floats:
        """The action of one arm, [7]; the directions of motion are kept."""
        return np.concatenate(
            [_limited(_GAIN * self.offset), _limited(_TURN_GAIN * self.rotation), [2.0 * self.shut - 1.0]]
        )


def checked_observation(observation: Array, size: int) -> Floats:
    """An observation as float64 [size], clipped as in the tasks.

    Raises:
        ValueError: wrong shape, or a number that is not finite.
    """
    numbers = np.asarray(observation, dtype=np.float64)
    if numbers.shape != (size,):
        raise ValueError(f"observation must have shape ({size},), got {numbers.shape}")
    if not np.isfinite(numbers).all():
        raise ValueError(f"observation holds a number that is not finite: {numbers}")
    return np.clip(numbers, -OBSERVATION_LIMIT, OBSERVATION_LIMIT)


def ramp(value: float, edges: tuple[float, float]) -> float:
    """0 at the first edge, 1 at the second, linear between them."""
    return float(min(1.0, max(0.0, (value - edges[0]) / (edges[1] - edges[0]))))


def detour_while_tilted(offset: Floats, hand: Floats, rotation: Floats, rest: Floats = REST) -> Floats:
    """The offset [3]; for a tilted hand, the offset to a position where the arm has room to level it.

    At another position a stretched or folded arm would reach its joint limits and stay there.

    Args:
        offset: without tilt, [3].
        hand, rotation: pose of the hand, [3] and [3, 3].
        rest: initial position of the hand, [3].
    """
    tilted = ramp(acos(min(1.0, max(-1.0, -float(rotation[2, 2])))), _TILTED)
    return (1.0 - tilted) * offset + tilted * (rest - hand)


def horizontal_and_height(offset: Floats) -> tuple[float, float]:
    """Horizontal length and height of an offset."""
    return float(np.hypot(offset[0], offset[1])), float(offset[2])


def downward_rotation(along: Floats) -> Floats:
    """The rotation [3, 3] of a hand that points down and opens its fingers along a horizontal direction."""
    length = float(np.hypot(along[0], along[1]))
    x, y = (along[0] / length, along[1] / length) if length > 1e-6 else (0.0, -1.0)
    return np.array([[-y, x, 0.0], [x, y, 0.0], [0.0, 0.0, -1.0]])


def nearest_downward_rotation(now: Floats, directions: Sequence[Floats], home: Floats = HOME) -> Floats:
    """The `easiest_rotation` to a hand that points down, its fingers along one of the directions, in either sense.

    Args:
        now: rotation [3, 3] of the hand.
        directions: horizontal, [2] or [3].
        home: see `easiest_rotation`.
    """
    return easiest_rotation(
        now, [downward_rotation(sign * along) @ now.T for along in directions for sign in (1.0, -1.0)], home
    )


def easiest_rotation(now: Floats, rotations: Sequence[Floats], home: Floats = HOME) -> Floats:
    """The cheapest of some rotations, as a rotation vector [3] within the wrist's range.

    The cost is the angle to turn plus the final yaw from the initial pose. The wrist covers less than a full turn, so
    the hand may have to take the longer direction; the vector is then longer than pi. The choice stays the same on the
    way.

    Args:
        now: rotation [3, 3] of the hand.
        rotations: candidates [3, 3] about world axes.
        home: direction of the fingers in the arm's initial pose.
    """
    heading, best, least = _heading(now, home), np.zeros(3), inf
    for rotation in rotations:
        goal, vector = _heading(rotation @ now, home), rotation_vector(rotation)
        vector[2] += 2 * pi * round((goal - heading - float(vector[2])) / (2 * pi))
        cost = float(np.linalg.norm(vector)) + abs(goal)
        if cost < least:
            best, least = vector, cost
    return best


def _heading(hand: Floats, home: Floats) -> float:
    """The yaw of a hand from its initial pose, rad: from `_WRIST_END` to a full turn more."""
    x, y = hand[0, 1] + hand[1, 0], hand[1, 1] - hand[0, 0]
    angle = atan2(y, x) - atan2(float(home[1]), float(home[0]))
    return (angle - _WRIST_END) % (2 * pi) + _WRIST_END


def _limited(motion: Floats) -> Floats:
    """A motion scaled into [-1, 1]; the direction is kept."""
    return np.asarray(motion / max(1.0, float(np.abs(motion).max())))
