"""Hammer: pick up a hammer and drive a nail into a block (hammer-v3 of Meta-World).

Runs in the thread that owns the environment. Steps the simulation without Meta-World's reward. Renders nothing, needs
no display and reads no device.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any, Literal

import msgpack
import mujoco
import numpy as np
from gymnasium import spaces
from metaworld.envs.sawyer_hammer_v3 import SawyerHammerEnvV3

from hitl_clic.tasks import mujoco_pose
from hitl_clic.tasks.actions import arm_groups, checked_action
from hitl_clic.tasks.frames import camera_axes
from hitl_clic.tasks.metaworld.hammer_scene import hammer_scene
from hitl_clic.tasks.metaworld.hammer_state import (
    DRIVEN,
    GOAL,
    HAND_SIZE,
    INSTANT_SIZE,
    NAIL,
    OPENING,
    Floats,
    of_instant,
)
from hitl_clic.tasks.task import Array, RenderMode, Task
from hitl_clic.types.records import CommandFrame
from hitl_clic.types.scene import ActionFrame, Scene
from hitl_clic.types.scene3d import Camera, Pose, Scene3D, named, vector

ACTION_SCALE = 0.01
"""Motion of the mocap target per unit of action, m (metaworld)."""
HAMMER_STARTS = ((-0.1, 0.4, 0.0), (0.1, 0.5, 0.0))
"""Range of the hammer's start (metaworld)."""
HAND_START = (0.0, 0.4, 0.2)
HAND_STARTS = ((-0.2, 0.4, 0.15), (0.2, 0.6, 0.3))
"""Range of a random hand start, clear of hammer and block."""
_KIND = "hitl_clic/Hammer-v0/1"
_AXES = ("x", "y", "z", "gripper")
_PHYSICS = int(mujoco.mjtState.mjSTATE_INTEGRATION)
"""The state from which MuJoCo continues exactly: positions, velocities, controls and the solver's warm start."""
_SUBSTEPS = 5
"""Physics steps of 2.5 ms per step (metaworld)."""
_OBSERVATION_LIMIT = 2.0
"""Bound of observed positions, m; farther objects have fallen off the table."""
_VISUAL_GEOMS = (0, 1)
"""Groups of visual geoms; the other groups are for collisions."""
_CAMERAS = (
    Camera("side", target=(0.06, 0.58, 0.2), distance=1.25, azimuth=155.0, elevation=-28.0),
    Camera("front", target=(0.06, 0.6, 0.16), distance=1.35, azimuth=-90.0, elevation=-48.0),
    Camera("top", target=(0.1, 0.6, 0.1), distance=1.2, azimuth=90.0, elevation=-89.0),
)
_SHOWN = ("side", "front")


