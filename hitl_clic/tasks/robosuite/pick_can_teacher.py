"""The scripted teacher of Pick-Can.

Pure; any thread. Memoryless; phases and ramps as in `arm_teacher`.

| Phase   | Active while                     | Target of the hand                                  | Fingers |
|---------|----------------------------------|-----------------------------------------------------|---------|
| reach   | can not between the fingers      | above the can, lower when nearer; up first if low   | open    |
| close   | can between open fingers         | the can                                             | close   |
| carry   | can grasped                      | up, then above its place, lower when nearer         | close   |
| release | can above its place, low enough  | its present position; up once the can is free       | open    |

Lengths are metres.
"""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from hitl_clic.tasks.robosuite.arm_teacher import (
    HOME,
    Floats,
    HandMotion,
    checked_observation,
    detour_while_tilted,
    downward_rotation,
    easiest_rotation,
    horizontal_and_height,
    nearest_downward_rotation,
    ramp,
)
from hitl_clic.tasks.task import Array
from hitl_clic.tasks.teacher import MemorylessTeacher

_SIZE = 40
_PLACE = np.array([0.2, 0.405])
"""Centre of the can's quarter of the second bin."""
_PLACE_HALF = np.array([0.1, 0.125])
"""Half the size of the quarter."""
_BIN, _BIN_HALF = np.array([0.1, -0.25]), np.array([0.19, 0.24])
"""Middle of the first bin, and half its width and depth inside."""
_RIM = (0.075, 0.05)
"""Ramp of "fingers along the wall", over the distance of the can from it."""
_GRIP_POINT = np.array([0.0, 0.0, 0.015])
"""Grasp point relative to the can's centre: the palm stays above the bin's walls."""
_HOVER = 0.1
_TRAVEL = (0.93, 0.97)
"""Ramp of "may travel sideways", over the height of the hand: above the bins' walls."""
_DESCENT = (0.04, 0.012)
_ANGLE_ERROR = (0.5, 0.25)
_BESIDE, _ABOVE = (0.03, 0.015), (0.03, 0.015)
_HELD_BESIDE, _HELD_ABOVE = (0.05, 0.04), (0.07, 0.06)
_CLEAR = (0.925, 0.95)
"""Ramp of "clear of the walls", over the height of the can."""
_CARRY, _DROP = 0.99, 0.92
"""Heights of the can for carrying and for release."""
_OVER, _LOW = (0.06, 0.03), (0.955, 0.935)
"""Ramps of the release, over the distance of the can from its place and over its height."""
_UP = np.array([0.0, 0.0, 0.1])


class PickCanTeacher(MemorylessTeacher):
    """Grasps a standing or lying can; near a wall along y, the fingers are parallel to the wall."""

    name = "hitl_clic/PickCanTeacher/2"

    def action(self, observation: Array) -> Array:
        numbers = checked_observation(observation, _SIZE)
        hand, can, grasped = numbers[0:3], numbers[3:6], numbers[39]
        rotation = _turn(numbers[6:15].reshape(3, 3), can, numbers[15:24].reshape(3, 3)[:, 2])
        offset = can - hand + _GRIP_POINT
        beside, height = horizontal_and_height(offset)
        between = ramp(beside, _BESIDE) * ramp(abs(height), _ABOVE)
        held = grasped * ramp(beside, _HELD_BESIDE) * ramp(abs(height), _HELD_ABOVE)
        placed = ramp(float(np.hypot(*(_PLACE - can[:2]))), _OVER) * ramp(float(can[2]), _LOW)
        inside = bool((np.abs(can[:2] - _PLACE) < _PLACE_HALF).all()) and can[2] < _DROP - 0.03
        placed = max(placed, float(inside))

        down = ramp(beside, _DESCENT) * ramp(float(np.linalg.norm(rotation)), _ANGLE_ERROR)
        offset[2] += _HOVER * (1.0 - down)
        offset[:2] *= max(ramp(float(hand[2]), _TRAVEL), ramp(beside, _DESCENT))
        offset = detour_while_tilted(offset, hand, numbers[6:15].reshape(3, 3))
        offset = (1.0 - held) * offset + held * _carry(can)
        offset = (1.0 - placed) * offset + placed * (1.0 - grasped) * _UP
        rotation = rotation * (1.0 - max(held, placed))
        return (
            HandMotion(offset, rotation, min(1.0, 2.0 * max(between, held)) * (1.0 - placed))
            .action()
            .astype(np.float32)
        )


def _carry(can: Floats) -> Floats:
    """The offset of the can, [3]: up, above its place, down to the release height."""
    sideways = _PLACE - can[:2]
    over = ramp(float(np.hypot(*sideways)), _OVER)
    sideways = sideways * max(ramp(float(can[2]), _CLEAR), over)
    return np.array([*sideways, _CARRY + (_DROP - _CARRY) * over - can[2]])


def _turn(hand: Floats, can: Floats, axis: Floats) -> Floats:
    """The rotation [3] to a grasp of the can.

    A lying can: across its axis. A standing can: as in the arm's initial pose, which is parallel to the walls in x;
    near the other walls parallel to these, in a corner half of that. The choice is unique.
    """
    if abs(float(axis[2])) < 0.7:
        return nearest_downward_rotation(hand, [np.array([-axis[1], axis[0]])])
    near_x, near_y = (ramp(float(gap), _RIM) for gap in _BIN_HALF - np.abs(can[:2] - _BIN))
    angle = pi / 2 * near_y * (1.0 - 0.5 * near_x)
    along = np.array([[cos(angle), -sin(angle)], [sin(angle), cos(angle)]]) @ HOME
    return easiest_rotation(hand, [downward_rotation(along) @ hand.T])
