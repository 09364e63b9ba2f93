"""The scripted teacher of Hammer.

Pure; any thread. Memoryless: each phase has a weight from 0 to 1, computed from the observation. The weights change
continuously, so that similar states give similar actions and a policy can imitate the teacher.

| Phase | Active while                            | Target of the hand                                  | Fingers |
|-------|-----------------------------------------|-----------------------------------------------------|---------|
| reach | handle not between the fingers          | above the handle, lower when nearer                 | open    |
| close | handle between open fingers             | the handle                                          | close   |
| carry | handle held, face not in line with nail | face in front of the nail; first back if beyond it  | close   |
| push  | face in line with the nail              | face into the block                                 | close   |

Lengths are metres. A ramp (a, b) rises linearly from weight 0 at a to weight 1 at b.
"""

from __future__ import annotations

import numpy as np

from hitl_clic.tasks.metaworld.hammer_state import FACE, HEAD_X, NAIL_FACE, Floats, HammerState, decode
from hitl_clic.tasks.task import Array
from hitl_clic.tasks.teacher import MemorylessTeacher

_GAIN = 10.0
"""Units of action per metre of offset: 10 % of the offset each step, at most 1 cm."""
_GRIP = (-0.09, 0.02)
"""Range along the handle where the fingers may hold it."""
_GRIP_HEIGHT = 0.022
"""Height of the hand above the handle's axis in a grasp: the fingertips stay off the table."""
_HOVER = 0.09
"""Height of the approach above the grasp."""
_DESCENT = (0.05, 0.015)
"""Ramp of the descent, over the horizontal distance."""
_BESIDE = (0.035, 0.02)
"""Ramp of "handle between the fingers", over the horizontal distance."""
_DEEP, _IN_REACH = (0.055, 0.04), (0.06, 0.05)
"""The same over the height: for open fingers, and for closed fingers."""
_LEVEL = (0.8, 0.5)
"""Ramp over the vertical component of the handle's direction: the teacher drops a hanging hammer."""
_SHUT = (0.72, 0.56)
"""Ramp of "fingers closed on the handle", over the opening."""
_EMPTY = (0.36, 0.42)
"""Ramp of "fingers closed on something", over the opening."""
_IN_LINE = (0.05, 0.01)
"""Ramp from carry to push, over the distance of the face from the nail's axis."""
_BEYOND = (-0.015, 0.005)
"""Ramp of "may move sideways", over the distance of the face in front of the nail."""
_STAND_OFF = 0.03
"""Distance in front of the nail to which the face is carried."""
_THROUGH = 0.08
"""Distance of the push target beyond the nail's head; it sets the speed."""
_LARGEST_FEATURE = 2.0
"""Bound of the observation, as in the task."""


class HammerTeacher(MemorylessTeacher):
    """Holds the rear part of the handle and strikes with the face that points at the nail."""

    name = "hitl_clic/HammerTeacher/1"

    def action(self, observation: Array) -> Array:
        state = decode(np.clip(observation, -_LARGEST_FEATURE, _LARGEST_FEATURE))
        handle = state.rotation[:, 0]
        place = min(_GRIP[1], max(_GRIP[0], float((state.hand - state.hammer) @ handle)))
        offset = state.hammer + place * handle - state.hand
        beside = float(np.hypot(offset[0], offset[1]))
        height = abs(float(offset[2]))
        level = _ramp(beside, _BESIDE) * _ramp(abs(float(handle[2])), _LEVEL)
        between = level * _ramp(height, _DEEP)
        held = level * _ramp(height, _IN_REACH) * _ramp(state.opening, _SHUT) * _ramp(state.opening, _EMPTY)

        offset[2] += _GRIP_HEIGHT + _HOVER * (1.0 - _ramp(beside, _DESCENT))
        motion = (1.0 - held) * _limited(offset) + held * _limited(_strike(state))
        fingers = 2.0 * min(1.0, 2.0 * max(between, held)) - 1.0
        return np.array([*motion, fingers], np.float32)


def _strike(state: HammerState) -> Floats:
    """The offset of the hammer's face, [3]: into line in front of the nail, then through it."""
    handle, across = state.rotation[:, 0], state.rotation[:, 1]
    towards = min(1.0, max(-1.0, 3.0 * float(across[1])))  # selects the face; 0 for a head on its side
    offset = state.nail - [0.0, NAIL_FACE, 0.0] - (state.hammer + HEAD_X * handle + FACE * towards * across)
    in_line = _ramp(float(np.hypot(offset[0], offset[2])), _IN_LINE)
    offset[[0, 2]] *= 1.0 - (1.0 - in_line) * _ramp(-float(offset[1]), _BEYOND)
    offset[1] += _THROUGH * in_line - _STAND_OFF * (1.0 - in_line)
    return offset


def _limited(offset: Floats) -> Floats:
    """An offset scaled to motion in [-1, 1]^3; the direction is kept."""
    motion = _GAIN * offset
    return np.asarray(motion / max(1.0, float(np.abs(motion).max())))


def _ramp(value: float, edges: tuple[float, float]) -> float:
    """0 at the first edge, 1 at the second, linear between them."""
    return float(min(1.0, max(0.0, (value - edges[0]) / (edges[1] - edges[0]))))
