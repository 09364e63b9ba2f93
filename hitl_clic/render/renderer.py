"""Draws a 3-D scene from poses with MuJoCo's OpenGL renderer.

All calls come from one thread, in a process that runs no control loop. An image takes 10 to 50 ms on a processor,
equally for triangles and pixels. MuJoCo releases the GIL while it draws.
"""

from __future__ import annotations

from typing import Literal

import mujoco
import numpy as np
from numpy.typing import NDArray

from hitl_clic.render.backend import open_context
from hitl_clic.render.coarse import coarsen
from hitl_clic.tasks.mujoco_pose import apply_pose
from hitl_clic.types.scene3d import Camera, Pose, Scene3D

Image = NDArray[np.uint8]
Quality = Literal["fast", "full"]

_MAX_ASPECT = 4 / 3
_HIDDEN = 5
"""A geom group that is never drawn."""
_CELL = 0.009
"""Grid width of moving meshes in a fast image, m: at most two pixels."""
_FIXED_CELL = 0.03
"""Grid width of fixed meshes in a fast image, m."""
_STACKS, _QUADS = 4, 1
"""Subdivisions of cylinders and of box sides in a fast image. Flat surfaces need no more."""


class Renderer:
    """One 3-D scene and its off-screen buffer.

    Args:
        scene3d: the scene. quality: "fast" omits shadows, reflections and antialiasing.
        height: largest height of an image, pixels. backend: MuJoCo's name of the OpenGL backend.

    Raises:
        ValueError: the model cannot be read. If OpenGL does not work: see `open_context`.
    """

    def __init__(self, scene3d: Scene3D, quality: Quality, height: int, backend: str) -> None:
        self._height = height
        width = round(height * _MAX_ASPECT)
        model = self._model = mujoco.MjModel.from_binary_path(scene3d.model)
        self._data = mujoco.MjData(model)
        model.vis.global_.offwidth, model.vis.global_.offheight = width, height
        if quality == "fast":
            model.vis.quality.shadowsize = model.vis.quality.offsamples = 0
            model.vis.quality.numstacks, model.vis.quality.numquads = _STACKS, _QUADS
            coarsen(model, _CELL, _FIXED_CELL)
        self._groups = model.geom_group.copy()
        self._gl = open_context(backend, width, height)
        self._context = mujoco.MjrContext(model, mujoco.mjtFontScale.mjFONTSCALE_100)
        mujoco.mjr_setBuffer(mujoco.mjtFramebuffer.mjFB_OFFSCREEN, self._context)
        self._scene = mujoco.MjvScene(model, model.ngeom + 100)
        for flag in (mujoco.mjtRndFlag.mjRND_SHADOW, mujoco.mjtRndFlag.mjRND_REFLECTION):
            self._scene.flags[flag] = quality == "full"
        self._option = mujoco.MjvOption()
        self._option.geomgroup[:] = 0
        self._option.geomgroup[list(scene3d.groups)] = 1
        self._option.sitegroup[:] = 0
        self._camera = mujoco.MjvCamera()

    def draw(
        self, pose: Pose, cameras: tuple[Camera, ...], aspect: float, height: int | None = None
    ) -> tuple[Image, ...]:
        """The image of each camera, uint8 [height, height * aspect, 3], top row first.

        `height` is at most the renderer's, which is the default.

        Raises:
            ValueError: the pose belongs to another model.
        """
        apply_pose(self._model, self._data, pose.joints)
        self._gl.make_current()
        return tuple(self._image(camera, aspect, height or self._height) for camera in cameras)

    def close(self) -> None:
        """Free the memory."""
        self._gl.make_current()
        self._context.free()
        self._gl.free()

    def _image(self, camera: Camera, aspect: float, height: int) -> Image:
        model, free = self._model, self._camera
        model.vis.global_.fovy = camera.fovy
        model.geom_group[:] = np.where(self._visible(camera, aspect), self._groups, _HIDDEN)
        free.lookat[:], free.distance = camera.target, camera.distance
        free.azimuth, free.elevation = camera.azimuth, camera.elevation
        every = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(model, self._data, self._option, None, free, every, self._scene)
        width = round(height * aspect)
        area = mujoco.MjrRect(0, 0, width, height)
        image = np.empty((height, width, 3), np.uint8)
        mujoco.mjr_render(area, self._scene, self._context)
        mujoco.mjr_readPixels(image, None, area, self._context)
        return image[::-1]

    def _visible(self, camera: Camera, aspect: float) -> NDArray[np.bool_]:
        """Which geoms reach into the image. OpenGL would process the triangles of all others too."""
        radius = self._model.geom_rbound
        right, up, ahead = camera.seen(self._data.geom_xpos).T
        inside = ahead > -radius
        for offset, slope in ((right, camera.slope() * aspect), (up, camera.slope())):
            inside &= np.abs(offset) <= ahead * slope + radius * np.hypot(1.0, slope)
        return inside | (radius == 0.0)  # a plane is infinite
