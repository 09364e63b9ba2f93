"""The scripted teacher of Hammer: reach the handle, close, carry the head before the nail, push.

Pure; any thread. Memoryless and without switches: the four phases are shares between 0 and 1, worked out from the
observation, that fade into each other, so that near states ask for near actions and a learner can imitate it.

| Phase  | While                                      | The hand heads for                         | Fingers |
|--------|--------------------------------------------|--------------------------------------------|---------|
| reach  | the handle is not between the fingers      | over the handle, lower the nearer          | open    |
| close  | it is, and they are not shut on it         | the handle                                 | shut    |
| carry  | they are shut on it, the face off the nail | the face before the nail, back first if it | shut    |
|        |                                            | is already beyond it                       |         |
| push   | the face is in line with the nail          | the face into the block                    | shut    |

Lengths are metres.
"""

from __future__ import annotations

import numpy as np

from hitl_clic.tasks.metaworld.hammer_state import FACE, HEAD_X, NAIL_FACE, Floats, HammerState, decode
from hitl_clic.tasks.task import Array
from hitl_clic.tasks.teacher import MemorylessTeacher

_GAIN = 10.0
"""Units of action for a metre still to go: a tenth of the way each step, at most 1 cm."""
_GRIP = (-0.09, 0.02)
"""Where the fingers may hold the handle, along it."""
_GRIP_HEIGHT = 0.022
"""How far the hand's point is above the handle's middle when it grips: the tips stay off the table."""
_HOVER = 0.09
"""How much higher the hand comes along."""
_DESCENT = (0.05, 0.015)
"""Distances beside the handle between which the hand goes down."""
_BESIDE = (0.035, 0.02)
"""Distances beside the handle between which it comes to lie between the fingers."""
_DEEP, _IN_REACH = (0.055, 0.04), (0.06, 0.05)
"""The same for the distance above it, for fingers about to shut on it and for fingers that have."""
_LEVEL = (0.8, 0.5)
"""A hammer that hangs from the fingers is of no use and let go: how far its handle points up or down, 0 to 1."""
_SHUT = (0.72, 0.56)
"""Openings between which the fingers shut on the handle."""
_EMPTY = (0.36, 0.42)
"""Openings between which it is nothing that they are shut on."""
_IN_LINE = (0.05, 0.01)
"""Distances of the face from the nail's line between which carrying becomes pushing."""
_BEYOND = (-0.015, 0.005)
"""How far the face is beyond the nail's head when it must come back before it may move sideways."""
_STAND_OFF = 0.03
"""How far before the nail the face is carried."""
_THROUGH = 0.08
"""How far beyond the nail's head the face heads when it pushes: sets its speed."""
_LARGEST_FEATURE = 2.0
"""Observations are cut to this size, as the task cuts them."""


class HammerTeacher(MemorylessTeacher):
    """Holds the hammer anywhere on the rear part of its handle and hits with whichever face looks at the nail."""

    name = "hitl_clic/HammerTeacher/1"

    def action(self, observation: Array) -> Array:
        """Action float32 [4] for an observation float32 [35]. Raises ValueError for another shape or NaN."""
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
    """The way of the hammer's face, [3]: into line with the nail and before it, then through it."""
    handle, across = state.rotation[:, 0], state.rotation[:, 1]
    towards = min(1.0, max(-1.0, 3.0 * float(across[1])))  # which of the two faces; neither for a head on its side
    offset = state.nail - [0.0, NAIL_FACE, 0.0] - (state.hammer + HEAD_X * handle + FACE * towards * across)
    in_line = _ramp(float(np.hypot(offset[0], offset[2])), _IN_LINE)
    offset[[0, 2]] *= 1.0 - (1.0 - in_line) * _ramp(-float(offset[1]), _BEYOND)
    offset[1] += _THROUGH * in_line - _STAND_OFF * (1.0 - in_line)
    return offset


def _limited(offset: Floats) -> Floats:
    """The motion [3] along a way, in [-1, 1], its direction kept."""
    motion = _GAIN * offset
    return np.asarray(motion / max(1.0, float(np.abs(motion).max())))


def _ramp(value: float, edges: tuple[float, float]) -> float:
    """0 at the ramp's first value, 1 at its second, straight between them."""
    return float(min(1.0, max(0.0, (value - edges[0]) / (edges[1] - edges[0]))))
