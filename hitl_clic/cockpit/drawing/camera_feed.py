"""What the window shows of a task with a stage: which of its cameras, and their newest pictures.

Main thread of the window process, or of one that only writes pictures; the drawing is the studio's. A stage reaches
the window's process once, as JSON in its arguments; the model it names is a file.
"""

from __future__ import annotations

from pydantic import TypeAdapter

from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.render.render_thread import Rendering, RenderThread
from hitl_clic.types.scene3d import Pose, Scene3D

_STAGE: TypeAdapter[Scene3D] = TypeAdapter(Scene3D)


def scene3d_to_json(scene3d: Scene3D) -> str:
    """The stage as text."""
    return _STAGE.dump_json(scene3d).decode()


def scene3d_from_json(text: str) -> Scene3D:
    """Read `stage_to_json` back. Raises ValueError for anything else."""
    return _STAGE.validate_json(text)


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

    def look(self, pose: Pose | None) -> tuple[Rendering | None, str]:
        """Ask for pictures of a pose; the newest there are, and a sentence where there are none."""
        if pose is not None and not self._studio.problem:
            self._studio.show(pose, self._views[self._view])
            rendering = self._studio.latest()
            return rendering, "" if rendering is not None else "The cameras start; until then everything is drawn flat."
        problem = self._studio.problem
        return None, problem and f"Drawn flat. {problem}"

    def wait(self, pose: Pose) -> Rendering | None:
        """The pictures of this very pose, when they are drawn; None if there will be none. Not for a window."""
        return self._studio.take(pose, self._views[self._view])

    def close(self) -> None:
        """End the drawing."""
        self._studio.close()
