"""The light half: the scene with both chunks in it, who drives, and the last message.

Pure drawing of a `CockpitState`; called by `draw.WindowPainter`.
"""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from hitl_clic.cockpit.drawing import chunk_overlay, palette
from hitl_clic.cockpit.drawing.camera_view import CameraView
from hitl_clic.cockpit.drawing.layout import Layout
from hitl_clic.cockpit.drawing.palette import Color
from hitl_clic.cockpit.drawing.theme import Brush, Point
from hitl_clic.cockpit.state import status_text
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.render import scene_colors
from hitl_clic.render.render_thread import Rendering
from hitl_clic.types.records import GateState

_MAX_RADIUS = 1e3
"""Largest radius of a disc, pixels."""


def background(brush: Brush, layout: Layout, gate: GateState) -> pygame.Surface:
    """The background of the light half in this gate state, of the size of `layout.left`."""
    surface = pygame.Surface(layout.left.size, 0, 32)
    surface.fill(palette.GROUND)
    edge = layout.board.inflate(brush.px(8), brush.px(8))
    brush.box(surface, edge, palette.BADGE[gate], brush.px(10))
    brush.box(surface, layout.board, palette.BOARD, brush.px(7))
    return surface


def draw(
    on: pygame.Surface,
    brush: Brush,
    layout: Layout,
    state: CockpitState,
    below: pygame.Surface,
    cameras: tuple[CameraView, Rendering] | None = None,
    note: str = "",
) -> None:
    """Draw the light half on `below`, the `background` of this layout and gate state.

    `cameras` replaces the flat scene by camera images. `note`: a sentence on the board, empty for none.
    """
    on.blit(below, layout.left)
    _badge(on, brush, layout, state)
    on.set_clip(layout.board)
    if cameras is None:
        _shapes(on, brush, layout, state)
        _chunks(on, brush, layout, state)
        magnification = _magnification(layout, state)
    else:
        view, rendering = cameras
        magnification = view.draw(on, brush, layout.board, state, rendering)
    if note:
        _note(on, brush, layout, note)
    on.set_clip(None)
    _footer(on, brush, layout, state, magnification)


def _badge(on: pygame.Surface, brush: Brush, layout: Layout, state: CockpitState) -> None:
    px, text = brush.px, status_text.badge(state)
    width = brush.width(text, "big", True) + 2 * px(22)
    rect = pygame.Rect(px(24), px(20), width, px(46))
    brush.box(on, rect, palette.BADGE[state.gate], rect.height / 2)
    middle = rect.centery - brush.height("big") / 2
    brush.text(on, text, (rect.centerx, middle), "big", palette.BADGE_INK, True, "centre")
    x = rect.right + px(14)
    top = rect.centery - brush.height("body") / 2
    room = layout.left.right - px(24) - x
    if state.device_note:
        brush.text(on, state.device_note, (x, rect.centery + px(3)), "small", palette.INK, room=room)
        top = rect.centery - brush.height("body")
    name = brush.width(state.task, "body", True)
    note = status_text.beside_badge(state)
    brush.text(on, note, (x, top), "body", palette.INK_SOFT, room=room - name - px(16))
    brush.text(on, state.task, (layout.left.right - px(24), top), "body", palette.INK, True, "right")


def _shapes(on: pygame.Surface, brush: Brush, layout: Layout, state: CockpitState) -> None:
    zoom = layout.board.width / state.scene.size[0]
    for shape in state.scene.shapes:
        color = scene_colors.of_role(shape.role)
        points = [_at(layout, state, point) for point in shape.points]
        if len(points) == 1 and shape.radius > 0:
            brush.disc(on, points[0], min(shape.radius * zoom, _MAX_RADIUS), color)
        elif len(points) == 2:
            brush.line(on, points[0], points[1], max(brush.px(4), 2 * shape.radius * zoom), color)
        elif len(points) > 2:
            brush.polygon(on, points, color)


