"""The Task contract: a gymnasium environment that can be frozen, resumed exactly and drawn.

Runs in the actor's main thread (and, for drawing, rebuilt from snapshots elsewhere). Never reads devices.
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import Any

import gymnasium
import numpy as np
from numpy.typing import NDArray

from hitl_clic.types.records import CommandFrame
from hitl_clic.types.scene import ActionFrame, Scene
from hitl_clic.types.scene3d import Scene3D
from hitl_clic.types.symmetry import Symmetry

Array = NDArray[np.float32]


class Task(gymnasium.Env[Array, Array]):
    """A gymnasium environment with Box float32 observation and Box [-1, 1] float32 action, and more.

    `step` sets info["success"] (bool) and terminates on success; the time limit is `max_steps` (truncation, by
    the environment itself). All randomness comes from `reset(seed=...)`.
    """

    action_frame: ActionFrame
    control_hz: float
    """The rate at which the task is meant to be taught, ticks per second."""
    max_steps: int
    """Steps after which an episode is truncated."""
    symmetries: tuple[Symmetry, ...] = ()
    """Images of states and actions under which the task is the same."""

    @abstractmethod
    def snapshot(self) -> bytes:
        """The exact present state: after `restore` the same actions give bit-for-bit the same states."""

    @abstractmethod
    def restore(self, snapshot: bytes) -> Array:
        """Return to a snapshot, also one of another process; gives the observation.

        Raises:
            ValueError: the bytes are not a snapshot of this task.
        """

    @abstractmethod
    def observe(self) -> Array:
        """The present observation, without side effects."""

    def forecast(self, actions: Array) -> Array:
        """The observation expected after these actions, [k, dim_a], k >= 0; the task itself stays as it is.

        Exact where snapshots are. Runs between two ticks of a loop: a task whose snapshots are slow to restore says it
        another way, within a millisecond or so for each action.

        Raises:
            ValueError: an action is refused by `step`.
        """
        if len(actions) == 0:
            return self.observe()
        here = self.snapshot()
        try:
            for action in actions:
                observation = self.step(action)[0]
        finally:
            self.restore(here)
        return observation

    def foresee(self, observation: Array, actions: Array) -> Array:
        """The observation that these actions, [k, dim_a], bring about after another, as who sees no more foresees it.

        Needs no episode and changes none: what moves unseen is taken to stand still. Within a millisecond or so for
        each action. For tasks whose observations tell enough; others leave it out.

        Raises:
            NotImplementedError: observations of this task do not tell enough.
            ValueError: not an observation of this task, or an action is refused by `step`.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot be foreseen from an observation")

    def axes_of(self, frame: CommandFrame) -> NDArray[np.float64] | None:
        """The axes of a frame in the world, for devices: [arms, 3, 3], its x, y and z in columns of length 1 each.

        "gripper": of the hand of each arm. "camera": of what the window shows, for every arm the same: x to the right,
        y towards the viewer, z up, so that they are a left-handed set. None where they are the world's own, as they
        are for tasks in the plane.
        """
        del frame
        return None

    @abstractmethod
    def scene(self) -> Scene:
        """The present instant for drawing, without side effects."""

    def scene3d(self, folder: Path) -> Scene3D | None:
        """How to draw this task in three dimensions; None where scenes are flat. Without side effects on the task.

        Writes into the folder what a renderer in another process needs: not for use within a tick.
        """
        del folder
        return None

    def progress(self) -> dict[str, Any]:
        """Task-specific figures worth showing a teacher (for example coverage); may be empty."""
        return {}
