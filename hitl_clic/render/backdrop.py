"""The fixed part of a 3-D scene, drawn once for each camera and size, and what moves laid over it.

Pure numpy. Rows are OpenGL's: the bottom row first.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitl_clic.types.scene3d import Camera, Floats

Size = tuple[int, int]
"""Width and height of an image, pixels."""
Area = tuple[slice, slice]
"""Rows and columns of an image."""
_PIXEL = np.dtype("V3")


@dataclass(frozen=True, slots=True, eq=False)
class Backdrop:
    """What never moves: colours uint8 [height, width, 3], and depth float32 [height, width], 0 near, 1 far."""

    image: NDArray[np.uint8]
    depth: NDArray[np.float32]

    def behind(self, image: NDArray[np.uint8], depth: NDArray[np.float32], area: Area) -> NDArray[np.uint8]:
        """The whole image: this one, and in `area` whatever of the given image is nearer."""
        whole = self.image.copy()
        nearer = depth < self.depth[area]
        # one item of three bytes per pixel: twelve times as quick as three items
        np.copyto(whole.view(_PIXEL)[..., 0][area], image.view(_PIXEL)[..., 0], where=nearer)
        return whole


def is_constant(model: Any, groups: tuple[int, ...]) -> bool:
    """Whether what is fixed in an `MjModel` looks the same at every pose, and nothing that moves is translucent."""
    fixed_lights = (model.light_mode == 0) & (model.body_weldid[model.light_bodyid] == 0)
    moving = np.isin(model.geom_group, groups) & (model.body_weldid[model.geom_bodyid] != 0)
    opacity = model.geom_rgba[:, 3].copy()
    material = model.geom_matid
    opacity[material >= 0] = model.mat_rgba[material[material >= 0], 3]
    return bool(fixed_lights.all() and np.isin(opacity[moving], (0.0, 1.0)).all())


def covered(camera: Camera, centres: Floats, radii: Floats, size: Size) -> Area:
    """The area that spheres cover at most.

    Args:
        centres: world points [k, 3], m. radii: [k], m; 0: without limit. size: of the image.
    """
    width, height = size
    right, up, ahead = camera.seen(centres).T
    if not len(radii):
        return slice(0, 0), slice(0, 0)
    if (ahead <= radii).any() or (radii == 0.0).any():
        return slice(0, height), slice(0, width)
    scale = height / (2.0 * camera.slope())

    def span(offset: Floats, length: int) -> slice:
        depths = np.stack([ahead - radii, ahead + radii])
        low = length / 2 + scale * ((offset - radii) / depths).min()
        high = length / 2 + scale * ((offset + radii) / depths).max()
        first = int(np.clip(np.floor(low), 0, length))
        return slice(first, int(np.clip(np.ceil(high), first, length)))

    return span(up, height), span(right, width)
