"""Draws a flat scene into an off-screen image. Any thread may call it; it needs no display and opens no window."""

from __future__ import annotations

import numpy as np
import pygame
from numpy.typing import NDArray

from hitl_clic.render import scene_colors
from hitl_clic.types.scene import Scene

_OVERSAMPLE = 3
"""The scene is drawn this many times larger and scaled down, which smooths the edges."""


def draw_flat(scene: Scene, height: int) -> NDArray[np.uint8]:
    """The scene's shapes, uint8 [height, width, 3], top row first. The scene's proportions give the width."""
    width = round(height * scene.size[0] / scene.size[1])
    zoom = _OVERSAMPLE * height / scene.size[1]
    large = pygame.Surface((_OVERSAMPLE * width, _OVERSAMPLE * height), depth=32)
    large.fill(scene_colors.GROUND)
    for shape in scene.shapes:
        color = scene_colors.of_role(shape.role)
        points = [(x * zoom, y * zoom) for x, y in shape.points]
        if len(points) == 1:
            pygame.draw.circle(large, color, points[0], shape.radius * zoom)
        else:
            pygame.draw.polygon(large, color, points)
    image = pygame.surfarray.array3d(pygame.transform.smoothscale(large, (width, height)))
    return np.ascontiguousarray(image.transpose(1, 0, 2))
