"""What gymnasium's render modes show of a task: pictures made off the screen, and a window of them.

Runs in the thread that owns the environment, which waits meanwhile: not for tasks in the live loop, whose window is a
process of its own. A task loads this module only once it is to be drawn.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING, Any

import gymnasium
import numpy as np
from gymnasium.wrappers import HumanRendering
from numpy.typing import NDArray

from hitl_clic.render.backend import NoBackend
from hitl_clic.render.render_thread import RenderThread

if TYPE_CHECKING:
    from hitl_clic.tasks.task import Task

HEIGHT = 480
"""Of a picture, pixels."""


class Frames:
    """Pictures of one task as it stands; of a 3-D scene, what the cameras see that show it best, side by side.

    A window's are without shadows and reflections, so that it can keep up where a processor draws. The cameras'
    pictures come from a thread of their own: the window may use OpenGL too, and two cannot in one thread.
    """

    def __init__(self, task: Task) -> None:
        self._task = task
        self._window: HumanRendering[Any, Any] | None = None
        self._thread: RenderThread | None = None
        self._folder = TemporaryDirectory(prefix="hitl-clic-")
        scene3d = task.scene3d(Path(self._folder.name))
        if scene3d is not None:
            self._cameras = scene3d.views()[0]
            self._thread = RenderThread(scene3d, "fast" if task.render_mode == "human" else "full", HEIGHT, "auto")

    def draw(self) -> NDArray[np.uint8]:
        """The present instant, uint8 [480, width, 3], from the top down: cameras give a width of 640.

        Raises:
            NoBackend: the task has a 3-D scene, and OpenGL does not work here.
        """
        scene = self._task.scene()
        if self._thread is None or scene.pose is None:
            from hitl_clic.render.flat_scene import draw_flat  # imports pygame, which cameras do without

            return draw_flat(scene, HEIGHT)
        shot = self._thread.take(scene.pose, self._cameras)
        if shot is None:
            raise NoBackend(self._thread.problem)
        return np.concatenate(shot.pictures, axis=1)

    def show(self) -> None:
        """Show the present instant in a window, which opens with the first, then wait until the next is due.

        Raises:
            NoBackend: as `draw`.
        """
        if self._window is None:
            self._window = HumanRendering(_Pictures(self, self._task.metadata))
        self._window.reset()

    def close(self) -> None:
        """Close the window and give the memory back."""
        if self._window is not None:
            self._window.close()
        if self._thread is not None:
            self._thread.close()
        self._folder.cleanup()


class _Pictures(gymnasium.Env[int, int]):
    """What gymnasium's window shows: it takes an environment, and shows a picture of it after each reset.

    It does not get the task itself, whose reset would start an episode.
    """

    render_mode = "rgb_array"

    def __init__(self, frames: Frames, metadata: dict[str, Any]) -> None:
        self._frames = frames
        self.metadata = metadata

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        return 0, {}

    def render(self) -> NDArray[np.uint8]:
        return self._frames.draw()
