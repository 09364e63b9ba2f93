"""A thread that draws the newest pose, so that whoever shows the pictures can listen to keys meanwhile.

Lives in the window's process. The thread `studio` alone touches OpenGL; `show` and `latest` never wait for it. It finds
a way to OpenGL by itself, and where there is none says so once and ends.
"""

from __future__ import annotations

import logging
import threading
import time
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from hitl_clic.render import backend
from hitl_clic.render.pace import Pace
from hitl_clic.types.scene3d import Camera, Pose, Scene3D, proportions

_CLOSING_S = 2.0
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """The pictures of one pose, one for each camera: uint8 [height, width, 3], from the top down."""

    pose: Pose
    cameras: tuple[Camera, ...]
    pictures: tuple[NDArray[np.uint8], ...]


class RenderThread:
    """Draws a stage for as long as it is open.

    Args:
        stage: what stands there. quality, height: of the pictures, see `Renderer`. gl: the way to OpenGL.
        per_s: pictures a second to keep by drawing smaller ones, see `Pace`; 0: all are of that height.
    """

    def __init__(
        self,
        scene3d: Scene3D,
        quality: Literal["fast", "full"],
        height: int,
        gl: backend.Choice,
        per_s: float = 0.0,
    ) -> None:
        self.problem = ""
        """Why there are no pictures, one sentence; empty while all is well."""
        self._stage, self._quality, self._height, self._gl = scene3d, quality, height, gl
        self._pace = Pace(height, per_s)
        self._shot: Shot | None = None
        self._wanted: tuple[Pose, tuple[Camera, ...]] | None = None
        self._done: tuple[Pose, tuple[Camera, ...]] | None = None
        self._closing = False
        self._news = threading.Condition()
        self._thread = threading.Thread(target=self._run, name="studio", daemon=True)
        self._thread.start()

    def show(self, pose: Pose, cameras: tuple[Camera, ...]) -> None:
        """From now on draw this; what was wanted before and is not begun is left out."""
        with self._news:
            self._wanted = (pose, cameras)
            self._news.notify_all()

    def latest(self) -> Shot | None:
        """The newest shot; None before the first."""
        return self._shot

    def take(self, pose: Pose, cameras: tuple[Camera, ...]) -> Shot | None:
        """Draw this and wait for it; None if there will be no pictures."""
        self.show(pose, cameras)
        with self._news:
            self._news.wait_for(lambda: self.problem or self._done == (pose, cameras))
        return self._shot if not self.problem else None

    def close(self) -> None:
        """End the thread."""
        with self._news:
            self._closing = True
            self._news.notify_all()
        self._thread.join(_CLOSING_S)

    # All below runs in the thread.

    def _run(self) -> None:
        problem = ""
        try:
            name = backend.find(self._gl)
            backend.take(name)
            self._draw(name)
        except backend.NoBackend as error:
            problem = str(error)
        except Exception as error:  # every library under here has errors of its own; the window goes on without it
            problem = f"Drawing the robot failed: {error or type(error).__name__}."
        if problem:
            _log.warning("%s", problem)
            with self._news:
                self.problem = problem
                self._news.notify_all()

    def _draw(self, name: str) -> None:
        from hitl_clic.render.renderer import Renderer  # imports MuJoCo, which looks at once for its way to OpenGL

        renderer = Renderer(self._stage, self._quality, self._height, name)
        try:
            while (wanted := self._next()) is not None:
                pose, cameras = wanted
                began = time.perf_counter()
                pictures = renderer.draw(pose, cameras, proportions(len(cameras)), self._pace.height)
                self._shot = Shot(pose, cameras, pictures)
                self._pace.took(time.perf_counter() - began)
                with self._news:
                    self._done = wanted
                    self._news.notify_all()
        finally:
            renderer.close()

    def _next(self) -> tuple[Pose, tuple[Camera, ...]] | None:
        """Wait for something that is not drawn yet; None at the end."""
        with self._news:
            self._news.wait_for(lambda: self._closing or self._wanted != self._done)
            return None if self._closing else self._wanted
