"""robosuite's simulation of one or two Panda arms, seeded per episode, with a complete state.

Runs in the thread that owns the environment. Importing this module imports robosuite (a second or more). Renders
nothing. It never reads robosuite's observations: robosuite samples them at its own times, so after a restore they lag.
"""

from __future__ import annotations

import copy
import logging
import os
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import mujoco
import numpy as np
from numpy.typing import NDArray

from hitl_clic.tasks import mujoco_pose

_SILENT_BELOW = logging.root.manager.disable
_GL = os.environ.get("MUJOCO_GL")
logging.disable(logging.WARNING)  # robosuite warns about optional parts at every import
import robosuite  # noqa: E402
from robosuite.controllers import load_composite_controller_config  # noqa: E402
from robosuite.models.robots import RobotModel  # noqa: E402

from hitl_clic.tasks.robosuite.arm import RobosuiteArm  # noqa: E402

logging.disable(_SILENT_BELOW)
if _GL is None:
    os.environ.pop("MUJOCO_GL", None)  # robosuite sets it; child processes must not inherit it
logging.getLogger("robosuite_logs").setLevel(logging.WARNING)  # it logs every file that it reads

Floats = NDArray[np.float64]
Color = tuple[float, float, float, float]

CONTROL_HZ = 20
_PHYSICS = int(mujoco.mjtState.mjSTATE_INTEGRATION)
"""The state from which MuJoCo continues exactly: positions, velocities, controls and the solver's warm start."""
_COARSE = 0.01
"""Time step of coarse physics, s: five times robosuite's."""
_ARM_JOINTS, _FINGERS = 7, 2
_ROBOMIMIC_ROBOSUITE = 1
"""robomimic's number of robosuite's environments (`EnvType.ROBOSUITE_TYPE`)."""
_LEFT, _RIGHT, _THING = 1, 2, 4
"""Bits of a geom's role in a grasp."""


@dataclass(frozen=True, slots=True, eq=False)
class Hand:
    """One hand of the robot.

    Attributes:
        position: point between the fingertips, [3], m in the world.
        rotation: [3, 3]; the fingers open along the second axis, the third axis points away from the arm.
        finger: position of the first finger, 0 (closed) to 0.04 m.
        speed: of the first finger, m/s.
    """

    position: Floats
    rotation: Floats
    finger: float
    speed: float


