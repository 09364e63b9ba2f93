"""The torques that move a robosuite arm's hand to where it is asked to be, at each step of the physics.

Runs in the thread that owns the environment. The mathematics are robosuite's own compiled functions; what is ours is
to fetch what they need once, from MuJoCo's own arrays, which takes a quarter of the time of robosuite's controller
classes: they look every number up by name, and the Jacobian five times. Two arms take 50 such steps a tick. Memory
layouts and the order of sums are robosuite's too, as the torques are to be the same to the last bit.
"""

from __future__ import annotations

from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray
from robosuite.utils.control_utils import nullspace_torques, opspace_matrices, orientation_error

Floats = NDArray[np.float64]


class RobosuiteArm:
    """Operational space control of one arm towards a goal that robosuite's own controller was given.

    Khatib, A unified approach for motion and force control of robot manipulators, 1987; with positions and turns
    decoupled and the spare joint drawn to where the arm began, as robosuite has it.

    Args:
        robot: robosuite's robot, whose base is fixed, with its operational space controller of fixed gains.
        data: the simulation's.
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
        """Set the arm's torques for the next step of the physics.

        Args:
            inertia: the whole simulation's at its present state, [nv, nv].
        """
        data, joints = self._data, self._joints
        goal = self._robot.part_controllers["right"]  # a new one after each reset
        mujoco.mj_jacSite(self._model, data, self._jacobian[:3], self._jacobian[3:], self._site)
        jacobian = np.ascontiguousarray(self._jacobian[:, joints])
        own = np.asfortranarray(inertia[joints, joints])
        speed = data.qvel[joints]
        motion = np.concatenate([self._jacobian[:3] @ data.qvel, self._jacobian[3:] @ data.qvel])

        rotation = data.site_xmat[self._site].reshape(3, 3)
        error = np.concatenate([goal.goal_pos - data.site_xpos[self._site], orientation_error(goal.goal_ori, rotation)])
        wanted = self._stiffness * error - self._damping * motion
        _, along, about, spare = opspace_matrices(own, jacobian, jacobian[:3], jacobian[3:])
        wrench = np.concatenate([along @ wanted[:3], about @ wanted[3:]])
        torques = jacobian.T @ wrench + data.qfrc_bias[joints]
        torques += nullspace_torques(own, spare, goal.initial_joint, data.qpos[self._places], speed)
        data.ctrl[self._motors] = torques.clip(self._lowest, self._highest)


def _as_slice(indexes: list[int]) -> slice:
    """Indexes of neighbours as a slice, which numpy reads without a copy."""
    if indexes != list(range(indexes[0], indexes[0] + len(indexes))):
        raise ValueError(f"an arm's numbers must lie beside each other, they are at {indexes}")
    return slice(indexes[0], indexes[0] + len(indexes))
