"""What the window shows of a task with a 3-D scene: which of its cameras, and their newest pictures.

Main thread of the window process, or of a process that only writes pictures; the render thread draws. The window's
process gets the scene once, as JSON in its arguments; the scene names the file of its model.
"""

from __future__ import annotations

from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.render.render_thread import RenderThread, Shot
from hitl_clic.types.scene3d import Pose, Scene3D
from hitl_clic.types.schema import Schema

SCENE3D: Schema[Scene3D] = Schema(Scene3D)
"""Reads and writes the scene as JSON, for the arguments of the window's process."""


class CameraFeed:
    """Shows a stage from its cameras, in the settings' quality. `per_s`: pictures a second to keep, see `Studio`."""

    def __init__(self, scene3d: Scene3D, settings: WindowSettings, per_s: float = 0.0) -> None:
        self.scene3d = scene3d
        self._views = scene3d.views()
        self._view = 0
        self._studio = RenderThread(scene3d, settings.quality, settings.picture_height, settings.gl, per_s)

    def turn(self) -> None:
        """Go on to the next view: the one chosen for the task, then each camera alone."""
        self._view = (self._view + 1) % len(self._views)

    def look(self, pose: Pose | None) -> tuple[Shot | None, str]:
        """Ask for pictures of a pose; the newest there are, and a sentence where there are none."""
        if pose is not None and not self._studio.problem:
            self._studio.show(pose, self._views[self._view])
            shot = self._studio.latest()
            return shot, "" if shot is not None else "The cameras start; until then everything is drawn flat."
        problem = self._studio.problem
        return None, problem and f"Drawn flat. {problem}"

    def wait(self, pose: Pose) -> Shot | None:
        """The pictures of this very pose, when they are drawn; None if there will be none. Not for a window."""
        return self._studio.take(pose, self._views[self._view])

    def close(self) -> None:
        """End the drawing."""
        self._studio.close()
