"""What the arms' scripted teachers share: shares of phases, paced motions, hands that point down.

Pure numpy; any thread. Lengths are metres, world axes: x away from the arm, z up.
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
"""Units of action for a metre still to go: at the default speed a quarter of the way each step, at most 1.25 cm."""
_TURN_GAIN = 2.0
"""Units of action for a radian still to turn, at the default speed a quarter of it each step."""
HOME = np.array([0.0, -1.0])
"""Direction of the second finger from the first in an arm's first pose, when the arm's base looks along x."""
REST = np.array([-0.1, 0.0, 1.05])
"""A hand's place in an arm's first pose, when its base looks along x."""
_TILTED = (0.25, 0.6)
"""Angles between the hand and straight down, rad, between which righting it comes first."""
_WRIST_END = -2.6
"""Turn of a hand from its first pose, rad, that a Panda's last joint reaches from neither side: its ends are at -2.1
and 3.7, and the other joints bend to go on by a little."""


@dataclass(frozen=True, slots=True, eq=False)
class HandMotion:
    """What a teacher wants of one hand.

    Attributes:
        way: from where the hand is to where it should be, [3].
        turn: rotation vector from how it points to how it should, [3], world axes.
        shut: 0 to open the fingers, 1 to shut them.
    """

    offset: Floats
    rotation: Floats
    shut: float

    def action(self) -> Floats:
        """The seven numbers of one arm, directions kept."""
        return np.concatenate(
            [_limited(_GAIN * self.offset), _limited(_TURN_GAIN * self.rotation), [2.0 * self.shut - 1.0]]
        )


def checked_observation(observation: Array, size: int) -> Floats:
    """An observation as float64 [size], cut as tasks cut it.

    Raises:
        ValueError: the shape is wrong or a number is not finite.
    """
    numbers = np.asarray(observation, dtype=np.float64)
    if numbers.shape != (size,):
        raise ValueError(f"observation must have shape ({size},), got {numbers.shape}")
    if not np.isfinite(numbers).all():
        raise ValueError(f"observation holds a number that is not finite: {numbers}")
    return np.clip(numbers, -OBSERVATION_LIMIT, OBSERVATION_LIMIT)


def ramp(value: float, edges: tuple[float, float]) -> float:
    """0 at the ramp's first value, 1 at its second, straight between them."""
    return float(min(1.0, max(0.0, (value - edges[0]) / (edges[1] - edges[0]))))


def detour_while_tilted(offset: Floats, hand: Floats, rotation: Floats, rest: Floats = REST) -> Floats:
    """The way [3] of a hand; while it is far from pointing down, rather to where the arm has room to right it.

    Righted where it is, a stretched or folded arm would run into the ends of its joints and stay there.

    Args:
        way: where it should go otherwise, [3]. hand: where it is, [3]. turn: its rotation [3, 3].
        rest: where the hand is in the arm's first pose.
    """
    tilted = ramp(acos(min(1.0, max(-1.0, -float(rotation[2, 2])))), _TILTED)
    return (1.0 - tilted) * offset + tilted * (rest - hand)


def horizontal_and_height(offset: Floats) -> tuple[float, float]:
    """(horizontal length, height) of a way."""
    return float(np.hypot(offset[0], offset[1])), float(offset[2])


def downward_rotation(along: Floats) -> Floats:
    """Rotation [3, 3] of a hand that points down and opens its fingers along a horizontal direction."""
    length = float(np.hypot(along[0], along[1]))
    x, y = (along[0] / length, along[1] / length) if length > 1e-6 else (0.0, -1.0)
    return np.array([[-y, x, 0.0], [x, y, 0.0], [0.0, 0.0, -1.0]])


def nearest_downward_rotation(now: Floats, directions: Sequence[Floats], home: Floats = HOME) -> Floats:
    """The `easiest` turn [3] to the hand pointing down with its fingers along one of some directions, either way round.

    Args:
        now: rotation [3, 3] of the hand. directions: horizontal, [2] or [3]. home: see `easiest`.
    """
    return easiest_rotation(
        now, [downward_rotation(sign * along) @ now.T for along in directions for sign in (1.0, -1.0)], home
    )


def easiest_rotation(now: Floats, rotations: Sequence[Floats], home: Floats = HOME) -> Floats:
    """That of some turns which costs a hand least, as a rotation vector [3], led through what the wrist can do.

    The wrist turns by less than a whole turn, so that a hand may have to go the longer way round; the vector is then
    longer than pi. Least to turn now and to be turned from home. Once begun it stays the best.

    Args:
        now: rotation [3, 3] of the hand. turns: rotations [3, 3] about world axes.
        home: direction of the fingers in the arm's first pose.
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
    """How far a hand is turned about the vertical from home, rad: from `_WRIST_END` to a whole turn more."""
    x, y = hand[0, 1] + hand[1, 0], hand[1, 1] - hand[0, 0]
    angle = atan2(y, x) - atan2(float(home[1]), float(home[0]))
    return (angle - _WRIST_END) % (2 * pi) + _WRIST_END


def _limited(motion: Floats) -> Floats:
    """A motion within [-1, 1], its direction kept."""
    return np.asarray(motion / max(1.0, float(np.abs(motion).max())))
