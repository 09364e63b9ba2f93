"""The base class of all robosuite tasks: spaces, speed, episodes, exact snapshots and drawing.

Runs in the thread that owns the environment. A new task defines its observation and a teacher in one file, see
`lift.py`. Importing this module imports no simulator.
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Literal

import msgpack
import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hitl_clic.tasks.actions import arm_groups, checked_action
from hitl_clic.tasks.frames import camera_axes
from hitl_clic.tasks.task import Array, RenderMode, Task
from hitl_clic.tasks.top_front_view import TopFrontView, box, outline
from hitl_clic.types.playback import Playback
from hitl_clic.types.records import CommandFrame
from hitl_clic.types.scene import ActionFrame, Scene, Shape
from hitl_clic.types.scene3d import Camera, Pose, Scene3D, named, vector

if TYPE_CHECKING:
    from hitl_clic.tasks.robosuite.engine import RobosuiteEngine

Floats = NDArray[np.float64]

OBSERVATION_LIMIT = 2.0
"""Bound of observed numbers; objects farther away, m, have fallen off the table."""
SPEEDS = {"fast": 1.0, "published": 0.2}
"""Action scale relative to robosuite's.

"published" is CLIC's: at most 5 cm/s, 20 s an episode. "fast": 25 cm/s, the limit of ISO 10218-1 for an arm guided by a
human; 4 to 6 s an episode.
"""
_STEP, _TURN = 0.0125, 0.125
"""Motion of a hand per step at robosuite's full scale, m and rad (measured at constant speed)."""
_AXES = ("x", "y", "z", "rx", "ry", "rz", "gripper")
_VIEWS = TopFrontView(size=(1.5, 1.5), left=-0.75, top=-0.52, ceiling=1.06, floor=2.25)
_HAND_RADIUS = 0.02
_GOAL, _CLEAR = (0.2, 0.75, 0.5, 0.85), (0.0, 0.0, 0.0, 0.0)
_VISUAL_GEOMS = (1,)
"""Group of visual geoms; the other groups are for collisions."""