def _chunks(on: pygame.Surface, brush: Brush, layout: Layout, state: CockpitState) -> None:
    chunk = state.robot_chunk
    if chunk is not None and state.step_in_chunk < len(chunk):
        rest = chunk[state.step_in_chunk :]
        chunk_overlay.chunk(
            on, brush, _points(layout, state, rest), palette.ROBOT_INK, max(0, state.execute - state.step_in_chunk)
        )
    human = state.human_chunk
    if not human:
        return
    longer = chunk_overlay.DIRECTION_STEPS if len(human) == 1 else 1
    if len(human) == 1:
        points = _points(layout, state, human * longer)
        chunk_overlay.arrow(on, brush, points[0], points[-1], palette.HUMAN_INK)
    else:
        points = _points(layout, state, human)
        chunk_overlay.chunk(on, brush, points, palette.HUMAN_INK, max(state.execute, 1))
    if state.desired_radius:
        radius = min(state.desired_radius * longer * _unit(layout, state), layout.board.width)
        brush.ring(on, points[-1], radius, brush.px(2), palette.HUMAN, 150)


def _note(on: pygame.Surface, brush: Brush, layout: Layout, note: str) -> None:
    """Draw a sentence along the board's lower edge."""
    px, board = brush.px, layout.board
    rows = brush.wrapped(note, "small", board.width - 2 * px(12), 3)
    height = len(rows) * brush.height("small") + 2 * px(6)
    strip = pygame.Rect(board.x, board.bottom - height, board.width, height)
    brush.box(on, strip, palette.CARD, px(7), alpha=225)
    for index, row in enumerate(rows):
        brush.text(on, row, (strip.x + px(12), strip.y + px(6) + index * brush.height("small")), "small", palette.TEXT)


def _footer(on: pygame.Surface, brush: Brush, layout: Layout, state: CockpitState, magnification: int) -> None:
    px = brush.px
    x, right = px(24), layout.left.right - px(24)
    top = layout.left.bottom - px(16) - brush.height("small")
    width = brush.text(on, status_text.progress(state), (right, top), "small", palette.INK_SOFT, align="right")
    above = top - brush.height("body") - px(4)
    level = above + (brush.height("body") - brush.height("small")) / 2
    episode = brush.text(on, status_text.episode(state), (right, level), "small", palette.INK_SOFT, align="right")
    brush.text(on, state.message, (x, above), "body", palette.INK, room=right - episode - px(16) - x)
    middle = top + brush.height("small") / 2
    legend: list[tuple[str, Color]] = []
    if state.robot_chunk:
        legend.append(("robot's plan", palette.ROBOT_INK))
    if state.human_chunk:
        legend.append(("you", palette.HUMAN_INK))
    for label, color in legend:
        brush.line(on, (x, middle), (x + px(16), middle), px(3), color)
        x += px(22)
        x += brush.text(on, label, (x, top), "small", color, True) + px(14)
    if state.robot_chunk and x + px(200) < right - width:
        for label, hollow in (("runs now", False), ("may change", True)):
            brush.disc(on, (x + px(5), middle), px(5), palette.INK_SOFT)
            if hollow:
                brush.disc(on, (x + px(5), middle), px(5) - px(2), palette.GROUND)
            x += px(15)
            x += brush.text(on, label, (x, top), "small", palette.INK_SOFT) + px(12)
        if magnification > 1:
            brush.text(
                on, f"plans drawn {magnification}× longer", (x, top), "small", palette.INK_SOFT, room=right - width - x
            )


def _magnification(layout: Layout, state: CockpitState) -> int:
    return chunk_overlay.magnification(state.scene.step * layout.board.width / state.scene.size[0], layout.scale)


def _unit(layout: Layout, state: CockpitState) -> float:
    """Pixels per action unit and step, magnified."""
    return state.scene.step * layout.board.width / state.scene.size[0] * _magnification(layout, state)


def _points(layout: Layout, state: CockpitState, chunk: Sequence[Sequence[float]]) -> list[Point]:
    """Pixels on the hand's path through a chunk of displacements, the hand first."""
    x, y = _at(layout, state, state.scene.hand)
    unit = _unit(layout, state)
    points = [(x, y)]
    for dx, dy, *_ in chunk:
        x, y = chunk_overlay.clipped(x + dx * unit), chunk_overlay.clipped(y + dy * unit)
        points.append((x, y))
    return points


def _at(layout: Layout, state: CockpitState, point: Point) -> Point:
    """Scene units to pixels."""
    width, height = state.scene.size
    x = layout.board.x + point[0] / width * layout.board.width
    y = layout.board.y + point[1] / height * layout.board.height
    return chunk_overlay.clipped(x), chunk_overlay.clipped(y)
