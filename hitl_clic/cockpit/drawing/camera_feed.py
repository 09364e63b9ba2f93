"""What the window shows of a task with a 3-D scene: which of its cameras, and their newest pictures.

Main thread of the window process, or of a process that only writes pictures; the render thread draws. The window's
process gets the scene once, as JSON in its arguments; the scene names the file of its model.
"""

from __future__ import annotations

from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.render.backdrop import Size
from hitl_clic.render.render_thread import Rendering, RenderThread
from hitl_clic.types.scene3d import Pose, Scene3D
from hitl_clic.types.schema import Schema

SCENE3D: Schema[Scene3D] = Schema(Scene3D)
"""Reads and writes the scene as JSON, for the arguments of the window's process."""


class CameraFeed:
    """Camera images of a 3-D scene. `images_per_s`: rate to keep by smaller images, Hz; see `RenderThread`."""

    def __init__(self, scene3d: Scene3D, settings: WindowSettings, images_per_s: float = 0.0) -> None:
        self.scene3d = scene3d
        self._views = scene3d.views()
        self._view = 0
        height = settings.picture_height
        self._render_thread = RenderThread(scene3d, settings.quality, height, settings.gl, images_per_s)

    def next_view(self) -> None:
        """Switch to the next view: the task's own, then each camera alone."""
        self._view = (self._view + 1) % len(self._views)

    def cameras(self) -> int:
        """How many cameras the view has."""
        return len(self._views[self._view])

    def images(self, pose: Pose | None, size: Size) -> tuple[Rendering | None, str]:
        """Request images of a pose. Returns the newest images, or a sentence why there are none.

        `size`: width and height of an image in the window, pixels.
        """
        problem = self._render_thread.problem
        if pose is None or problem:
            return None, problem and f"The scene is drawn flat. {problem}"
        self._render_thread.request(pose, self._views[self._view], size)
        rendering = self._render_thread.latest()
        return rendering, "" if rendering else "The cameras are starting; the scene is drawn flat until then."

    def newest(self) -> Rendering | None:
        """The newest images; None before the first."""
        return self._render_thread.latest()

    def wait(self, pose: Pose, size: Size) -> Rendering | None:
        """Wait for the images of this pose; None if drawing does not work. A window must not call this."""
        return self._render_thread.render(pose, self._views[self._view], size)

    def close(self) -> None:
        """End the render thread."""
        self._render_thread.close()
