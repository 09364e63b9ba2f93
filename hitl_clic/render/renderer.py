"""Draws a stage from poses with MuJoCo's OpenGL renderer.

All calls from one thread, that of a process without a loop: a picture takes 10 to 50 ms where the processor draws it,
as much of it for triangles as for pixels; the interpreter's lock is free meanwhile.
"""

from __future__ import annotations

from typing import Literal

import mujoco
import numpy as np
from numpy.typing import NDArray

from hitl_clic.render.coarse import coarsen
from hitl_clic.render.context import open_context
from hitl_clic.tasks.mujoco_pose import apply_pose
from hitl_clic.types.scene3d import Camera, Pose, Scene3D

Picture = NDArray[np.uint8]
Quality = Literal["fast", "full"]

_WIDEST = 4 / 3
_HIDDEN = 5
"""A group of geoms that is never drawn."""
_CELL = 0.009
"""How fine the meshes of a fast picture are, m: up to two of its pixels."""
_STILL_CELL = 0.03
"""The same for what stands fast, m."""
_STACKS, _QUADS = 4, 1
"""Into how many pieces a fast picture's rods are cut along, and the sides of its boxes: flat things need no more."""


class Renderer:
    """One stage and the memory in which its pictures are drawn.

    Args:
        stage: what stands there. quality: "fast" is without shadows, reflections and smoothed edges.
        height: of a picture, pixels. backend: MuJoCo's name of the way to OpenGL.

    Raises:
        ValueError: the model cannot be read. Others where OpenGL does not work, see `open_context`.
    """

    def __init__(self, scene3d: Scene3D, quality: Quality, height: int, backend: str) -> None:
        self._height = height
        width = round(height * _WIDEST)
        model = self._model = mujoco.MjModel.from_binary_path(scene3d.model)
        self._data = mujoco.MjData(model)
        model.vis.global_.offwidth, model.vis.global_.offheight = width, height
        if quality == "fast":
            model.vis.quality.shadowsize = model.vis.quality.offsamples = 0
            model.vis.quality.numstacks, model.vis.quality.numquads = _STACKS, _QUADS
            coarsen(model, _CELL, _STILL_CELL)
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
    ) -> tuple[Picture, ...]:
        """What each camera sees, uint8 [height, height * aspect, 3], from the top down.

        `height`: smaller than the renderer's; by default as large.

        Raises:
            ValueError: the pose is of another model.
        """
        apply_pose(self._model, self._data, pose.joints)
        self._gl.make_current()
        return tuple(self._picture(camera, aspect, height or self._height) for camera in cameras)

    def close(self) -> None:
        """Give the memory back."""
        self._gl.make_current()
        self._context.free()
        self._gl.free()

    def _picture(self, camera: Camera, aspect: float, height: int) -> Picture:
        model, free = self._model, self._camera
        model.vis.global_.fovy = camera.fovy
        model.geom_group[:] = np.where(self._in_sight(camera, aspect), self._groups, _HIDDEN)
        free.lookat[:], free.distance = camera.target, camera.distance
        free.azimuth, free.elevation = camera.azimuth, camera.elevation
        every = mujoco.mjtCatBit.mjCAT_ALL
        mujoco.mjv_updateScene(model, self._data, self._option, None, free, every, self._scene)
        width = round(height * aspect)
        area = mujoco.MjrRect(0, 0, width, height)
        picture = np.empty((height, width, 3), np.uint8)
        mujoco.mjr_render(area, self._scene, self._context)
        mujoco.mjr_readPixels(picture, None, area, self._context)
        return picture[::-1]

    def _in_sight(self, camera: Camera, aspect: float) -> NDArray[np.bool_]:
        """Which geoms reach into the picture: OpenGL would work through the triangles of all."""
        radius = self._model.geom_rbound
        right, up, ahead = camera.seen(self._data.geom_xpos).T
        inside = ahead > -radius
        for beside, slope in ((right, camera.slope() * aspect), (up, camera.slope())):
            inside &= np.abs(beside) <= ahead * slope + radius * np.hypot(1.0, slope)
        return inside | (radius == 0.0)  # a plane has no end
