"""Pick-Can: move a can from one bin to its place in another (robosuite's PickPlaceCan).

The task runs in the thread that owns the environment. `task.py` holds the parts that all arm tasks share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hitl_clic.tasks.robosuite.task import RobosuiteTask
from hitl_clic.types.scene3d import Camera

if TYPE_CHECKING:
    from hitl_clic.tasks.robosuite.engine import RobosuiteEngine

_CAN = "Can_main"
_TARGET = np.array([0.145, 0.38, 0.95])
"""Target point above the can's place, part of the observation (CLIC)."""


class PickCan(RobosuiteTask):
    """Put the can into its quarter of the second bin and retract the hand by about 4 cm (robosuite's check).

    Observation, float32 [40] (CLIC): hand 3, can 3, rotation of the hand 9 and of the can 9, first finger and its speed
    2, quaternion (x, y, z, w) of the can 4, can to hand 3, can to target 3, target 3, grasped 1. Metres, m/s.
    """

    environment, snapshot_id, dim_o = "PickPlaceCan", "hitl_clic/PickCan-v0/1", 40
    step_limits = {"fast": 250, "published": 500}  # noqa: RUF012
    drawn_bodies = (("wall", "bin1"), ("wall", "bin2"), ("goal", "VisualCan_main"), ("object", _CAN))
    cameras = (
        Camera("side", target=(0.06, 0.08, 0.98), distance=1.65, azimuth=90.0, elevation=-38.0),
        Camera("front", target=(0.05, 0.03, 1.0), distance=2.0, azimuth=180.0, elevation=-42.0),
        Camera("top", target=(0.1, 0.02, 0.9), distance=1.75, azimuth=90.0, elevation=-89.0),
    )
    shown = ("side", "front")
    hidden_bodies = ("VisualMilk_main", "VisualBread_main", "VisualCereal_main")
    floor = 0.82

    def numbers(self, engine: RobosuiteEngine) -> list[Any]:
        hand, can = engine.hand(0), engine.data.body(_CAN)
        pose = [hand.position, can.xpos, hand.rotation, can.xmat, hand.finger, hand.speed, np.roll(can.xquat, -1)]
        return [*pose, hand.position - can.xpos, _TARGET - can.xpos, _TARGET, float(engine.grasps(0, _CAN))]
