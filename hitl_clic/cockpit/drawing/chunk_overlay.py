"""Draws a chunk: dots for the steps that will run, rings for the later ones, an arrow for a single action.

Pure drawing in pixels, for the flat scene and for camera images.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence

from hitl_clic.cockpit.drawing import palette
from hitl_clic.cockpit.drawing.palette import Color
from hitl_clic.cockpit.drawing.theme import Brush, Point
from hitl_clic.cockpit.state.state import Chunk, CockpitState

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

Trace = Callable[[Chunk, Color], list[Point]]
"""Pixels on the hand's path through a chunk, the hand first; the colour is for anything else that it draws."""


def longer(state: CockpitState) -> int:
    """How many steps long each of the human's actions is drawn."""
    return DIRECTION_STEPS if len(state.human_chunk or ()) == 1 else 1


def chunks(brush: Brush, state: CockpitState, trace: Trace, halo: bool = False) -> Point | None:
    """Draw the robot's chunk and the human's. Returns the end of the human's; None if it cannot be seen."""
    robot, human = state.robot_chunk, state.human_chunk
    if robot is not None and state.step_in_chunk < len(robot):
        rest, runs = robot[state.step_in_chunk :], max(0, state.execute - state.step_in_chunk)
        _chunk(brush, trace(rest, palette.ROBOT_INK), palette.ROBOT_INK, runs, halo)
    points = trace(human * longer(state), palette.HUMAN_INK) if human else []
    if human is None or len(points) < 2:
        return None
    if len(human) > 1:
        _chunk(brush, points, palette.HUMAN_INK, max(state.execute, 1), halo)
    else:
        if halo:
            _arrow(brush, points[0], points[-1], brush.px(_HALO), palette.BOARD)
        _arrow(brush, points[0], points[-1], 0, palette.HUMAN_INK)
    return points[-1]


def _chunk(brush: Brush, points: Sequence[Point], color: Color, runs: int, halo: bool = False) -> None:
    """Draw a chunk through `points`, the hand first: dots for the first `runs` steps, rings for the rest."""
    radius = brush.px(_SMALL_DOT if halo else _DOT)
    if halo:
        edge = brush.px(_HALO)
        brush.path(points, brush.px(_LINE) + 2 * edge, palette.BOARD)
        for point in points[1:]:
            brush.disc(point, radius + edge, palette.BOARD)
    brush.path(points, brush.px(_LINE), color)
    for index, point in enumerate(points[1:]):
        brush.disc(point, radius, color)
        if index >= runs:
            brush.disc(point, radius - brush.px(2), palette.BOARD)


def _arrow(brush: Brush, start: Point, end: Point, edge: float, color: Color) -> None:
    length = math.dist(start, end)
    if length < 1.0:
        return
    ux, uy = (end[0] - start[0]) / length, (end[1] - start[1]) / length
    head = brush.px(16)
    neck = (end[0] - ux * (head + edge), end[1] - uy * (head + edge))
    tip = (end[0] + 2 * ux * edge, end[1] + 2 * uy * edge)
    if length > head:
        brush.line(start, (neck[0] + ux, neck[1] + uy), brush.px(_ARROW) + 2 * edge, color)
    half = head * 0.55 + 2 * edge
    corners = [tip, (neck[0] - uy * half, neck[1] + ux * half), (neck[0] + uy * half, neck[1] - ux * half)]
    brush.polygon(corners, color)


def magnification(true_step: float, scale: float) -> int:
    """The factor by which chunks are drawn longer, so that their dots do not merge.

    `true_step`: length of a step at full speed, pixels. `scale`: pixels per design pixel.
    """
    return max(1, math.ceil(MIN_STEP * scale / max(true_step, 1e-3)))


def clipped(pixel: float) -> float:
    """The coordinate within the range that SDL can draw."""
    return max(-_MAX_PIXEL, min(_MAX_PIXEL, pixel))
