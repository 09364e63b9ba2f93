"""Two-Arm Lift: two facing arms lift a pot by its handles (robosuite's TwoArmLift).

The task runs in the thread that owns the environment. `task.py` holds the parts that all arm tasks share.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from hitl_clic.tasks.robosuite.task import RobosuiteTask
from hitl_clic.types.scene3d import Camera

if TYPE_CHECKING:
    from hitl_clic.tasks.robosuite.engine import RobosuiteEngine

_POT = "pot_root"


class TwoArmLift(RobosuiteTask):
    """Lift the pot's bottom by more than 10 cm (robosuite's check).

    Observation, float32 [48] (CLIC): position 3 and rotation 9 of either hand, handles 3 and 3, unit vector from the
    second to the first handle 3 and its horizontal normal 3, first finger and its speed of either hand 4, handle to
    hand for either arm 6, grasped for either arm 2. Metres, m/s.

    Axis names of the second arm end in 2; a human's device drives the first arm.
    """

    environment, snapshot_id, dim_o, arms = "TwoArmLift", "hitl_clic/TwoArmLift-v0/1", 48, 2
    step_limits = {"fast": 150, "published": 500}  # noqa: RUF012
    drawn_bodies = (("object", _POT),)
    cameras = (
        Camera("front", target=(0.0, 0.0, 1.02), distance=1.6, azimuth=180.0, elevation=-28.0),
        Camera("top", target=(0.0, 0.0, 0.9), distance=1.4, azimuth=180.0, elevation=-89.0),
        Camera("corner", target=(0.0, 0.0, 1.0), distance=1.5, azimuth=140.0, elevation=-45.0),
    )
    shown = ("front", "top")

    def numbers(self, engine: RobosuiteEngine) -> list[Any]:
        hands = [engine.hand(arm) for arm in range(2)]
        handles = [engine.data.site(f"pot_handle{arm}").xpos for arm in range(2)]
        line = handles[0] - handles[1]
        along = line / max(1e-9, float(np.linalg.norm(line)))
        poses = [part for hand in hands for part in (hand.position, hand.rotation)]
        fingers = [number for hand in hands for number in (hand.finger, hand.speed)]
        ways = [hand.position - handle for hand, handle in zip(hands, handles, strict=True)]
        grasped = [float(engine.grasps(arm, _POT, f"handle{arm}")) for arm in range(2)]
        return [*poses, *handles, along, np.cross([0.0, 0.0, 1.0], along), *fingers, *ways, *grasped]
