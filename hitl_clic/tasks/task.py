"""The Task contract: a gymnasium environment that can be frozen, resumed exactly and drawn.

Runs in the actor's main thread (and, for drawing, rebuilt from snapshots elsewhere). Never reads devices.
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import gymnasium
import numpy as np
from numpy.typing import NDArray

from hitl_clic.types.errors import among
from hitl_clic.types.records import CommandFrame
from hitl_clic.types.scene import ActionFrame, Scene
from hitl_clic.types.scene3d import Scene3D
from hitl_clic.types.symmetry import Symmetry

if TYPE_CHECKING:
    from hitl_clic.render.task_renderer import TaskRenderer

Array = NDArray[np.float32]
RenderMode = Literal["rgb_array", "human"]
RENDER_MODES: tuple[RenderMode, ...] = ("rgb_array", "human")


class Task(gymnasium.Env[Array, Array]):
    """A gymnasium environment with Box float32 observation and Box [-1, 1] float32 action, and more.

    `step` sets info["success"] (bool) and terminates on success; the time limit is `max_steps` (truncation, by
    the environment itself). All randomness comes from `reset(seed=...)`.

    Subclasses call `show_step` at the end of `reset` and of `step`, and `super().close()` in `close`.

    Args:
        render_mode: gymnasium's: "rgb_array" lets `render` return pictures, "human" shows every step in a window at
            `control_hz`, None draws nothing and imports nothing for it.

    Raises:
        ValueError: the render mode is unknown.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES)}  # noqa: RUF012 (gymnasium's own attribute)
    """As gymnasium defines it; a subclass gets "render_fps" from its `control_hz`."""
    action_frame: ActionFrame
    control_hz: float
    """The rate at which the task is meant to be taught, ticks per second."""
    max_steps: int
    """Steps after which an episode is truncated."""
    symmetries: tuple[Symmetry, ...] = ()
    """Images of states and actions under which the task is the same."""
    _renderer: TaskRenderer | None = None

    def __init_subclass__(cls, **options: Any) -> None:
        super().__init_subclass__(**options)
        if hasattr(cls, "control_hz"):
            cls.metadata = {"render_modes": list(RENDER_MODES), "render_fps": cls.control_hz}

    def __init__(self, render_mode: RenderMode | None = None) -> None:
        if render_mode is not None and render_mode not in RENDER_MODES:
            raise ValueError(f"render_mode must be {among(map(repr, (None, *RENDER_MODES)))}, got {render_mode!r}")
        self.render_mode = render_mode

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
        here, mode = self.snapshot(), self.render_mode
        self.render_mode = None  # what is only expected is not shown
        try:
            for action in actions:
                observation = self.step(action)[0]
        finally:
            self.restore(here)
            self.render_mode = mode
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

    def render(self) -> NDArray[np.uint8] | None:
        """A picture of the present instant, uint8 [height, width, 3], in the mode "rgb_array".

        None in the mode "human", whose window shows every step without this call, and without a mode.

        Raises:
            NoBackend: OpenGL, which tasks with a 3-D scene need, does not work here; one sentence says what to do.
        """
        if self.render_mode is None:
            gymnasium.logger.warn('render() returns nothing without a mode; make the task with render_mode="rgb_array"')
        return self._task_renderer().draw() if self.render_mode == "rgb_array" else None

    def show_step(self) -> None:
        """In the mode "human": show the present instant, and wait until the next step is due. Otherwise nothing.

        Raises:
            NoBackend: as `render`.
        """
        if self.render_mode == "human":
            self._task_renderer().show()

    def close(self) -> None:
        """Close the window and give the memory for pictures back. The task may go on; it then opens them again."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _task_renderer(self) -> TaskRenderer:
        if self._renderer is None:
            # Imported here, so that a task without a render mode loads no drawing library.
            from hitl_clic.render.task_renderer import TaskRenderer

            self._renderer = TaskRenderer(self)
        return self._renderer
