"""gymnasium's render modes of a task: images off the screen ("rgb_array"), and a window ("human").

Runs in the thread that owns the environment, and blocks it. Never used in the control loop: the cockpit's window is a
process of its own. A task imports this module only when it is drawn.
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
"""Height of an image, pixels."""


class TaskRenderer:
    """Draws one task in its present state. A 3-D scene is drawn from the cameras of its first view, side by side.

    In the mode "human" images have no shadows and reflections, so that drawing on a processor keeps up. Camera images
    come from a thread of their own: the window may use OpenGL too, and one thread cannot hold two contexts.
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
        """The present state, uint8 [480, width, 3], top row first. Camera images are 640 wide together.

        Raises:
            NoBackend: the task has a 3-D scene, and OpenGL does not work here.
        """
        scene = self._task.scene()
        if self._thread is None or scene.pose is None:
            from hitl_clic.render.flat_scene import draw_flat  # imports pygame, which 3-D scenes do not need

            return draw_flat(scene, HEIGHT)
        rendering = self._thread.render(scene.pose, self._cameras)
        if rendering is None:
            raise NoBackend(self._thread.problem)
        return np.concatenate(rendering.images, axis=1)

    def show(self) -> None:
        """Show the present state in a window, then wait until the next image is due. The first call opens the window.

        Raises:
            NoBackend: as `draw`.
        """
        if self._window is None:
            self._window = HumanRendering(_ImageSource(self, self._task.metadata))
        self._window.reset()

    def close(self) -> None:
        """Close the window and free the memory."""
        if self._window is not None:
            self._window.close()
        if self._thread is not None:
            self._thread.close()
        self._folder.cleanup()


class _ImageSource(gymnasium.Env[int, int]):
    """The environment that `HumanRendering` shows: it draws an image after each reset.

    It is not the task itself, because a reset of the task would start an episode.
    """

    render_mode = "rgb_array"

    def __init__(self, renderer: TaskRenderer, metadata: dict[str, Any]) -> None:
        self._renderer = renderer
        self.metadata = metadata

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[int, dict[str, Any]]:
        return 0, {}

    def render(self) -> NDArray[np.uint8]:
        return self._renderer.draw()
