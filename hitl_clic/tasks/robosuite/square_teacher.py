"""The scripted teacher of Square: reach the nut's handle, close, carry the nut over the peg, lower it.

Pure; any thread. Memoryless: the phases are shares between 0 and 1, worked out from the observation.

| Phase   | While                                   | The hand heads for                                    | Fingers |
|---------|-----------------------------------------|-------------------------------------------------------|---------|
| reach   | the handle is not between the fingers   | over the handle and across it, lower the nearer       | open    |
| close   | it is, and they do not hold it          | the handle                                            | shut    |
| carry   | they hold it                            | up with the nut, then over the peg, its sides squared | shut    |
| lower   | it is over the peg and squared          | down the peg                                          | shut    |
| release | it is round the peg                     | nothing, and up once the nut is free                  | open    |

Lengths are metres.
"""

from __future__ import annotations

import numpy as np

from hitl_clic.tasks.robosuite.arm_teacher import (
    Floats,
    HandMotion,
    checked_observation,
    detour_while_tilted,
    easiest_rotation,
    horizontal_and_height,
    nearest_downward_rotation,
    ramp,
)
from hitl_clic.tasks.task import Array
from hitl_clic.tasks.teacher import MemorylessTeacher

_SIZE = 48
_PEG = np.array([0.23, 0.1])
"""The peg's middle (robosuite)."""
_GRIP = (0.06, 0.068)
"""Where along the nut's x axis the handle may be held: nearer the nut the fingers would land on it."""
_GRIP_HEIGHT = -0.003
"""How far above the handle's middle the hand's point is when it grips."""
_HOVER = 0.06
_DESCENT = (0.03, 0.01)
"""Distances beside the handle between which the hand goes down."""
_ANGLE_ERROR = (0.2, 0.08)
"""Angles still to turn, rad, between which it may."""
_BESIDE, _ABOVE = (0.02, 0.01), (0.02, 0.01)
"""Distances beside and above the handle between which it comes to lie between the fingers."""
_HELD_BESIDE, _HELD_ABOVE = (0.04, 0.03), (0.04, 0.03)
"""The same for fingers that hold it."""
_CLEAR = (0.965, 0.99)
"""Heights of the nut between which it comes to clear the peg."""
_CARRY, _DOWN = 1.01, 0.84
"""Heights at which the nut is carried, and to which it is lowered."""
_OVER, _SQUARE = (0.02, 0.006), (0.15, 0.06)
"""Distances of the nut from the peg's middle, and angles from its sides, between which it may be lowered."""
_ROUND = 0.945
"""Height under which a nut over the peg is round it: it can only go down."""
_LET_GO = (0.9, 0.885)
"""Heights of a nut round the peg between which it is let go."""
_QUARTERS = [np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) for c, s in ((0, 1), (-1, 0), (0, -1))]
"""The nut's rotations [3, 3] in which it fits the peg, but for that whose handle is out of the arm's reach."""
_UP = np.array([0.0, 0.0, 0.1])


class SquareTeacher(MemorylessTeacher):
    """Holds the handle either way round and turns the nut onto the peg by the side that suits the arm."""

    name = "hitl_clic/SquareTeacher/1"

    def action(self, observation: Array) -> Array:
        """Action float32 [7] for an observation float32 [48]. Raises ValueError for another shape or NaN."""
        numbers = checked_observation(observation, _SIZE)
        hand, nut, grasped = numbers[0:3], numbers[3:6], numbers[47]
        hand_rotation, nut_rotation = numbers[6:15].reshape(3, 3), numbers[15:24].reshape(3, 3)
        offset = nut - hand
        place = min(_GRIP[1], max(_GRIP[0], -float(offset @ nut_rotation[:, 0])))
        offset = offset + place * nut_rotation[:, 0] + [0.0, 0.0, _GRIP_HEIGHT]
        rotation = nearest_downward_rotation(hand_rotation, [nut_rotation[:, 1]])
        beside, height = horizontal_and_height(offset)
        angle_error = float(np.linalg.norm(rotation))
        between = ramp(beside, _BESIDE) * ramp(abs(height), _ABOVE) * ramp(angle_error, _ANGLE_ERROR)
        held = grasped * ramp(beside, _HELD_BESIDE) * ramp(abs(height), _HELD_ABOVE)

        offset[2] += _HOVER * (1.0 - ramp(beside, _DESCENT) * ramp(angle_error, _ANGLE_ERROR))
        squared = _squared(hand_rotation, nut_rotation)
        still = float(np.linalg.norm(squared))
        off = float(np.hypot(*(_PEG - nut[:2])))
        around = float(off < 0.02 and nut[2] < _ROUND)
        over = max(around, ramp(off, _OVER) * ramp(still, _SQUARE))
        released = around * ramp(float(nut[2]), _LET_GO)
        offset = detour_while_tilted(offset, hand, hand_rotation)
        offset = (1.0 - held) * offset + held * _carry(nut, over)
        offset = (1.0 - released) * offset + released * (1.0 - grasped) * _UP
        rotation = (1.0 - released) * ((1.0 - held) * rotation + held * squared)
        return (
            HandMotion(offset, rotation, min(1.0, 2.0 * max(between, held)) * (1.0 - released))
            .action()
            .astype(np.float32)
        )


def _carry(nut: Floats, over: float) -> Floats:
    """The way of the nut, [3]: up, over the peg, down it."""
    clear = max(ramp(float(nut[2]), _CLEAR), over)
    return np.array([*(clear * (_PEG - nut[:2])), _CARRY + (_DOWN - _CARRY) * over - nut[2]])


def _squared(hand: Floats, nut: Floats) -> Floats:
    """The turn [3] that levels a held nut and squares it with the peg, by that of its sides which is easiest."""
    return easiest_rotation(hand, [quarter @ nut.T for quarter in _QUARTERS])
