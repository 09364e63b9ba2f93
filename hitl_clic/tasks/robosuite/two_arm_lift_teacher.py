"""The scripted teacher of Two-Arm Lift.

Pure; any thread. Memoryless; phases and ramps as in `arm_teacher`.

| Phase | Active while                          | Target of a hand                   | Fingers |
|-------|---------------------------------------|------------------------------------|---------|
| reach | its handle not between its fingers    | above the handle, lower if nearer  | open    |
| close | its handle between its fingers        | the handle                         | close   |
| lift  | both handles grasped                  | up, both handles at equal height   | close   |

Lengths are metres.
"""

from __future__ import annotations

import numpy as np

from hitl_clic.tasks.robosuite.arm_teacher import (
    Floats,
    HandMotion,
    checked_observation,
    detour_while_tilted,
    horizontal_and_height,
    nearest_downward_rotation,
    ramp,
)
from hitl_clic.tasks.task import Array
from hitl_clic.tasks.teacher import MemorylessTeacher

_SIZE = 48
_HOMES = (np.array([1.0, 0.0]), np.array([-1.0, 0.0]))
"""Direction of the fingers in the initial pose of each arm; the bases look along +y and -y."""
_RESTS = (np.array([0.0, -0.15, 1.05]), np.array([0.0, 0.15, 1.05]))
"""Positions of the hands in these poses, shifted a little up and apart."""
_GRIP_HEIGHT = 0.0
_HOVER = 0.06
_DESCENT = (0.03, 0.012)
_ANGLE_ERROR = (0.4, 0.2)
_BESIDE, _ABOVE = (0.025, 0.012), (0.02, 0.01)
_HELD_BESIDE, _HELD_ABOVE = (0.045, 0.035), (0.04, 0.03)
_LIFT = 0.1
"""Target height of the hands above the mean height of the handles in a lift."""


class TwoArmLiftTeacher(MemorylessTeacher):
    """Each hand grasps across its handle, in the direction that suits its arm."""

    name = "hitl_clic/TwoArmLiftTeacher/1"

    def action(self, observation: Array) -> Array:
        numbers = checked_observation(observation, _SIZE)
        along, height = numbers[30:33], float(numbers[26] + numbers[29]) / 2
        hands = [_Hand(numbers, arm, along) for arm in range(2)]
        both = min(hand.held for hand in hands)
        grips = []
        for hand in hands:
            lift = np.array([0.0, 0.0, height + _LIFT - hand.handle[2]])
            offset = (1.0 - hand.held) * hand.offset + both * lift
            grips.append(HandMotion(offset, (1.0 - hand.held) * hand.rotation, hand.shut).action())
        return np.concatenate(grips).astype(np.float32)


class _Hand:
    """The motion of one hand alone: offset and rotation to its handle, and the weights of grasp and closing."""

    def __init__(self, numbers: Floats, arm: int, along: Floats) -> None:
        self.handle = numbers[24 + 3 * arm : 27 + 3 * arm]
        self.offset = -numbers[40 + 3 * arm : 43 + 3 * arm] + [0.0, 0.0, _GRIP_HEIGHT]
        hand, rotation = numbers[12 * arm : 3 + 12 * arm], numbers[3 + 12 * arm : 12 + 12 * arm].reshape(3, 3)
        self.rotation = nearest_downward_rotation(rotation, [along], _HOMES[arm])
        beside, height = horizontal_and_height(self.offset)
        straight = ramp(float(np.linalg.norm(self.rotation)), _ANGLE_ERROR)
        between = straight * ramp(beside, _BESIDE) * ramp(abs(height), _ABOVE)
        self.held = numbers[46 + arm] * ramp(beside, _HELD_BESIDE) * ramp(abs(height), _HELD_ABOVE)
        self.shut = min(1.0, 2.0 * max(between, self.held))
        self.offset[2] += _HOVER * (1.0 - straight * ramp(beside, _DESCENT))
        self.offset = detour_while_tilted(self.offset, hand, rotation, _RESTS[arm])
