"""Square: put a square nut onto a square peg (robosuite's NutAssemblySquare).

The task runs in the thread that owns the environment. `task.py` holds the parts that all arm tasks share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hitl_clic.tasks.robosuite.task import Floats, RobosuiteTask
from hitl_clic.tasks.rotations import quaternion
from hitl_clic.types.scene3d import Camera

if TYPE_CHECKING:
    from hitl_clic.tasks.robosuite.engine import RobosuiteEngine

HANDLE = 0.065
"""Grasp point of the handle along the nut's x axis, m (CLIC)."""
_NUT = "SquareNut_main"
_PEG = np.array([0.227, 0.101])
"""The peg's position in observations (CLIC); robosuite's is (0.23, 0.10)."""
_OVER_PEG, _ON_PEG = np.array([*_PEG, 1.0]), np.array([*_PEG, 0.9])


class Square(RobosuiteTask):
    """Put the nut around the peg, less than 5 cm above the table (robosuite's check).

    Observation, float32 [48] (CLIC): hand 3, nut 3, rotation of the hand 9 and of the nut 9, first finger and its speed
    2, quaternions (x, y, z, w) of the nut 4 and from the hand to the two grasps of the handle 8, handle to hand 3,
    nut to points above the peg and on it 6, grasped 1. Metres, m/s.
    """

    environment, snapshot_id, dim_o = "NutAssemblySquare", "hitl_clic/Square-v0/1", 48
    step_limits = {"fast": 250, "published": 500}  # noqa: RUF012
    drawn_bodies = (("goal", "peg1"), ("line", "peg2"), ("object", _NUT))
    cameras = (
        Camera("side", target=(0.02, 0.1, 1.0), distance=1.25, azimuth=90.0, elevation=-30.0),
        Camera("front", target=(0.0, 0.08, 1.0), distance=1.2, azimuth=180.0, elevation=-32.0),
        Camera("top", target=(0.05, 0.05, 0.9), distance=1.2, azimuth=90.0, elevation=-89.0),
    )
    shown = ("side", "front")

    def numbers(self, engine: RobosuiteEngine) -> list[Any]:
        hand, nut = engine.hand(0), engine.data.body(_NUT)
        rotation = nut.xmat.reshape(3, 3)
        pose = [hand.position, nut.xpos, hand.rotation, rotation, hand.finger, hand.speed, np.roll(nut.xquat, -1)]
        ways = [quaternion(grasp @ hand.rotation.T) for grasp in grasps(rotation)]
        handle = nut.xpos + HANDLE * rotation[:, 0]
        there = [hand.position - handle, _OVER_PEG - nut.xpos, _ON_PEG - nut.xpos]
        return [*pose, *ways, *there, float(engine.grasps(0, _NUT))]


def grasps(nut: Floats) -> tuple[Floats, Floats]:
    """The two rotations [3, 3] of a hand that grasps the handle from above, for a nut's rotation."""
    x, y, z = nut.T
    return np.stack([x, -y, -z], 1), np.stack([-x, y, -z], 1)
