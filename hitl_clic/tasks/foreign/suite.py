"""robosuite's environments as gymnasium environments with exact states. Importing this module imports robosuite.

Thread that owns the environment. robosuite samples its observations at its own times, so after a restore they lag;
here the sensors are read anew after each step.
"""

from __future__ import annotations

import copy
from typing import Any

import gymnasium
import mujoco
import numpy as np
from gymnasium import spaces

from hitl_clic.tasks.foreign.physics import Physics
from hitl_clic.tasks.foreign.plain_state import PlainState, from_bytes, to_bytes
from hitl_clic.tasks.robosuite.engine import CONTROL_HZ, load_composite_controller_config, robosuite
from hitl_clic.types.errors import UserError, unknown

ARM_SENSORS = ("eef_pos", "eef_quat", "gripper_qpos")
"""What is observed of each arm; everything is observed of the objects."""


class SuiteEnv(gymnasium.Env[Any, Any]):
    """One of robosuite's environments.

    Observation: a Dict of robosuite's sensors. Action: robosuite's, in the world frame.

    Args:
        name: robosuite's. render_mode: "rgb_array" for `render`.
        robots: name of the robot, of two arms joined with +. gripper: robosuite's name; "default": the robot's own.
        **options: further arguments of `robosuite.make`.

    Raises:
        UserError: there is no such environment or robot.
    """

    visual_groups = (1,)

    def __init__(
        self, name: str, render_mode: str | None = None, robots: str = "", gripper: str = "default", **options: Any
    ) -> None:
        if name not in names():
            raise UserError(f"task = robosuite:{name} is not known; {unknown(name, names())}")
        chosen = robots.split("+") if robots else ["Panda"] * (2 if name.startswith("TwoArm") else 1)
        for robot in chosen:
            if robot not in robosuite.ALL_ROBOTS:
                raise UserError(f"task_options.robots = {robot} is not known; {unknown(robot, robosuite.ALL_ROBOTS)}")
        controllers = [load_composite_controller_config(controller=None, robot=robot) for robot in chosen]
        for controller in controllers:
            for part in controller["body_parts"].values():
                if "input_ref_frame" in part:
                    part["input_ref_frame"] = "world"  # the default is the arm's base
        self.suite = robosuite.make(
            name,
            robots=chosen,
            controller_configs=controllers,
            gripper_types=gripper,
            has_renderer=False,
            has_offscreen_renderer=False,
            use_camera_obs=False,
            control_freq=options.pop("control_freq", CONTROL_HZ),
            ignore_done=True,
            hard_reset=False,
            seed=0,  # some environments draw sizes of objects at construction, and these must not differ
            **options,
        )
        self._sensors = {
            key: sensor
            for key, sensor in self.suite._observables.items()
            if sensor.modality == "object" or key.partition("_")[2] in ARM_SENSORS
        }
        self._all_sensors = dict(self.suite._observables)
        self.suite._observables.clear()
        self.metadata = {"render_modes": ["rgb_array"], "render_fps": round(self.suite.control_freq)}
        self.render_mode = render_mode
        low, high = self.suite.action_spec
        self.action_space = spaces.Box(low.astype(np.float32), high.astype(np.float32), dtype=np.float32)
        observed = self._observe()
        self.observation_space = spaces.Dict(
            {key: spaces.Box(-np.inf, np.inf, value.shape, np.float64) for key, value in observed.items()}
        )

    @property
    def model(self) -> mujoco.MjModel:
        """MuJoCo's model."""
        return self.suite.sim.model._model

    @property
    def data(self) -> mujoco.MjData:
        """MuJoCo's data."""
        return self.suite.sim.data._data

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode; equal seeds give equal starts."""
        super().reset(seed=seed)
        own = int(self.np_random.integers(2**62))
        self.suite.rng.bit_generator.state = np.random.default_rng(own).bit_generator.state
        self.suite.reset()
        return self._observe(), {"success": False}

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        """One control step."""
        _, reward, _, info = self.suite.step(action)
        mujoco.mj_forward(self.model, self.data)
        success = bool(self.suite._check_success())
        return self._observe(), float(reward), False, False, {**info, "success": success}

    def render(self) -> Any:
        """A picture, uint8 [256, 256, 3], from robosuite's own camera; needs OpenGL."""
        return self.suite.sim.render(width=256, height=256, camera_name="agentview")[::-1]

    def save_state(self) -> bytes:
        """The physics, the controllers' goals and the environment's own numbers."""
        return to_bytes({"physics": Physics(self.model, self.data).save(), "plain": self._plain().save()})

    def load_state(self, state: bytes) -> None:
        """Return to a state, possibly of another process.

        Raises:
            ValueError: the bytes are no state of this environment.
        """
        content = from_bytes(state)
        Physics(self.model, self.data).load(content["physics"])
        self._plain().load(content["plain"])
        for robot in self.suite.robots:
            for controller in robot.part_controllers.values():
                controller.new_update = True

    def close(self) -> None:
        """Free the simulation."""
        self.suite.close()

    def _plain(self) -> PlainState:
        parts: list[Any] = [self.suite]
        for robot in self.suite.robots:
            parts += [robot.composite_controller, *robot.part_controllers.values(), *robot.gripper.values()]
        return PlainState(parts)

    def _observe(self) -> dict[str, Any]:
        """The sensors' values now. A sensor may read the values of others, in robosuite's order."""
        cache: dict[str, Any] = {}
        for key, sensor in self._all_sensors.items():
            cache[key] = copy.copy(sensor._sensor(cache))
        return {key: np.atleast_1d(np.asarray(cache[key], np.float64)) for key in self._sensors}


def names() -> list[str]:
    """The names of all environments."""
    return sorted(robosuite.ALL_ENVIRONMENTS)
