"""Draws a chunk: dots for the steps that will run, rings for the later ones, an arrow for a single action.

Pure drawing in pixels, for the flat scene and for camera images.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pygame

from hitl_clic.cockpit.drawing import palette
from hitl_clic.cockpit.drawing.palette import Color
from hitl_clic.cockpit.drawing.theme import Brush, Point

DIRECTION_STEPS = 6
"""A single human action is drawn this many steps long, because one step is too short to see."""
MIN_STEP = 9
"""Smallest distance between the dots of a chunk at full speed, design pixels. Shorter chunks are magnified."""
_MAX_PIXEL = 1e4
"""Largest drawing coordinate; SDL cannot clip much larger ones."""
_DOT, _SMALL_DOT, _LINE, _ARROW = 5.0, 4.0, 2.5, 5.0
"""Radii of dots in the flat scene and in camera images, width of the line and of the arrow, design pixels."""
_HALO = 1.0
"""Width of the light edge around a chunk in a camera image, design pixels."""


def chunk(
    on: pygame.Surface, brush: Brush, points: Sequence[Point], color: Color, runs: int, halo: bool = False
) -> None:
    """Draw a chunk through `points`, the hand first: dots for the first `runs` steps, rings for the rest."""
    radius = brush.px(_SMALL_DOT if halo else _DOT)
    if halo:
        edge = brush.px(_HALO)
        brush.path(on, points, brush.px(_LINE) + 2 * edge, palette.BOARD)
        for point in points[1:]:
            brush.disc(on, point, radius + edge, palette.BOARD)
    brush.path(on, points, brush.px(_LINE), color)
    for index, point in enumerate(points[1:]):
        brush.disc(on, point, radius, color)
        if index >= runs:
            brush.disc(on, point, radius - brush.px(2), palette.BOARD)


def arrow(on: pygame.Surface, brush: Brush, start: Point, end: Point, color: Color, halo: bool = False) -> None:
    """Draw a direction."""
    if halo:
        _arrow(on, brush, start, end, brush.px(_HALO), palette.BOARD)
    _arrow(on, brush, start, end, 0, color)


def _arrow(on: pygame.Surface, brush: Brush, start: Point, end: Point, edge: float, color: Color) -> None:
    length = math.dist(start, end)
    if length < 1.0:
        return
    ux, uy = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    head = brush.px(16)
    neck = (end[0] - ux * (head + edge), end[1] - uy * (head + edge))
    tip = (end[0] + 2 * ux * edge, end[1] + 2 * uy * edge)
    if length > head:
        brush.line(on, start, (neck[0] + ux, neck[1] + uy), brush.px(_ARROW) + 2 * edge, color)
    half = head * 0.55 + 2 * edge
    corners = [tip, (neck[0] - uy * half, neck[1] + ux * half), (neck[0] + uy * half, neck[1] - ux * half)]
    brush.polygon(on, corners, color)


def magnification(true_step: float, scale: float) -> int:
    """The factor by which chunks are drawn longer, so that their dots do not merge.

    `true_step`: length of a step at full speed, pixels. `scale`: pixels per design pixel.
    """
    return max(1, math.ceil(MIN_STEP * scale / max(true_step, 1e-3)))


def clipped(pixel: float) -> float:
    """The coordinate within the range that SDL can draw."""
    return max(-_MAX_PIXEL, min(_MAX_PIXEL, pixel))
