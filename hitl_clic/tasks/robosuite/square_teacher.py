"""The scripted teacher of Square.

Pure; any thread. Memoryless; phases and ramps as in `arm_teacher`.

| Phase   | Active while                       | Target of the hand                                  | Fingers |
|---------|------------------------------------|-----------------------------------------------------|---------|
| reach   | handle not between the fingers     | above the handle and across it, lower when nearer   | open    |
| close   | handle between open fingers        | the handle                                          | close   |
| carry   | handle grasped                     | up, then nut above the peg and aligned with it      | close   |
| lower   | nut above the peg and aligned      | down the peg                                        | close   |
| release | nut around the peg                 | its present position; up once the nut is free       | open    |

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
"""The peg's centre (robosuite)."""
_GRIP = (0.06, 0.068)
"""Grasp range along the nut's x axis: nearer the centre, the fingers would touch the nut."""
_GRIP_HEIGHT = -0.003
_HOVER = 0.06
_DESCENT = (0.03, 0.01)
_ANGLE_ERROR = (0.2, 0.08)
_BESIDE, _ABOVE = (0.02, 0.01), (0.02, 0.01)
_HELD_BESIDE, _HELD_ABOVE = (0.04, 0.03), (0.04, 0.03)
_CLEAR = (0.965, 0.99)
"""Ramp of "clear of the peg", over the height of the nut."""
_CARRY, _DOWN = 1.01, 0.84
"""Heights of the nut for carrying and at the end of lowering."""
_OVER, _SQUARE = (0.02, 0.006), (0.15, 0.06)
"""Ramps of "may be lowered", over the distance of the nut from the peg's axis and over its angle error, rad."""
_ROUND = 0.945
"""Height below which a nut on the peg's axis is around the peg."""
_LET_GO = (0.9, 0.885)
"""Ramp of the release, over the height of a nut around the peg."""
_QUARTERS = [np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) for c, s in ((0, 1), (-1, 0), (0, -1))]
"""The nut's rotations [3, 3] that fit the peg, except the one with the handle out of reach."""
_UP = np.array([0.0, 0.0, 0.1])


class SquareTeacher(MemorylessTeacher):
    """Grasps the handle in either direction and fits the nut in the orientation that is easiest for the arm."""

    name = "hitl_clic/SquareTeacher/1"

    def action(self, observation: Array) -> Array:
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
    """The offset of the nut, [3]: up, above the peg, down."""
    clear = max(ramp(float(nut[2]), _CLEAR), over)
    return np.array([*(clear * (_PEG - nut[:2])), _CARRY + (_DOWN - _CARRY) * over - nut[2]])


def _squared(hand: Floats, nut: Floats) -> Floats:
    """The easiest rotation [3] that levels a held nut and aligns it with the peg."""
    return easiest_rotation(hand, [quarter @ nut.T for quarter in _QUARTERS])
