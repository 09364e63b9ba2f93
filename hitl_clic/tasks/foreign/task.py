"""Any environment as a task: float32 observations, actions in [-1, 1], success, snapshots and a scene.

Runs in the thread that owns the environment. Whatever an environment raises becomes a `UserError` that names it.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np
from gymnasium import Env, spaces

from hitl_clic.tasks.actions import checked_action
from hitl_clic.tasks.foreign import physics
from hitl_clic.tasks.foreign.plain_state import from_bytes, to_bytes
from hitl_clic.tasks.foreign.restoring import StateKeeper
from hitl_clic.tasks.foreign.spaces import ActionMap, Floats, action_bounds, flatten, observation_keys, observation_size
from hitl_clic.tasks.foreign.success import SuccessRule
from hitl_clic.tasks.task import Array, RenderMode, Task
from hitl_clic.types.environment import EnvironmentSettings
from hitl_clic.types.errors import UserError
from hitl_clic.types.scene import ActionFrame, Scene, Shape
from hitl_clic.types.scene3d import Camera, Pose, Scene3D, Vector, vector

_SEEDS = 2**31
_PICTURE = Camera("picture", (0.0, 0.0, 0.0), 1.0, 0.0, 0.0)
"""Stands for the environment's own view."""
_ROBOT, _GOAL = 0.02, 0.03
"""Radii in the flat scene, as shares of its width."""