class RobosuiteEngine:
    """One of robosuite's environments.

    Actions are robosuite's, seven numbers an arm: target change of the hand's pose in the world frame
    (operational-space control; 1 is 5 cm or 0.5 rad), and the sign of the fingers' command.

    Args:
        name: robosuite's name of the environment.
        arms: number of Panda arms.
    """

    def __init__(self, name: str, arms: int) -> None:
        controller = load_composite_controller_config(controller=None, robot="Panda")
        controller["body_parts"]["right"]["input_ref_frame"] = "world"  # the default is the arm's base
        # A fixed seed: some environments draw the sizes of objects at construction, and these must not differ.
        options = {
            "robots": ["Panda"] * arms,
            "controller_configs": controller,
            "has_renderer": False,
            "has_offscreen_renderer": False,
            "use_camera_obs": False,
            "use_object_obs": False,
            "control_freq": CONTROL_HZ,
            "ignore_done": True,
            "hard_reset": False,
            "seed": 0,
        }
        self.env_args = {
            "env_name": name,
            "type": _ROBOMIMIC_ROBOSUITE,
            "env_version": robosuite.__version__,
            "env_kwargs": copy.deepcopy(options),
        }
        """robomimic's description of the environment."""
        with _arms_compiled_once():
            self.suite = robosuite.make(name, **options)
        self.suite._observables.clear()
        self.model: mujoco.MjModel = self.suite.sim.model._model
        self.data: mujoco.MjData = self.suite.sim.data._data
        self._physics = np.empty(mujoco.mj_stateSize(self.model, _PHYSICS))
        self._arms = [RobosuiteArm(robot, self.model, self.data) for robot in self.suite.robots]
        self._inertia = np.empty((self.model.nv, self.model.nv))
        self._geoms: dict[str, list[int]] = {}
        self._roles: dict[tuple[int, str, str], NDArray[np.uint8]] = {}
        self.reset(0)
        self.step(np.zeros(7 * arms))  # robosuite compiles functions here; the first time takes seconds
        self.size = self.state().size
        """Length of a state."""

    def reset(self, seed: int) -> None:
        """Start an episode; equal seeds give equal starts."""
        self.suite.rng.bit_generator.state = np.random.default_rng(seed).bit_generator.state
        self.suite.reset()
        self._refresh_controllers()

    def step(self, action: Floats) -> None:
        """Advance by 1/20 s, 25 physics steps.

        As robosuite's step(), without its rewards, sensors and histories.
        """
        robots = self.suite.robots
        parts = action.reshape(len(robots), -1)
        for robot, part in zip(robots, parts, strict=True):
            robot.composite_controller.update_state()
            robot.composite_controller.set_goal(part)
            robot.control(part)  # sets the torques of the first physics step and the fingers' command of all
        for later in range(round(1.0 / (CONTROL_HZ * self.model.opt.timestep))):
            if later:
                mujoco.mj_fullM(self.model, self._inertia, self.data.qM)
                for arm in self._arms:
                    arm.apply_torques(self._inertia)
            mujoco.mj_step2(self.model, self.data)
            self._update_kinematics()

    @contextmanager
    def coarse_physics(self) -> Iterator[None]:
        """Within this context, steps take a fifth of the time and are approximate; afterwards the state is restored."""
        here, fine = self.state(), self.model.opt.timestep
        self.model.opt.timestep = _COARSE
        try:
            yield
        finally:
            self.model.opt.timestep = fine
            self.set_state(here)

    def state(self) -> Floats:
        """The complete state: physics, null-space joint targets of the arms, and commands of the fingers."""
        mujoco.mj_getState(self.model, self.data, self._physics, _PHYSICS)
        parts = [self._physics]
        for robot in self.suite.robots:
            parts.append(robot.part_controllers["right"].initial_joint)
            parts.append(np.broadcast_to(robot.gripper["right"].current_action, _FINGERS))
        return np.concatenate(parts)

    def set_state(self, state: Floats) -> None:
        """Return to a state, possibly of another process."""
        mujoco.mj_setState(self.model, self.data, state[: self._physics.size], _PHYSICS)
        extra = state[self._physics.size :].reshape(len(self.suite.robots), _ARM_JOINTS + _FINGERS)
        for robot, numbers in zip(self.suite.robots, extra, strict=True):
            robot.part_controllers["right"].initial_joint = numbers[:_ARM_JOINTS].copy()
            robot.gripper["right"].current_action = numbers[_ARM_JOINTS:].copy()
        self._refresh_controllers()

    def flat_state(self) -> Floats:
        """MuJoCo's state as robosuite flattens it: [time, qpos, qvel]. Without controllers, so it is no snapshot."""
        return np.asarray(self.suite.sim.get_state().flatten(), np.float64)

    def model_xml(self) -> str:
        """The model as robosuite's tools load it."""
        return str(self.suite.sim.model.get_xml())

    def hand(self, arm: int) -> Hand:
        """The hand of an arm."""
        robot, data = self.suite.robots[arm], self.data
        finger, speed = (places["right"][0] for places in _finger_places(robot))
        return Hand(
            position=data.site_xpos[robot.eef_site_id["right"]].copy(),
            rotation=data.body(robot.robot_model.eef_name["right"]).xmat.reshape(3, 3).copy(),
            finger=float(data.qpos[finger]),
            speed=float(data.qvel[speed]),
        )

    def pack_pose(self) -> bytes:
        """The pose for a renderer."""
        return mujoco_pose.pack_pose(self.model, self.data)

    def write_model(self, folder: Path, colors: Mapping[str, Color]) -> str:
        """Write the model for a renderer; returns the file's path.

        Args:
            colors: RGBA from 0 to 1 by name of a body.
        """
        model = copy.copy(self.model)
        for body, color in colors.items():
            geoms = model.geom_bodyid == model.body(body).id
            model.geom_rgba[geoms], model.geom_matid[geoms] = color, -1
        return mujoco_pose.write_model(model, folder)

    def grasps(self, arm: int, body: str, part: str = "") -> bool:
        """Whether both fingertips of an arm touch a geom of the body with `part` in its name (robosuite's rule)."""
        if (arm, body, part) not in self._roles:
            self._roles[arm, body, part] = self._geom_roles(arm, body, part)
        pairs = self._roles[arm, body, part][self.data.contact.geom]
        touching = set((pairs[:, 0] | pairs[:, 1]).tolist())
        return {_LEFT | _THING, _RIGHT | _THING} <= touching

    def succeeded(self) -> bool:
        """robosuite's success check."""
        return bool(self.suite._check_success())

    def geoms(self, body: str) -> list[int]:
        """Indices of the colliding geoms of a body and of the bodies fixed to it."""
        if body not in self._geoms:
            model, root = self.model, self.model.body(body).id
            bodies = model.geom_bodyid
            same = model.body_weldid[bodies] == model.body_weldid[root] if model.body_weldid[root] else bodies == root
            self._geoms[body] = np.flatnonzero(same & (model.geom_contype > 0)).tolist()
        return self._geoms[body]

    def _geom_roles(self, arm: int, body: str, part: str) -> NDArray[np.uint8]:
        """The role of every geom: left or right fingertip of the arm, or part of the body."""
        roles = np.zeros(self.model.ngeom, np.uint8)
        tips = self.suite.robots[arm].gripper["right"].important_geoms
        for bit, side in ((_LEFT, "left_fingerpad"), (_RIGHT, "right_fingerpad")):
            roles[[self.model.geom(name).id for name in tips[side]]] = bit
        roles[[geom for geom in self.geoms(body) if part in self.model.geom(geom).name]] = _THING
        return roles

    def _refresh_controllers(self) -> None:
        """Update all positions, and the controllers, which cache the arms' state."""
        self._update_kinematics()
        for robot in self.suite.robots:
            for controller in robot.part_controllers.values():
                controller.new_update = True

    def _update_kinematics(self) -> None:
        """Update all positions, which a step leaves one physics step behind; the solver's warm start stays."""
        mujoco.mj_step1(self.model, self.data)

    def close(self) -> None:
        """Free the simulation."""
        self.suite.close()


@contextmanager
def _arms_compiled_once() -> Iterator[None]:
    """Within this context, robosuite compiles its arms as parts of the whole model only.

    It would also compile each arm alone, which takes as long as the whole model, and never read the result.
    """
    before = RobotModel.set_mujoco_model
    RobotModel.set_mujoco_model = lambda robot, mujoco_model=None: None
    try:
        yield
    finally:
        RobotModel.set_mujoco_model = before


def _finger_places(robot: Any) -> tuple[Any, Any]:
    """Indices of a robot's finger joints in qpos and qvel, for each hand."""
    return robot._ref_gripper_joint_pos_indexes, robot._ref_gripper_joint_vel_indexes
