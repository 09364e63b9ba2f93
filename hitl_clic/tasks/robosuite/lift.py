"""Lift: pick up a cube from a table (robosuite's Lift), and its scripted teacher.

The task runs in the thread that owns the environment; the teacher is pure. This file is all that an additional task of
this type needs; `task.py` and `arm_teacher.py` hold the shared parts.

| Phase | Active while                   | Target of the hand               | Fingers |
|-------|--------------------------------|----------------------------------|---------|
| reach | cube not between the fingers   | above the cube, lower if nearer  | open    |
| close | cube between open fingers      | the cube                         | close   |
| lift  | cube grasped                   | straight up                      | close   |
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hitl_clic.tasks.robosuite.arm_teacher import (
    HandMotion,
    checked_observation,
    detour_while_tilted,
    horizontal_and_height,
    nearest_downward_rotation,
    ramp,
)
from hitl_clic.tasks.robosuite.task import RobosuiteTask
from hitl_clic.tasks.task import Array
from hitl_clic.tasks.teacher import MemorylessTeacher
from hitl_clic.types.scene3d import Camera

if TYPE_CHECKING:
    from hitl_clic.tasks.robosuite.engine import RobosuiteEngine

_CUBE = "cube_main"
_HOVER = 0.08
_DESCENT = (0.03, 0.01)
_BESIDE, _ABOVE = (0.025, 0.012), (0.02, 0.01)
_LIFT = 0.1
"""Offset of the lift."""


class Lift(RobosuiteTask):
    """Lift the cube by more than about 2 cm (robosuite: its centre 4 cm above the table).

    Observation, float32 [30]: hand 3, cube 3, rotation of the hand 9 and of the cube 9, first finger and its speed 2,
    cube to hand 3, grasped 1. Metres, m/s.
    """

    environment, snapshot_id, dim_o = "Lift", "hitl_clic/Lift-v0/1", 30
    step_limits = {"fast": 150, "published": 300}  # noqa: RUF012
    drawn_bodies = (("object", _CUBE),)
    cameras = (
        Camera("side", target=(-0.06, 0.0, 0.97), distance=1.0, azimuth=90.0, elevation=-28.0),
        Camera("front", target=(-0.04, 0.0, 0.97), distance=1.0, azimuth=180.0, elevation=-30.0),
        Camera("top", target=(-0.03, 0.0, 0.85), distance=1.1, azimuth=90.0, elevation=-89.0),
    )
    shown = ("side", "front")

    def numbers(self, engine: RobosuiteEngine) -> list[Any]:
        hand, cube = engine.hand(0), engine.data.body(_CUBE)
        grasped = engine.grasps(0, _CUBE)
        pose = [hand.position, cube.xpos, hand.rotation, cube.xmat]
        return [*pose, hand.finger, hand.speed, hand.position - cube.xpos, float(grasped)]


class LiftTeacher(MemorylessTeacher):
    """Grasps the pair of faces that needs the smaller rotation."""

    name = "hitl_clic/LiftTeacher/1"

    def action(self, observation: Array) -> Array:
        numbers = checked_observation(observation, Lift.dim_o)
        offset, hand, cube = -numbers[26:29], numbers[6:15].reshape(3, 3), numbers[15:24].reshape(3, 3)
        beside, height = horizontal_and_height(offset)
        between = ramp(beside, _BESIDE) * ramp(abs(height), _ABOVE)
        held = between * numbers[29]
        rotation = nearest_downward_rotation(hand, [cube[:, 0], cube[:, 1]])
        offset[2] += _HOVER * (1.0 - ramp(beside, _DESCENT))
        offset = detour_while_tilted(offset, numbers[0:3], hand)
        offset = (1.0 - held) * offset + held * np.array([0.0, 0.0, _LIFT])
        return HandMotion(offset, rotation, min(1.0, 2.0 * between)).action().astype(np.float32)