class ForeignTask(Task):
    """An environment with the settings of the table [environment].

    Args:
        name: of the task. env: the environment. settings: complete, see `guess.complete`.
        render_mode: see `Task`. options: with which the environment was made.

    Raises:
        UserError: the settings do not fit the environment.
    """

    def __init__(
        self,
        name: str,
        env: Env[Any, Any],
        settings: EnvironmentSettings,
        render_mode: RenderMode | None = None,
        options: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(render_mode)
        if not settings.complete:
            raise ValueError("the settings of the environment are not complete")
        self.name, self.env, self.settings = name, env, settings
        self.exact = settings.exact
        self._options = dict(options or {})
        self.info: Mapping[str, Any] = {}
        """What the newest step or reset returned as info."""
        box, _, _ = action_bounds(name, env.action_space)
        axes = settings.axes or ()
        size = int(np.prod(box.shape))
        if len(axes) != size:
            raise UserError(f"environment.axes = {' '.join(axes)} is not allowed; {name} has {size} action numbers")
        self._actions = ActionMap(box, settings.low or (), settings.high or ())
        self._success = SuccessRule.read(settings.success or "never")
        self._keys = observation_keys(name, env.observation_space, settings.observation or None)
        self._observed_size = observation_size(env.observation_space, self._keys)
        self.max_steps = settings.max_steps or 1
        self.control_hz = settings.rate_hz or 1.0
        self.symmetries = settings.read_symmetries()
        self.action_frame = ActionFrame(axes, settings.scale or (), ("unit",) * size, settings.groups or {})
        self.action_space = spaces.Box(-1.0, 1.0, (size,), np.float32)
        self.observation_space = spaces.Box(-np.inf, np.inf, (self._observed_size,), np.float32)
        self._physics = physics.find(env)
        self._keeper = StateKeeper(env)
        self._numbers: Floats | None = None
        self._step, self._seed, self._total = 0, 0, 0.0
        self._log: list[Array] = []

    # ---- episodes

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        super().reset(seed=seed)
        self._start(int(self.np_random.integers(_SEEDS)) if seed is None else seed % _SEEDS, options)
        self.show_step()
        return self.observe(), {**self.info, "success": False}

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, Any]]:
        numbers = checked_action(action, len(self.action_frame.axes))
        reward, terminated, truncated = self._advance(numbers)
        truncated = truncated or self._step >= self.max_steps
        ended = terminated or truncated
        success = self._success.holds(self.info, reward, self._total, terminated, ended)
        self.show_step()
        terminated = terminated or success
        return self.observe(), reward, terminated, truncated and not terminated, {**self.info, "success": success}

    def observe(self) -> Array:
        return self.numbers().astype(np.float32)

    def numbers(self) -> Floats:
        """The observed numbers as the environment gave them, float64.

        Raises:
            RuntimeError: before the first reset.
        """
        if self._numbers is None:
            raise RuntimeError("call reset() first")
        return self._numbers

    def inward(self, action: Any) -> Array:
        """An action of the environment as one of this task, see `ActionMap.inward`."""
        return self._actions.inward(action)

    # ---- snapshots

    def snapshot(self) -> bytes:
        content: dict[str, Any] = {
            "task": self.name,
            "exact": self.exact,
            "step": self._step,
            "seed": self._seed,
            "total": self._total,
            "numbers": self.numbers().astype("<f8").tobytes(),
        }
        if self.exact == "state":
            content["state"] = self._keeper.save()
        elif self.exact == "actions":
            content["actions"] = b"".join(action.astype("<f4").tobytes() for action in self._log)
        return to_bytes(content)

    def restore(self, snapshot: bytes) -> Array:
        try:
            content = from_bytes(snapshot)
            if not isinstance(content, dict) or content.get("task") != self.name:
                raise ValueError("it is of another task")
            if content["exact"] != self.exact:
                raise ValueError(f"it was made with environment.exact = {content['exact']}, not {self.exact}")
            if self.exact == "none":
                raise ValueError(
                    f"{self.name} does not repeat itself (environment.exact = none): no recorded instant can be "
                    "reached again, so there is nothing to verify"
                )
            numbers = np.frombuffer(content["numbers"], "<f8").astype(np.float64)
            if numbers.shape != (self._observed_size,) or not np.isfinite(numbers).all():
                raise ValueError(f"expected are {self._observed_size} finite numbers")
            step, seed, total = int(content["step"]), int(content["seed"]), float(content["total"])
            if self.exact == "actions":
                self._repeat(seed, content["actions"], numbers)
            else:
                if self._numbers is None:
                    self._start(0, None)
                self._keeper.load(content["state"])
        except (KeyError, TypeError, AttributeError) as problem:
            raise ValueError(f"not a snapshot of {self.name}: {problem!r}") from problem
        except UserError:
            raise
        except ValueError as problem:
            raise ValueError(f"not a snapshot of {self.name}: {problem}") from problem
        self._step, self._seed, self._total, self._numbers = step, seed, total, numbers
        return self.observe()

    def _repeat(self, seed: int, log: bytes, expected: Floats) -> None:
        """Start an episode again and act as recorded."""
        size = len(self.action_frame.axes)
        actions = np.frombuffer(log, "<f4").astype(np.float32)
        if actions.size % size or not np.isfinite(actions).all():
            raise ValueError(f"expected are actions of {size} finite numbers")
        self._start(seed, None)
        for action in actions.reshape(-1, size):
            self._advance(action)
        if not np.array_equal(self.numbers(), expected):
            raise ValueError("the environment did not repeat itself; set environment.exact to none")

    def forecast(self, actions: Array) -> Array:
        if self.exact != "none":
            return super().forecast(actions)
        raise UserError(
            f"loop.overlap = future_state is not allowed with task = {self.name}: it does not repeat itself, so it "
            "cannot be tried out; allowed: sync, async, prefix_conditioned"
        )

    # ---- pictures

    def scene(self) -> Scene:
        hands, goal = self.hands(), self._goal()
        pose = None
        if self._physics is not None:
            from hitl_clic.tasks import mujoco_pose  # loads the simulator, which not every environment has

            pose = Pose(
                mujoco_pose.pack_pose(*self._physics, moved_bodies=True), hands, () if goal is None else (goal,)
            )
            low, size = self._extent()
        else:
            low, size = np.full(2, -0.5), 1.0
            if self._draws_itself:
                pose = Pose(b"", (), (), self.snapshot())
        hand = self._flat(hands[0], low, size) if hands else (size / 2, size / 2)
        shapes = [Shape("robot", (hand,), _ROBOT * size)]
        if goal is not None:
            shapes.insert(0, Shape("goal", (self._flat(goal, low, size),), _GOAL * size))
        step = max((abs(number) for number in (self.settings.scale or ())[:2]), default=0.0)
        return Scene((size, size), tuple(shapes), hand, step or 0.01 * size, pose)

    def scene3d(self, folder: Path) -> Scene3D | None:
        if self._physics is not None:
            return self._physics.scene3d(folder, self.env)
        if not self._draws_itself:
            return None
        told = {
            "name": self.name,
            "environment": self.settings.model_dump(mode="json", exclude_none=True),
            "options": self._options,
        }
        return Scene3D("", (), (_PICTURE,), (_PICTURE.name,), 0.0, json.dumps(told))

    @property
    def _draws_itself(self) -> bool:
        """Whether a second environment can follow this one and draw itself."""
        return self.exact != "none" and "rgb_array" in (self.env.metadata.get("render_modes") or ())

    def follow(self, snapshot: bytes) -> None:
        """Return to a snapshot; only the newest actions are repeated where it continues the present episode.

        Raises:
            ValueError: the bytes are not a snapshot of this task.
        """
        content = from_bytes(snapshot) if self.exact == "actions" else {}
        log, size = content.get("actions", b""), len(self.action_frame.axes)
        done = b"".join(action.astype("<f4").tobytes() for action in self._log)
        if self._numbers is None or content.get("seed") != self._seed or not log.startswith(done):
            self.restore(snapshot)
            return
        for action in np.frombuffer(log[len(done) :], "<f4").astype(np.float32).reshape(-1, size):
            self._advance(action)

    def hands(self) -> tuple[Vector, ...]:
        """The points where plans are drawn, m; empty if they are unknown."""
        found = []
        for name in (self.settings.hand or "").split("+"):
            if ":" in name and (numbers := self._observed(name)) is not None:
                found.append(vector(numbers))
            elif name and self._physics is not None and (place := self._physics.place(name)) is not None:
                found.append(vector(place))
        return tuple(found)

    def progress(self) -> dict[str, Any]:
        return {}

    def close(self) -> None:
        super().close()
        self.env.close()

    def _goal(self) -> Vector | None:
        numbers = self._observed(self.settings.goal or "")
        return None if numbers is None else vector(numbers)

    def _observed(self, text: str) -> Floats | None:
        """Three observed numbers of a range as 36:39; None if the text is none. Two numbers get the height 0."""
        first, colon, last = text.partition(":")
        if not colon or not first.isdigit() or not last.isdigit():
            return None
        numbers = self.numbers()[int(first) : int(last)]
        return np.pad(numbers, (0, 3 - numbers.size)) if 2 <= numbers.size <= 3 else None

    def _extent(self) -> tuple[Floats, float]:
        """Lower left corner and width of the flat scene, seen from above."""
        assert self._physics is not None
        stat = self._physics.model.stat
        size = max(0.1, float(stat.extent) * 2)
        return np.asarray(stat.center[:2]) - size / 2, size

    def _flat(self, point: Vector, low: Floats, size: float) -> tuple[float, float]:
        x, y = (np.asarray(point[:2]) - low).tolist()
        return x, size - y

    # ---- the environment

    def _start(self, seed: int, options: dict[str, Any] | None) -> None:
        try:
            observation, info = self.env.reset(seed=seed, options=options)
        except UserError:
            raise
        except Exception as problem:  # an environment may raise anything
            raise self._failed("reset", problem) from problem
        self._numbers = self._read(observation)
        self._step, self._seed, self._total, self.info = 0, seed, 0.0, _plain_info(info)
        self._log = []

    def _advance(self, action: Array) -> tuple[float, bool, bool]:
        """One step; returns reward, terminated and truncated."""
        self.numbers()
        try:
            observation, reward, terminated, truncated, info = self.env.step(self._actions.outward(action))
        except UserError:
            raise
        except Exception as problem:  # an environment may raise anything
            raise self._failed("step", problem) from problem
        self._numbers = self._read(observation)
        self._step, self._total, self.info = self._step + 1, self._total + float(reward), _plain_info(info)
        self._log.append(action)
        return float(reward), bool(terminated), bool(truncated)

    def _read(self, observation: Any) -> Floats:
        numbers = flatten(self.name, observation, self._keys)
        if numbers.size != self._observed_size:
            raise UserError(
                f"task = {self.name} observed {numbers.size} numbers, expected {self._observed_size}; allowed: as many "
                "as its observation_space says"
            )
        return numbers

    def _failed(self, what: str, problem: Exception) -> UserError:
        words = " ".join(str(problem).split()) or "no message"
        return UserError(
            f"task = {self.name}: its {what}() raised {type(problem).__name__}: {words}; what was recorded until then "
            "is kept"
        )


def _plain_info(info: Any) -> Mapping[str, Any]:
    return info if isinstance(info, Mapping) else {}
