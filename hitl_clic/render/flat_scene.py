"""Draws a flat scene into a picture, off the screen. Any thread; opens no window and needs no display."""

from __future__ import annotations

import numpy as np
import pygame
from numpy.typing import NDArray

from hitl_clic.render import scene_colors
from hitl_clic.types.scene import Scene

_FINE = 3
"""Everything is drawn so many times larger and then made smaller, which smooths the edges."""


def draw_flat(scene: Scene, height: int) -> NDArray[np.uint8]:
    """The scene's shapes, uint8 [height, width, 3], from the top down; the width follows from the scene's own size."""
    width = round(height * scene.size[0] / scene.size[1])
    zoom = _FINE * height / scene.size[1]
    large = pygame.Surface((_FINE * width, _FINE * height), depth=32)
    large.fill(scene_colors.GROUND)
    for shape in scene.shapes:
        color = scene_colors.of_role(shape.role)
        points = [(x * zoom, y * zoom) for x, y in shape.points]
        if len(points) == 1:
            pygame.draw.circle(large, color, points[0], shape.radius * zoom)
        else:
            pygame.draw.polygon(large, color, points)
    picture = pygame.surfarray.array3d(pygame.transform.smoothscale(large, (width, height)))
    return np.ascontiguousarray(picture.transpose(1, 0, 2))
