"""Operational-space torques of a robosuite arm, at each physics step.

Runs in the thread that owns the environment. Uses robosuite's own compiled functions, so memory layouts and summation
order give the same torques to the last bit. Reading MuJoCo's arrays once takes a quarter of the time of robosuite's
controller classes, which look up every number by name. Two arms take 50 such steps a tick.
"""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray
from robosuite.utils.control_utils import nullspace_torques, opspace_matrices, orientation_error

Floats = NDArray[np.float64]


class RobosuiteArm:
    """Operational-space control towards the goal of robosuite's own controller.

    Source: Khatib, A unified approach for motion and force control of robot manipulators, 1987. As in robosuite,
    translation and rotation are decoupled, and the null space pulls the joints to their initial positions.

    Args:
        robot: robosuite's robot with a fixed base and an operational-space controller with fixed gains.
        model, data: the simulation's.
    """

    def __init__(self, robot: Any, model: mujoco.MjModel, data: mujoco.MjData) -> None:
        self._robot, self._model, self._data = robot, model, data
        controller = robot.part_controllers["right"]
        self._joints, self._places = _as_slice(controller.qvel_index), _as_slice(controller.qpos_index)
        self._motors = _as_slice(robot._ref_actuators_indexes_dict["right"])
        self._lowest, self._highest = model.actuator_ctrlrange[self._motors].T
        self._site = model.site(controller.ref_name).id
        self._stiffness, self._damping = np.array(controller.kp), np.array(controller.kd)
        self._jacobian = np.zeros((6, model.nv))

    def apply_torques(self, inertia: Floats) -> None:
        """Set the torques for the next physics step.

        Args:
            inertia: mass matrix of the whole simulation at its present state, [nv, nv].
        """
        data, joints = self._data, self._joints
        goal = self._robot.part_controllers["right"]  # replaced at each reset
        mujoco.mj_jacSite(self._model, data, self._jacobian[:3], self._jacobian[3:], self._site)
        jacobian = np.ascontiguousarray(self._jacobian[:, joints])
        own = np.asfortranarray(inertia[joints, joints])
        speed = data.qvel[joints]
        motion = np.concatenate([self._jacobian[:3] @ data.qvel, self._jacobian[3:] @ data.qvel])

        rotation = data.site_xmat[self._site].reshape(3, 3)
        error = np.concatenate([goal.goal_pos - data.site_xpos[self._site], orientation_error(goal.goal_ori, rotation)])
        acceleration = self._stiffness * error - self._damping * motion
        _, along, about, spare = opspace_matrices(own, jacobian, jacobian[:3], jacobian[3:])
        wrench = np.concatenate([along @ acceleration[:3], about @ acceleration[3:]])
        torques = jacobian.T @ wrench + data.qfrc_bias[joints]
        torques += nullspace_torques(own, spare, goal.initial_joint, data.qpos[self._places], speed)
        data.ctrl[self._motors] = torques.clip(self._lowest, self._highest)


def _as_slice(indexes: list[int]) -> slice:
    """Consecutive indexes as a slice, which numpy reads without a copy."""
    if indexes != list(range(indexes[0], indexes[0] + len(indexes))):
        raise ValueError(f"the indexes of an arm must be consecutive, got {indexes}")
    return slice(indexes[0], indexes[0] + len(indexes))
