"""The Task contract: a gymnasium environment with exact snapshots and a scene to draw.

Runs in the actor's main thread; a renderer rebuilds it elsewhere from snapshots. Never reads devices.
"""

from __future__ import annotations

from abc import abstractmethod
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import gymnasium
import numpy as np
from numpy.typing import NDArray

from hitl_clic.types.errors import among
from hitl_clic.types.playback import Playback
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
    """A gymnasium environment with a float32 Box observation and a float32 Box [-1, 1] action.

    `step` sets info["success"] (bool), terminates on success and truncates after `max_steps`. `reset(seed=...)`
    determines all randomness. Subclasses call `show_step` at the end of `reset` and `step`, and `super().close()`.

    Args:
        render_mode: gymnasium's. "rgb_array": `render` returns pictures. "human": a window shows every step at
            `control_hz`. None: no rendering.

    Raises:
        ValueError: unknown render mode.
    """

    metadata: dict[str, Any] = {"render_modes": list(RENDER_MODES)}  # noqa: RUF012 (gymnasium's own attribute)
    """As in gymnasium; "render_fps" is set from `control_hz`."""
    action_frame: ActionFrame
    control_hz: float
    """Rate at which the task is taught, ticks per second."""
    max_steps: int
    """Steps after which an episode is truncated."""
    symmetries: tuple[Symmetry, ...] = ()
    """Transformations of states and actions under which the task is unchanged."""
    horizon: int | None = None
    """H, ticks of a chunk that suit the task; None: from `control_hz`. For tasks without a preset."""
    teacher: Any = None
    """A `Teacher` class, or a function of the observation, of a task without an entry in the registry; None: none."""
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
        """The exact state: after `restore`, equal actions give equal states, bit for bit."""

    @abstractmethod
    def restore(self, snapshot: bytes) -> Array:
        """Return to a snapshot, possibly of another process, and return the observation.

        Raises:
            ValueError: the bytes are not a snapshot of this task.
        """

    @abstractmethod
    def observe(self) -> Array:
        """The present observation, without side effects."""

    def forecast(self, actions: Array) -> Array:
        """The observation after these actions, [k, dim_a], k >= 0; the state stays unchanged.

        The loop calls it between two ticks. Override it where snapshots are slow: aim at 1 ms an action.

        Raises:
            ValueError: `step` refuses an action.
        """
        if len(actions) == 0:
            return self.observe()
        here, mode = self.snapshot(), self.render_mode
        self.render_mode = None  # do not show the simulated steps
        try:
            for action in actions:
                observation = self.step(action)[0]
        finally:
            self.restore(here)
            self.render_mode = mode
        return observation

    def predict(self, observation: Array, actions: Array) -> Array:
        """The observation after these actions, [k, dim_a], predicted from another observation alone.

        Needs no episode and changes no state. Assumes that unobserved velocities are zero. Aim at 1 ms an action.

        Raises:
            NotImplementedError: the observations of this task do not suffice.
            ValueError: malformed observation, or `step` refuses an action.
        """
        raise NotImplementedError(f"{type(self).__name__} cannot predict from an observation")

    def axes_of(self, frame: CommandFrame) -> NDArray[np.float64] | None:
        """The axes of a command frame in the world, [arms, 3, 3]: unit columns x, y, z.

        "gripper": the hand of each arm. "camera": x right, y towards the viewer, z up (left-handed), equal for all
        arms. None: the world axes, always for planar tasks.
        """
        del frame
        return None

    @abstractmethod
    def scene(self) -> Scene:
        """What to draw now, without side effects."""

    def scene3d(self, folder: Path) -> Scene3D | None:
        """How to draw this task in three dimensions; None for a flat scene. The task stays unchanged.

        Writes the model into the folder, so never call it within a tick.
        """
        del folder
        return None

    def playback(self) -> Playback | None:
        """How robomimic's tools rebuild this episode; None where they have no such simulator."""
        return None

    def simulator_state(self) -> NDArray[np.float64]:
        """The simulator's own flat state, [time, positions, velocities], for tasks with a `playback`."""
        raise NotImplementedError(f"{type(self).__name__} has no state that another tool could restore")

    def progress(self) -> dict[str, Any]:
        """Task-specific figures for display, for example coverage; may be empty."""
        return {}

    def render(self) -> NDArray[np.uint8] | None:
        """The present picture, uint8 [height, width, 3], in the mode "rgb_array"; otherwise None.

        Raises:
            NoBackend: a 3-D scene needs OpenGL, which does not work here; the text says what to do.
        """
        if self.render_mode is None:
            gymnasium.logger.warn('render() returns nothing without a mode; make the task with render_mode="rgb_array"')
        return self._task_renderer().draw() if self.render_mode == "rgb_array" else None

    def show_step(self) -> None:
        """In the mode "human", show the present state and wait until the next step is due; otherwise do nothing.

        Raises:
            NoBackend: as `render`.
        """
        if self.render_mode == "human":
            self._task_renderer().show()

    def close(self) -> None:
        """Close the window and free the renderer; both open again when needed."""
        if self._renderer is not None:
            self._renderer.close()
            self._renderer = None

    def _task_renderer(self) -> TaskRenderer:
        if self._renderer is None:
            # Imported here, so that a task without a render mode loads no drawing library.
            from hitl_clic.render.task_renderer import TaskRenderer

            self._renderer = TaskRenderer(self)
        return self._renderer
