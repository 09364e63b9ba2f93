"""A thread that draws the newest pose, so that the caller can read its input meanwhile.

The thread `render` alone touches OpenGL. `request` and `latest` never wait for it. It finds an OpenGL backend
by itself; where none works, it sets `problem` and ends. Never used in a process that runs a real-time control loop.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from hitl_clic.render import backend
from hitl_clic.render.adaptive_share import AdaptiveShare
from hitl_clic.render.backdrop import Size
from hitl_clic.types.scene3d import Camera, Pose, Scene3D, proportions

if TYPE_CHECKING:
    from hitl_clic.render.mirror import MirrorRenderer
    from hitl_clic.render.renderer import Renderer

_CLOSING_S = 2.0
_log = logging.getLogger(__name__)

_Request = tuple[Pose, tuple[Camera, ...], Size]


@dataclass(frozen=True, slots=True, eq=False)
class Rendering:
    """The images of one pose, one per camera: uint8 [height, width, 3], top row first."""

    pose: Pose
    cameras: tuple[Camera, ...]
    images: tuple[NDArray[np.uint8], ...]


class RenderThread:
    """Draws a 3-D scene until closed.

    See `Renderer` for quality and height, `AdaptiveShare` for `images_per_s`, the rate to keep by smaller images.
    """

    def __init__(
        self,
        scene3d: Scene3D,
        quality: Literal["fast", "full"],
        height: int,
        gl: backend.Choice,
        images_per_s: float = 0.0,
    ) -> None:
        self.problem = ""
        """Why there are no images, one sentence; empty while drawing works."""
        self._scene3d, self._quality, self._height, self._gl = scene3d, quality, height, gl
        self._adaptive_share = AdaptiveShare(images_per_s)
        self._rendering: Rendering | None = None
        self._requested: _Request | None = None
        self._done: _Request | None = None
        self._closing = False
        self._changed = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="render", daemon=True)
        self._thread.start()

    def request(self, pose: Pose, cameras: tuple[Camera, ...], size: Size | None = None) -> None:
        """Draw this next. It replaces an earlier request that is not begun.

        `size`: of each image on the screen; None: the largest. Images may be smaller, in these proportions.
        """
        with self._changed:
            self._requested = (pose, cameras, size or self._full(cameras))
            self._changed.notify_all()

    def latest(self) -> Rendering | None:
        """The newest rendering; None before the first."""
        return self._rendering

    def render(self, pose: Pose, cameras: tuple[Camera, ...], size: Size | None = None) -> Rendering | None:
        """Draw this and wait for it. None if drawing does not work."""
        self.request(pose, cameras, size)
        wanted = (pose, cameras, size or self._full(cameras))
        with self._changed:
            self._changed.wait_for(lambda: self.problem or self._done == wanted)
        return self._rendering if not self.problem else None

    def close(self) -> None:
        """End the thread."""
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        self._thread.join(_CLOSING_S)

    def _full(self, cameras: tuple[Camera, ...]) -> Size:
        return round(self._height * proportions(len(cameras))), self._height

    # All below runs in the thread.

    def _run(self) -> None:
        try:
            self._draw()
        except Exception as error:  # each library raises errors of its own; the window continues without images
            known = isinstance(error, backend.NoBackend)
            problem = str(error) if known else f"Drawing the robot failed: {str(error) or type(error).__name__}."
            _log.warning("%s", problem)
            with self._changed:
                self.problem = problem
                self._changed.notify_all()

    def _renderer(self) -> Renderer | MirrorRenderer:
        """The renderer; each imports its simulator, and MuJoCo chooses its backend at import."""
        if self._scene3d.mirror:
            from hitl_clic.render.mirror import MirrorRenderer

            return MirrorRenderer(self._scene3d)
        from hitl_clic.render.renderer import Renderer

        name = backend.find(self._gl)
        backend.use(name)
        return Renderer(self._scene3d, self._quality, self._height, name)

    def _draw(self) -> None:
        renderer = self._renderer()
        try:
            while (request := self._next()) is not None:
                pose, cameras, (width, height) = request
                share = self._adaptive_share.share * min(1.0, self._height / height)
                start_s = time.perf_counter()
                images = renderer.draw(pose, cameras, (max(1, round(width * share)), max(1, round(height * share))))
                self._rendering = Rendering(pose, cameras, images)
                self._adaptive_share.add(time.perf_counter() - start_s)
                with self._changed:
                    self._done = request
                    self._changed.notify_all()
        finally:
            renderer.close()

    def _next(self) -> _Request | None:
        """Wait for a request that is not drawn yet; None after `close`."""
        with self._changed:
            self._changed.wait_for(lambda: self._closing or self._requested != self._done)
            return None if self._closing else self._requested
