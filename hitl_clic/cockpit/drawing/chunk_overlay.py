"""How a plan looks: dots for the steps that will run, rings for those that may follow, an arrow for a single action.

Pure drawing in pixels, for the flat scene and for camera pictures alike.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import pygame

from hitl_clic.cockpit.drawing import palette
from hitl_clic.cockpit.drawing.palette import Color
from hitl_clic.cockpit.drawing.theme import Brush, Point

DIRECTION_STEPS = 6
"""A single human action is drawn as if held for this many steps: one step alone is too short to see."""
LEAST_STEP = 9
"""Design pixels between the dots of a plan at full speed, below which plans are drawn longer than true."""
_FAR = 1e4
"""Drawing coordinates are kept within this many pixels, which SDL can still clip."""
_DOT, _SMALL_DOT, _LINE, _ARROW = 5.0, 4.0, 2.5, 5.0
"""Radii of a dot, also of one in a picture where it must not hide much, and widths of lines, design pixels."""
_HALO = 1.0
"""Width of the light edge that sets a plan off from a picture, design pixels."""


def chunk(
    on: pygame.Surface, brush: Brush, points: Sequence[Point], color: Color, runs: int, halo: bool = False
) -> None:
    """A plan from the hand on: solid dots for the first `runs` steps, rings for the rest."""
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
    """A direction."""
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
    """How many times longer than true plans are drawn, where a step at full speed takes `true_step` pixels: 1 unless
    their dots would merge."""
    return max(1, math.ceil(LEAST_STEP * scale / max(true_step, 1e-3)))


def near(pixel: float) -> float:
    """A coordinate that can be drawn."""
    return max(-_FAR, min(_FAR, pixel))