class RobosuiteTask(Task):
    """A task with one or two arms in one of robosuite's environments.

    Action, float32 [7] an arm: hand motion along and about the world axes in units set by `speed`, and the fingers. A
    positive finger number closes, a negative one opens, by a fifth of the range each step.

    Args:
        speed: "fast" or "published", see `SPEEDS`.
        max_steps: steps after which an episode is truncated; None: the task's limit for this speed. `gymnasium.make`
            uses the limit of "fast"; give max_episode_steps with another speed.
        render_mode: see `Task`.
    """

    environment: ClassVar[str]
    """robosuite's name of the environment."""
    snapshot_id: ClassVar[str]
    """Name of the task and version of its snapshots."""
    dim_o: ClassVar[int]
    arms: ClassVar[int] = 1
    step_limits: ClassVar[dict[str, int]]
    """Steps after which an episode is truncated, for each speed."""
    drawn_bodies: ClassVar[tuple[tuple[str, str], ...]]
    """Role and name of the bodies to draw, besides the hands."""
    cameras: ClassVar[tuple[Camera, ...]]
    shown: ClassVar[tuple[str, ...]]
    """Names of the default cameras."""
    floor: ClassVar[float] = 0.8
    """Height of the table top, m."""
    hidden_bodies: ClassVar[tuple[str, ...]] = ()
    """Bodies that are not drawn."""

    control_hz = 20.0

    def __init__(
        self,
        speed: Literal["fast", "published"] = "fast",
        max_steps: int | None = None,
        render_mode: RenderMode | None = None,
    ) -> None:
        super().__init__(render_mode)
        if speed not in SPEEDS:
            raise ValueError(f"speed must be one of {', '.join(map(repr, SPEEDS))}, got {speed!r}")
        if max_steps is not None and max_steps < 1:
            raise ValueError(f"max_steps must be at least 1, got {max_steps}")
        from hitl_clic.tasks.robosuite.engine import RobosuiteEngine  # slow, and not always installed

        self.speed = speed
        self.max_steps = max_steps or self.step_limits[speed]
        scale = SPEEDS[speed]
        names = [axis + ("" if arm == 0 else str(arm + 1)) for arm in range(self.arms) for axis in _AXES]
        self.action_frame = ActionFrame(
            axes=tuple(names),
            scale=(*(3 * [_STEP * scale]), *(3 * [_TURN * scale]), 1.0) * self.arms,
            unit=("m", "m", "m", "rad", "rad", "rad", "command") * self.arms,
            groups=arm_groups(names),
        )
        self.observation_space = spaces.Box(-OBSERVATION_LIMIT, OBSERVATION_LIMIT, (self.dim_o,), np.float32)
        self.action_space = spaces.Box(-1.0, 1.0, (7 * self.arms,), np.float32)
        self._scale = np.tile([scale] * 6 + [1.0], self.arms)
        self._step = -1
        self.engine = RobosuiteEngine(self.environment, self.arms)

    @abstractmethod
    def numbers(self, engine: RobosuiteEngine) -> list[Any]:
        """The parts of the observation, in order; `dim_o` numbers in total."""

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        super().reset(seed=seed)
        self.engine.reset(int(self.np_random.integers(2**62)))
        self._step = 0
        self.show_step()
        return self.observe(), self._info()

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        self._require_start()
        self.engine.step(checked_action(action, self._scale.size) * self._scale)
        self._step += 1
        info = self._info()
        truncated = not info["success"] and self._step >= self.max_steps
        self.show_step()
        return self.observe(), float(info["success"]), info["success"], truncated, info

    def observe(self) -> Array:
        self._require_start()
        numbers = np.concatenate([np.ravel(part) for part in self.numbers(self.engine)])
        return np.clip(numbers, -OBSERVATION_LIMIT, OBSERVATION_LIMIT).astype(np.float32)

    def snapshot(self) -> bytes:
        self._require_start()
        state = np.asarray(self.engine.state(), "<f8").tobytes()
        return bytes(msgpack.packb({"task": self.snapshot_id, "step": self._step, "state": state}))

    def restore(self, snapshot: bytes) -> Array:
        try:
            content = msgpack.unpackb(snapshot)
            if content["task"] != self.snapshot_id:
                raise ValueError(f"made by {content['task']!r}")
            step, state = int(content["step"]), np.frombuffer(content["state"], "<f8").astype(np.float64)
            if step < 0:
                raise ValueError("its step is out of range")
            if state.shape != (self.engine.size,) or not np.isfinite(state).all():
                raise ValueError(f"expected {self.engine.size} finite numbers")
        except (ValueError, KeyError, TypeError, msgpack.UnpackException) as problem:
            raise ValueError(f"not a snapshot of {self.snapshot_id}: {problem}") from problem
        self.engine.set_state(state)
        self._step = step
        return self.observe()

    def forecast(self, actions: Array) -> Array:
        """As in `Task`, with coarser physics: exact physics takes half a tick for two actions."""
        checked = [checked_action(action, self._scale.size) for action in actions]
        if not checked:
            return self.observe()
        with self.engine.coarse_physics():
            for action in checked:
                self.engine.step(action * self._scale)
            return self.observe()

    def axes_of(self, frame: CommandFrame) -> Floats | None:
        if frame == "world":
            return None
        self._require_start()
        if frame == "gripper":
            return np.stack([self.engine.hand(arm).rotation for arm in range(self.arms)])
        return np.tile(camera_axes(named(self.cameras, self.shown[0]).azimuth), (self.arms, 1, 1))

    def scene(self) -> Scene:
        self._require_start()
        engine, views = self.engine, _VIEWS
        solids = [(role, corners) for role, body in self.drawn_bodies for corners in self._corners(body)]
        for arm in range(self.arms):
            fingers = (f"gripper{arm}_right_{part}" for part in ("leftfinger", "rightfinger", "right_gripper"))
            solids += [("robot", corners) for body in fingers for corners in self._corners(body)]
        places = [engine.hand(arm).position for arm in range(self.arms)]
        hands = [views.from_above(place).tolist() for place in places]
        shapes = (
            *(outline(role, corners, views.from_above) for role, corners in solids),
            *(Shape("robot", ((x, y),), _HAND_RADIUS) for x, y in hands),
            views.divider(views.ceiling),
            *(outline(role, corners, views.from_front) for role, corners in solids),
        )
        step = _STEP * SPEEDS[self.speed]
        pose = Pose(engine.pack_pose(), tuple(vector(place) for place in places))
        return Scene(size=views.size, shapes=shapes, hand=(hands[0][0], hands[0][1]), step=step, pose=pose)

    def scene3d(self, folder: Path) -> Scene3D:
        colors = dict.fromkeys(self.hidden_bodies, _CLEAR) | {
            body: _GOAL for role, body in self.drawn_bodies if role == "goal"
        }
        model = self.engine.write_model(folder, colors)
        return Scene3D(model, _VISUAL_GEOMS, self.cameras, self.shown, self.floor)

    def playback(self) -> Playback:
        return Playback(self.engine.env_args, self.engine.model_xml(), self._scale)

    def simulator_state(self) -> Floats:
        return self.engine.flat_state()

    def close(self) -> None:
        super().close()
        self.engine.close()

    def _corners(self, body: str) -> list[Floats]:
        """The corners [8, 3] in the world of the bounding boxes of a body's geoms."""
        model, data = self.engine.model, self.engine.data
        found = []
        for geom in self.engine.geoms(body):
            aabb = model.geom_aabb[geom]
            corners = box(tuple(aabb[:3]), tuple(aabb[3:]))
            found.append(corners @ data.geom_xmat[geom].reshape(3, 3).T + data.geom_xpos[geom])
        return found

    def _info(self) -> dict[str, Any]:
        return {"success": self.engine.succeeded()}

    def _require_start(self) -> None:
        if self._step < 0:
            raise RuntimeError("call reset() first")
