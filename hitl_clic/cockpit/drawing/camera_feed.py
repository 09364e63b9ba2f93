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
    """Camera images of a 3-D scene.

    `images_per_s`: rate to keep by smaller images, Hz; see `RenderThread`.
    """

    def __init__(self, scene3d: Scene3D, settings: WindowSettings, images_per_s: float = 0.0) -> None:
        self.scene3d = scene3d
        self._views = scene3d.views()
        self._view = 0
        self._render_thread = RenderThread(
            scene3d, settings.quality, settings.picture_height, settings.gl, images_per_s
        )

    def next_view(self) -> None:
        """Switch to the next view: the task's own, then each camera alone."""
        self._view = (self._view + 1) % len(self._views)

    def images(self, pose: Pose | None) -> tuple[Rendering | None, str]:
        """Request images of a pose. Returns the newest images, or a sentence why there are none."""
        if pose is not None and not self._render_thread.problem:
            self._render_thread.request(pose, self._views[self._view])
            rendering = self._render_thread.latest()
            return (
                rendering,
                "" if rendering is not None else "The cameras are starting; the scene is drawn flat until then.",
            )
        problem = self._render_thread.problem
        return None, problem and f"The scene is drawn flat. {problem}"

    def wait(self, pose: Pose) -> Rendering | None:
        """Wait for the images of this pose; None if drawing does not work. A window must not call this."""
        return self._render_thread.render(pose, self._views[self._view])

    def close(self) -> None:
        """End the render thread."""
        self._render_thread.close()
