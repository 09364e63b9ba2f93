"""Draws a 3-D scene from poses with MuJoCo's OpenGL renderer.

All calls come from one thread, in a process that runs no control loop. On a processor an image's time grows with its
triangles more than with its pixels. What never moves is therefore drawn once, see `backdrop`. MuJoCo releases the GIL
while it draws.
"""

from __future__ import annotations

from typing import Literal

import mujoco
import numpy as np
from numpy.typing import NDArray

from hitl_clic.render.backdrop import Backdrop, Size, covered, is_constant
from hitl_clic.render.backend import open_context
from hitl_clic.render.coarse import coarsen
from hitl_clic.tasks.mujoco_pose import apply_pose
from hitl_clic.types.scene3d import Camera, Pose, Scene3D

Image = NDArray[np.uint8]
Quality = Literal["fast", "full"]

_WIDEST = 4 / 3
_ROUNDING = 2
"""Pixels by which a rounded width may exceed the widest."""
_HIDDEN = 5
"""A geom group that is never drawn."""
_CELL = 0.009
"""Grid width of moving meshes in a fast image, m: about three pixels."""
_FIXED_CELL = 0.03
"""Grid width of fixed meshes in a fast image without a backdrop, m."""
_STACKS, _QUADS = 4, 1
"""Subdivisions of cylinders and of box sides in a fast image. Flat surfaces need no more."""
_OFFSETS = ((-0.125, -0.375), (0.375, -0.125), (-0.375, 0.125), (0.125, 0.375))
"""Shifts of the images whose mean is a backdrop, pixels: a rotated grid, which smooths edges in all directions."""
_KEPT_BACKDROPS = 12
_ALL = int(mujoco.mjtCatBit.mjCAT_ALL)
_FIXED, _MOVING = int(mujoco.mjtCatBit.mjCAT_STATIC), int(mujoco.mjtCatBit.mjCAT_DYNAMIC)


class Renderer:
    """One 3-D scene and its off-screen buffer.

    Args:
        scene3d: the scene. quality: "fast" omits shadows, reflections, and antialiasing of what moves.
        height: largest height of an image, pixels. backend: MuJoCo's name of the OpenGL backend.

    Raises:
        ValueError: the model cannot be read. If OpenGL does not work: see `open_context`.
    """

    def __init__(self, scene3d: Scene3D, quality: Quality, height: int, backend: str) -> None:
        width = round(height * _WIDEST) + _ROUNDING
        model = self._model = mujoco.MjModel.from_binary_path(scene3d.model)
        self._data = mujoco.MjData(model)
        model.vis.global_.offwidth, model.vis.global_.offheight = width, height
        self._has_backdrops = quality == "fast" and is_constant(model, scene3d.groups)
        if quality == "fast":
            model.vis.quality.shadowsize = model.vis.quality.offsamples = 0
            model.vis.quality.numstacks, model.vis.quality.numquads = _STACKS, _QUADS
            coarsen(model, _CELL, 0.0 if self._has_backdrops else _FIXED_CELL)
        self._backdrops: dict[tuple[Camera, Size], Backdrop] = {}
        self._groups = model.geom_group.copy()
        self._moving = np.isin(self._groups, scene3d.groups) & (model.body_weldid[model.geom_bodyid] != 0)
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

    def draw(self, pose: Pose, cameras: tuple[Camera, ...], size: Size) -> tuple[Image, ...]:
        """The image of each camera, uint8 [height, width, 3], top row first.

        `size`: at most the renderer's height, and 4 / 3 of that wide.

        Raises:
            ValueError: the pose belongs to another model.
        """
        apply_pose(self._model, self._data, pose.joints)
        self._gl.make_current()
        return tuple(self._image(camera, size)[::-1] for camera in cameras)

    def close(self) -> None:
        """Free the memory."""
        self._gl.make_current()
        self._context.free()
        self._gl.free()

    def _image(self, camera: Camera, size: Size) -> Image:
        visible = self._visible(camera, size)
        if not self._has_backdrops:
            self._render(camera, size, visible, _ALL)
            return self._read_colors(size)
        backdrop = self._backdrop(camera, size, visible)
        moving = visible & self._moving
        rows, columns = covered(camera, self._data.geom_xpos[moving], self._model.geom_rbound[moving], size)
        self._render(camera, size, moving, _MOVING)
        area = mujoco.MjrRect(columns.start, rows.start, columns.stop - columns.start, rows.stop - rows.start)
        colors, depth = np.empty((area.height, area.width, 3), np.uint8), np.empty((area.height, area.width), "f4")
        mujoco.mjr_readPixels(colors, depth, area, self._context)
        return backdrop.behind(colors, depth, (rows, columns))

    def _backdrop(self, camera: Camera, size: Size, visible: NDArray[np.bool_]) -> Backdrop:
        key = (camera, size)
        if key not in self._backdrops:
            if len(self._backdrops) >= _KEPT_BACKDROPS:
                self._backdrops.clear()
            total = np.zeros((size[1], size[0], 3), np.float32)
            for offset in _OFFSETS:
                self._render(camera, size, visible, _FIXED, offset)
                total += self._read_colors(size)
            self._render(camera, size, visible, _FIXED)
            depth = np.empty(size[::-1], np.float32)
            mujoco.mjr_readPixels(None, depth, self._area(size), self._context)
            self._backdrops[key] = Backdrop((total / len(_OFFSETS) + 0.5).astype(np.uint8), depth)
        return self._backdrops[key]

    def _render(
        self,
        camera: Camera,
        size: Size,
        visible: NDArray[np.bool_],
        category: int,
        offset: tuple[float, float] = (0.0, 0.0),
    ) -> None:
        """Draw into the buffer. `offset`: shift of the image, pixels."""
        model, free, scene = self._model, self._camera, self._scene
        model.vis.global_.fovy = camera.fovy
        model.geom_group[:] = np.where(visible, self._groups, _HIDDEN)
        free.lookat[:], free.distance = camera.target, camera.distance
        free.azimuth, free.elevation = camera.azimuth, camera.elevation
        mujoco.mjv_updateScene(model, self._data, self._option, None, free, category, scene)
        for eye in scene.camera:  # MuJoCo draws their mean
            pixel = (eye.frustum_top - eye.frustum_bottom) / size[1]
            eye.frustum_center += offset[0] * pixel
            eye.frustum_bottom += offset[1] * pixel
            eye.frustum_top += offset[1] * pixel
        scene.flags[mujoco.mjtRndFlag.mjRND_SKYBOX] = category != _MOVING
        mujoco.mjr_render(self._area(size), scene, self._context)

    def _read_colors(self, size: Size) -> Image:
        colors = np.empty((size[1], size[0], 3), np.uint8)
        mujoco.mjr_readPixels(colors, None, self._area(size), self._context)
        return colors

    @staticmethod
    def _area(size: Size) -> mujoco.MjrRect:
        return mujoco.MjrRect(0, 0, *size)

    def _visible(self, camera: Camera, size: Size) -> NDArray[np.bool_]:
        """Which geoms reach into the image. OpenGL would process the triangles of all others too."""
        radius = self._model.geom_rbound
        right, up, ahead = camera.seen(self._data.geom_xpos).T
        inside = ahead > -radius
        for offset, slope in ((right, camera.slope() * size[0] / size[1]), (up, camera.slope())):
            inside &= np.abs(offset) <= ahead * slope + radius * np.hypot(1.0, slope)
        return inside | (radius == 0.0)  # a plane is infinite
