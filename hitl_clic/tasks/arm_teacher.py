"""What the arms' scripted teachers share: shares of phases, paced motions, hands that point down.

Pure numpy; any thread. Lengths are metres, world axes: x away from the arm, z up.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import acos, atan2

import numpy as np
from numpy.typing import NDArray

from hitl_clic.tasks.task import Array

Floats = NDArray[np.float64]

_GAIN = 20.0
"""Units of action for a metre still to go: at the default speed a quarter of the way each step, at most 1.25 cm."""
_TURN_GAIN = 2.0
"""Units of action for a radian still to turn, at the default speed a quarter of it each step."""
HOME = np.array([0.0, -1.0])
"""Direction of the second finger from the first in an arm's first pose, when the arm's base looks along x."""
_LARGEST_FEATURE = 2.0
"""Observations are cut to this size, as the tasks cut them."""


@dataclass(frozen=True, slots=True, eq=False)
class Grip:
    """What a teacher wants of one hand.

    Attributes:
        way: from where the hand is to where it should be, [3].
        turn: rotation vector from how it points to how it should, [3], world axes.
        shut: 0 to open the fingers, 1 to shut them.
    """

    way: Floats
    turn: Floats
    shut: float

    def action(self) -> Floats:
        """The seven numbers of one arm, directions kept."""
        return np.concatenate([_paced(_GAIN * self.way), _paced(_TURN_GAIN * self.turn), [2.0 * self.shut - 1.0]])


def checked(observation: Array, size: int) -> Floats:
    """An observation as float64 [size], cut as tasks cut it.

    Raises:
        ValueError: the shape is wrong or a number is not finite.
    """
    numbers = np.asarray(observation, dtype=np.float64)
    if numbers.shape != (size,):
        raise ValueError(f"observation must have shape ({size},), got {numbers.shape}")
    if not np.isfinite(numbers).all():
        raise ValueError(f"observation holds a number that is not finite: {numbers}")
    return np.clip(numbers, -_LARGEST_FEATURE, _LARGEST_FEATURE)


def share(value: float, ramp: tuple[float, float]) -> float:
    """0 at the ramp's first value, 1 at its second, straight between them."""
    return float(min(1.0, max(0.0, (value - ramp[0]) / (ramp[1] - ramp[0]))))


def apart(way: Floats) -> tuple[float, float]:
    """(horizontal length, height) of a way."""
    return float(np.hypot(way[0], way[1])), float(way[2])


def pointing_down(along: Floats) -> Floats:
    """Rotation [3, 3] of a hand that points down and opens its fingers along a horizontal direction."""
    length = float(np.hypot(along[0], along[1]))
    x, y = (along[0] / length, along[1] / length) if length > 1e-6 else (0.0, -1.0)
    return np.array([[-y, x, 0.0], [x, y, 0.0], [0.0, 0.0, -1.0]])


def turn_to(now: Floats, goal: Floats) -> Floats:
    """The rotation vector [3] about world axes that takes one rotation [3, 3] into another."""
    between = goal @ now.T
    axis = 0.5 * np.array(
        [between[2, 1] - between[1, 2], between[0, 2] - between[2, 0], between[1, 0] - between[0, 1]]
    )
    sine, cosine = float(np.linalg.norm(axis)), 0.5 * (float(np.trace(between)) - 1.0)
    if sine < 1e-6:
        return np.array([0.0, 0.0, 0.0 if cosine > 0.0 else np.pi])  # half a turn: any axis will do
    return np.asarray(axis * (atan2(sine, cosine) / sine))


def nearest_turn(now: Floats, directions: Sequence[Floats], home: Floats = HOME) -> Floats:
    """The turn [3] to the hand pointing down with its fingers along one of some directions, either way round.

    That which costs least, turned now and turned away from where the arm has most room for more. Once on the way to one
    of them it stays the best.

    Args:
        now: rotation [3, 3] of the hand. directions: horizontal, [2] or [3].
        home: direction of the fingers from which the arm can turn the farthest to both sides.
    """
    goals = [pointing_down(sign * along) for along in directions for sign in (1.0, -1.0)]
    turns = [turn_to(now, goal) for goal in goals]
    away = [acos(min(1.0, max(-1.0, float(goal[:2, 1] @ home)))) for goal in goals]
    costs = [float(np.linalg.norm(turn)) + far for turn, far in zip(turns, away, strict=True)]
    return turns[costs.index(min(costs))]


def _paced(motion: Floats) -> Floats:
    """A motion within [-1, 1], its direction kept."""
    return np.asarray(motion / max(1.0, float(np.abs(motion).max())))
