"""A simulated person: sees the scene, decides late, and says what the hands should do.

What the person wants is the task's scripted teacher; when they step in and let go is the teacher device's own model
(`Oracle`). They see the scene and how the robot moved, not its plan. They know what their hands are about to do, and
push the less for it (`OracleSettings.anticipation`). `Person.look` is pure; the loop's thread calls `WatchedTask`,
which only publishes.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.teacher.oracle import Oracle, OracleSettings
from hitl_clic.tasks.task import Array, Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.records import CommandFrame
from hitl_clic.types.scene import Scene
from hitl_clic.types.scene3d import Scene3D
from hitl_clic.types.ticks import ticks_behind

Floats = NDArray[np.float64]
_GRIPS = 0.3
"""A wanted gripper command below this is neither open nor closed."""


@dataclass(frozen=True, slots=True)
class Glimpse:
    """What can be seen between two ticks.

    Attributes:
        episode, step: counted from 0. observation: of the scene, float32 [dim_o].
        moved: how the robot just moved, [dim_a] in units of action; None as an episode begins.
    """

    episode: int
    step: int
    observation: Array
    moved: Array | None


@dataclass(frozen=True, slots=True)
class Wish:
    """What the hands should do.

    Attributes:
        motion: of the robot's hand along and about the world's axes, [6] in units of action, rotations right-handed.
        engage: whether to drive. grip: 1 close, -1 open, 0 as it is. seen_grip: the same of what the robot does.
        episode: in which it was seen.
    """

    motion: tuple[float, ...] = (0.0,) * 6
    engage: bool = False
    grip: int = 0
    seen_grip: int = 0
    episode: int = -1


class Person:
    """Decides at each glimpse what the hands should do, late by the reaction time of the settings.

    Args:
        teacher: what the person wants. settings: when they step in, and how late. axes: of the task's action: one arm.
        rate_hz: of the control loop.
    """

    def __init__(self, teacher: Teacher, settings: OracleSettings, axes: tuple[str, ...], rate_hz: float) -> None:
        self._teacher = teacher
        self._oracle = Oracle(settings.model_copy(update={"latency_s": 0.0, "press_steps": 0}), execute=1, axes=axes)
        self._late = ticks_behind(settings.latency_s, rate_hz)
        self._decided: deque[Wish] = deque()
        """Wishes that the hands do not act on yet, oldest first."""
        self._episode = -1
        self._wanted: Floats = np.zeros(len(axes))
        self.wish = Wish()
        """What the hands do now."""

    def look(self, glimpse: Glimpse) -> Wish:
        """Decide at this glimpse; the wish that is due now."""
        if glimpse.episode != self._episode:  # the hands go on as before until the new scene is taken in
            self._episode = glimpse.episode
            self._teacher.reset()
            self._oracle.begin(glimpse.episode)
            self._wanted = self._wants(glimpse.observation)
        moved = self._wanted if glimpse.moved is None else np.asarray(glimpse.moved, np.float64)
        wanted = self._wants(glimpse.observation)
        coming = np.zeros(moved.size)
        coming[:6] = np.sum([wish.motion for wish in self._decided], axis=0) if self._decided else 0.0
        # the robot's last motion is judged in the state in which it was made
        answer = self._oracle.decide(glimpse.step, 0, self._wanted, moved, "absolute", unread=coming, foreseen=wanted)
        self._wanted = wanted
        grips = (_sign(wanted[6]), _sign(moved[6]))
        self._decided.append(Wish(answer.motion[:6], answer.engage, *grips, glimpse.episode))
        if len(self._decided) > self._late:
            self.wish = self._decided.popleft()
        return self.wish

    def _wants(self, observation: Array) -> Floats:
        return np.asarray(self._teacher.action(observation), np.float64)


def _sign(command: float) -> int:
    return 0 if abs(command) < _GRIPS else (1 if command > 0 else -1)


class WatchedTask(Task):
    """A task that shows each real step to a person. All else is the task's own.

    Args:
        task: the task. seen: takes a glimpse after each reset and step; steps within `forecast` are not shown.
    """

    def __init__(self, task: Task, seen: Slot[Glimpse]) -> None:
        super().__init__()
        self.task, self._seen = task, seen
        self._episode, self._step = -1, 0
        self.action_frame, self.control_hz = task.action_frame, task.control_hz
        self.max_steps, self.symmetries = task.max_steps, task.symmetries
        self.observation_space, self.action_space = task.observation_space, task.action_space

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Array, dict[str, Any]]:
        found = self.task.reset(seed=seed, options=options)
        self._episode, self._step = self._episode + 1, 0
        self._seen.publish(Glimpse(self._episode, 0, found[0], None))
        return found

    def step(self, action: Array) -> tuple[Array, Any, bool, bool, dict[str, Any]]:
        found = self.task.step(action)
        self._step += 1
        self._seen.publish(Glimpse(self._episode, self._step, found[0], np.array(action)))
        return found

    def snapshot(self) -> bytes:
        return self.task.snapshot()

    def restore(self, snapshot: bytes) -> Array:
        return self.task.restore(snapshot)

    def observe(self) -> Array:
        return self.task.observe()

    def forecast(self, actions: Array) -> Array:
        return self.task.forecast(actions)

    def axes_of(self, frame: CommandFrame) -> NDArray[np.float64] | None:
        return self.task.axes_of(frame)

    def scene(self) -> Scene:
        return self.task.scene()

    def scene3d(self, folder: Path) -> Scene3D | None:
        return self.task.scene3d(folder)

    def progress(self) -> dict[str, Any]:
        return self.task.progress()

    def close(self) -> None:
        super().close()
        self.task.close()
