"""The scripted teacher of Two-Arm Lift: each hand reaches its handle and closes; when both hold, both lift.

Pure; any thread. Memoryless: the phases are shares between 0 and 1, worked out from the observation.

| Phase | While                                         | A hand heads for                            | Fingers |
|-------|-----------------------------------------------|---------------------------------------------|---------|
| reach | its handle is not between its fingers         | over the handle, lower the nearer           | open    |
| close | it is, and not both hands hold theirs         | the handle                                  | shut    |
| lift  | both hands hold theirs                        | up, the handles level with each other       | shut    |

Lengths are metres.
"""

from __future__ import annotations

import numpy as np

from hitl_clic.tasks.robosuite.arm_teacher import Floats, Grip, apart, checked, nearest_turn, share, upright_first
from hitl_clic.tasks.task import Array
from hitl_clic.tasks.teacher import MemorylessTeacher

_SIZE = 48
_HOMES = (np.array([1.0, 0.0]), np.array([-1.0, 0.0]))
"""Fingers' directions in the two arms' first poses, whose bases look along y and against it."""
_RESTS = (np.array([0.0, -0.15, 1.05]), np.array([0.0, 0.15, 1.05]))
"""Places of the hands there, a little farther apart and higher."""
_GRIP_HEIGHT = 0.0
"""How far above the handle's middle the hand's point is when it grips."""
_HOVER = 0.06
_DESCENT = (0.03, 0.012)
"""Distances beside the handle between which a hand goes down."""
_ASKEW = (0.4, 0.2)
"""Angles still to turn, rad, between which it may."""
_BESIDE, _ABOVE = (0.025, 0.012), (0.02, 0.01)
"""Distances beside and above the handle between which it comes to lie between the fingers."""
_HELD_BESIDE, _HELD_ABOVE = (0.045, 0.035), (0.04, 0.03)
"""The same for fingers that hold it."""
_LIFT = 0.1
"""How far over the handles' mean height the hands head when they lift."""


class TwoArmLiftTeacher(MemorylessTeacher):
    """Each hand takes its handle across, the way round that suits its arm."""

    name = "hitl_clic/TwoArmLiftTeacher/1"

    def action(self, observation: Array) -> Array:
        """Action float32 [14] for an observation float32 [48]. Raises ValueError for another shape or NaN."""
        numbers = checked(observation, _SIZE)
        along, height = numbers[30:33], float(numbers[26] + numbers[29]) / 2
        hands = [_Hand(numbers, arm, along) for arm in range(2)]
        both = min(hand.held for hand in hands)
        grips = []
        for hand in hands:
            lift = np.array([0.0, 0.0, height + _LIFT - hand.handle[2]])
            way = (1.0 - hand.held) * hand.way + both * lift
            grips.append(Grip(way, (1.0 - hand.held) * hand.turn, hand.shut).action())
        return np.concatenate(grips).astype(np.float32)


class _Hand:
    """What one hand would do alone: its way and turn to the handle, how much it holds it and shuts."""

    def __init__(self, numbers: Floats, arm: int, along: Floats) -> None:
        self.handle = numbers[24 + 3 * arm : 27 + 3 * arm]
        self.way = -numbers[40 + 3 * arm : 43 + 3 * arm] + [0.0, 0.0, _GRIP_HEIGHT]
        hand, turn = numbers[12 * arm : 3 + 12 * arm], numbers[3 + 12 * arm : 12 + 12 * arm].reshape(3, 3)
        self.turn = nearest_turn(turn, [along], _HOMES[arm])
        beside, height = apart(self.way)
        straight = share(float(np.linalg.norm(self.turn)), _ASKEW)
        between = straight * share(beside, _BESIDE) * share(abs(height), _ABOVE)
        self.held = numbers[46 + arm] * share(beside, _HELD_BESIDE) * share(abs(height), _HELD_ABOVE)
        self.shut = min(1.0, 2.0 * max(between, self.held))
        self.way[2] += _HOVER * (1.0 - straight * share(beside, _DESCENT))
        self.way = upright_first(self.way, hand, turn, _RESTS[arm])