class Hammer(Task):
    """Grasp the hammer and drive the nail in by more than 9 cm.

    Observation, float32 [35], m: hand 3, gripper opening 1, hammer position 3 and quaternion 4, nail position 3 and
    quaternion 4; hammer and nail one step before 14; goal 3. Meta-World's 39 numbers also hold the previous hand.
    Action, float32 [4]: hand motion in cm, and the finger force from -1 (open) to 1 (close).

    The seed determines the start. The rate is 20 Hz, a quarter of Meta-World's: at 80 Hz an episode lasts under 1 s.

    Args:
        hand: "fixed": Meta-World's start of the hand; "random": drawn from `HAND_STARTS`.
        max_steps: steps after which an episode is truncated.
        render_mode: see `Task`.
    """

    action_frame = ActionFrame(
        axes=_AXES,
        scale=(ACTION_SCALE, ACTION_SCALE, ACTION_SCALE, 1.0),
        unit=("m", "m", "m", "force"),
        groups=arm_groups(_AXES),
    )
    control_hz = 20.0

    def __init__(
        self,
        hand: Literal["fixed", "random"] = "fixed",
        max_steps: int = 300,
        render_mode: RenderMode | None = None,
    ) -> None:
        super().__init__(render_mode)
        if hand not in ("fixed", "random"):
            raise ValueError(f"hand must be 'fixed' or 'random', got {hand!r}")
        if max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {max_steps}")
        self.hand = hand
        self.max_steps = max_steps
        now = np.array(
            [_OBSERVATION_LIMIT] * 3
            + [1.0]
            + [_OBSERVATION_LIMIT] * 3
            + [1.0] * 4
            + [_OBSERVATION_LIMIT] * 3
            + [1.0] * 4,
            np.float32,
        )
        self._bound = np.concatenate([now, now[HAND_SIZE:], np.full(3, _OBSERVATION_LIMIT, np.float32)])
        self.observation_space = spaces.Box(-self._bound, self._bound, dtype=np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (4,), np.float32)
        self._simulator = _simulator()
        self._step = -1
        self._now = np.zeros(INSTANT_SIZE)
        self._previous = np.zeros(INSTANT_SIZE - HAND_SIZE)

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        super().reset(seed=seed)
        simulator = self._simulator
        # Draw both in any case, so that a seed gives the same hammer with either option.
        simulator._last_rand_vec = self.np_random.uniform(*HAMMER_STARTS)
        drawn = self.np_random.uniform(*HAND_STARTS)
        simulator.hand_init_pos = drawn if self.hand == "random" else np.array(HAND_START)
        mujoco.mj_resetData(simulator.model, simulator.data)
        simulator.reset_model()
        self._step = 0
        self._now = self._instant()
        self._previous = self._now[HAND_SIZE:]
        self.show_step()
        return self.observe(), self._info()

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        self._require_start()
        numbers = checked_action(action, 4)
        simulator = self._simulator
        simulator.set_xyz_action(numbers[:3])
        simulator.do_simulation(np.array([numbers[3], -numbers[3]]), _SUBSTEPS)
        mujoco.mj_forward(simulator.model, simulator.data)
        self._step += 1
        self._previous = self._now[HAND_SIZE:]
        self._now = self._instant()
        info = self._info()
        truncated = not info["success"] and self._step >= self.max_steps
        self.show_step()
        return self.observe(), self.progress()["nail"], info["success"], truncated, info

    def observe(self) -> Array:
        self._require_start()
        numbers = np.concatenate([self._now, self._previous, GOAL]).astype(np.float32)
        return np.clip(numbers, -self._bound, self._bound)

    def snapshot(self) -> bytes:
        self._require_start()
        model, data = self._simulator.model, self._simulator.data
        state = np.empty(mujoco.mj_stateSize(model, _PHYSICS))
        mujoco.mj_getState(model, data, state, _PHYSICS)
        content = {"task": _KIND, "step": self._step, "state": _packed(state), "previous": _packed(self._previous)}
        return bytes(msgpack.packb(content))

    def restore(self, snapshot: bytes) -> Array:
        model, data = self._simulator.model, self._simulator.data
        try:
            content = msgpack.unpackb(snapshot)
            if content["task"] != _KIND:
                raise ValueError(f"made by {content['task']!r}")
            step = int(content["step"])
            state = _unpacked(content["state"], mujoco.mj_stateSize(model, _PHYSICS))
            previous = _unpacked(content["previous"], INSTANT_SIZE - HAND_SIZE)
            if step < 0:
                raise ValueError("its step is out of range")
        except (ValueError, KeyError, TypeError, msgpack.UnpackException) as problem:
            raise ValueError(f"not a snapshot of {_KIND}: {problem}") from problem
        mujoco.mj_setState(model, data, state, _PHYSICS)
        mujoco.mj_forward(model, data)
        # Set the state again: the forward computation has changed the solver's warm start.
        mujoco.mj_setState(model, data, state, _PHYSICS)
        self._step, self._previous = step, previous
        self._now = self._instant()
        return self.observe()

    def axes_of(self, frame: CommandFrame) -> Floats | None:
        return (
            camera_axes(named(_CAMERAS, _SHOWN[0]).azimuth)[None] if frame == "camera" else None
        )  # the hand does not rotate

    def scene(self) -> Scene:
        self._require_start()
        state = of_instant(self._now)
        joints = mujoco_pose.pack_pose(self._simulator.model, self._simulator.data)
        return replace(hammer_scene(state, ACTION_SCALE), pose=Pose(joints, (vector(state.hand),)))

    def scene3d(self, folder: Path) -> Scene3D:
        model = mujoco_pose.write_model(self._simulator.model, folder)
        return Scene3D(model, _VISUAL_GEOMS, _CAMERAS, _SHOWN, floor=0.0)

    def progress(self) -> dict[str, Any]:
        return {"nail": min(1.0, max(0.0, self._depth() / DRIVEN))}

    def close(self) -> None:
        super().close()
        self._simulator.close()

    def _instant(self) -> Floats:
        """The 18 numbers of the present instant, unclipped, in Meta-World's order and scale."""
        body = self._simulator.data.body
        apart = float(np.linalg.norm(body("rightclaw").xpos - body("leftclaw").xpos))
        parts = [body("hand").xpos, [min(1.0, apart / OPENING)]]
        parts += [part for name in ("hammer", "nail_link") for part in (body(name).xpos, body(name).xquat)]
        return np.concatenate(parts)

    def _depth(self) -> float:
        """Depth of the nail in the block, m."""
        return float(self._simulator.data.joint("NailSlideJoint").qpos[0])

    def _info(self) -> dict[str, Any]:
        depth = self._depth()
        return {"success": depth > DRIVEN, "depth_m": depth}

    def _require_start(self) -> None:
        if self._step < 0:
            raise RuntimeError("call reset() first")


def _simulator() -> SawyerHammerEnvV3:
    simulator = SawyerHammerEnvV3()
    nail = simulator.model.body("box").pos + simulator.model.body("nail_link").pos
    if not np.allclose(nail, NAIL):
        raise RuntimeError(f"this metaworld has its nail at {nail}, expected {NAIL}")
    return simulator


def _packed(numbers: Floats) -> bytes:
    return np.asarray(numbers, "<f8").tobytes()


def _unpacked(packed: bytes, size: int) -> Floats:
    numbers = np.frombuffer(packed, "<f8").astype(np.float64)
    if numbers.shape != (size,) or not np.isfinite(numbers).all():
        raise ValueError(f"expected are {size} finite numbers")
    return numbers
