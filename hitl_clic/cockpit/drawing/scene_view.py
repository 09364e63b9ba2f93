"""The light half: the scene with both chunks in it, who drives, and the last message.

Pure drawing of a `CockpitState`; called by `draw.WindowPainter`.
"""

from __future__ import annotations

import pygame

from hitl_clic.cockpit.drawing import chunk_overlay, palette
from hitl_clic.cockpit.drawing.camera_view import CameraView
from hitl_clic.cockpit.drawing.layout import Layout
from hitl_clic.cockpit.drawing.palette import Color
from hitl_clic.cockpit.drawing.theme import Brush, Point
from hitl_clic.cockpit.state import status_text
from hitl_clic.cockpit.state.state import Chunk, CockpitState
from hitl_clic.render import scene_colors
from hitl_clic.render.render_thread import Rendering
from hitl_clic.types.records import GateState

_MAX_RADIUS = 1e3
"""Largest radius of a disc, pixels."""


def background(brush: Brush, layout: Layout, gate: GateState) -> pygame.Surface:
    """The background of the light half in this gate state, of the size of `layout.left`."""
    brush = brush.onto(pygame.Surface(layout.left.size, 0, 32))
    brush.on.fill(palette.GROUND)
    brush.box(layout.board.inflate(brush.px(8), brush.px(8)), palette.BADGE[gate], brush.px(10))
    brush.box(layout.board, palette.BOARD, brush.px(7))
    return brush.on


def draw(
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
    brush.on.blit(below, layout.left)
    _badge(brush, layout, state)
    brush.on.set_clip(layout.board)
    if cameras is None:
        step = state.scene.step * layout.board.width / state.scene.size[0]
        magnification = chunk_overlay.magnification(step, layout.scale)
        _shapes(brush, layout, state)
        _chunks(brush, layout, state, step * magnification)
    else:
        view, rendering = cameras
        magnification = view.draw(brush, layout.board, state, rendering)
    if note:
        _note(brush, layout, note)
    brush.on.set_clip(None)
    _footer(brush, layout, state, magnification)


def _badge(brush: Brush, layout: Layout, state: CockpitState) -> None:
    px, text = brush.px, status_text.badge(state)
    width = brush.width(text, "big", True) + 2 * px(22)
    rect = pygame.Rect(px(24), px(20), width, px(46))
    brush.box(rect, palette.BADGE[state.gate], rect.height / 2)
    middle = rect.centery - brush.height("big") / 2
    brush.text(text, (rect.centerx, middle), "big", palette.BADGE_INK, True, "centre")
    x = rect.right + px(14)
    top = rect.centery - brush.height("body") / 2
    room = layout.left.right - px(24) - x
    if state.device_note:
        brush.text(state.device_note, (x, rect.centery + px(3)), "small", palette.INK, room=room)
        top = rect.centery - brush.height("body")
    name = brush.width(state.task, "body", True)
    note = status_text.beside_badge(state)
    brush.text(note, (x, top), "body", palette.INK_SOFT, room=room - name - px(16))
    brush.text(state.task, (layout.left.right - px(24), top), "body", palette.INK, True, "right")


def _shapes(brush: Brush, layout: Layout, state: CockpitState) -> None:
    zoom = layout.board.width / state.scene.size[0]
    for shape in state.scene.shapes:
        color = scene_colors.of_role(shape.role)
        points = [_at(layout, state, point) for point in shape.points]
        if len(points) == 1 and shape.radius > 0:
            brush.disc(points[0], min(shape.radius * zoom, _MAX_RADIUS), color)
        elif len(points) == 2:
            brush.line(points[0], points[1], max(brush.px(4), 2 * shape.radius * zoom), color)
        elif len(points) > 2:
            brush.polygon(points, color)


def _chunks(brush: Brush, layout: Layout, state: CockpitState, unit: float) -> None:
    """`unit`: pixels per action unit and step, as drawn."""

    def trace(chunk: Chunk, _: Color) -> list[Point]:
        x, y = _at(layout, state, state.scene.hand)
        points = [(x, y)]
        for dx, dy, *_rest in chunk:
            x, y = chunk_overlay.clipped(x + dx * unit), chunk_overlay.clipped(y + dy * unit)
            points.append((x, y))
        return points

    end = chunk_overlay.chunks(brush, state, trace)
    if end is not None and state.desired_radius:
        radius = min(state.desired_radius * chunk_overlay.longer(state) * unit, layout.board.width)
        brush.ring(end, radius, brush.px(2), palette.HUMAN, 150)


def _note(brush: Brush, layout: Layout, note: str) -> None:
    """Draw a sentence along the board's lower edge."""
    px, board = brush.px, layout.board
    rows = brush.wrapped(note, "small", board.width - 2 * px(12), 3)
    height = len(rows) * brush.height("small") + 2 * px(6)
    strip = pygame.Rect(board.x, board.bottom - height, board.width, height)
    brush.box(strip, palette.CARD, px(7), alpha=225)
    brush.rows(rows, (strip.x + px(12), strip.y + px(6)), "small", palette.TEXT)


def _footer(brush: Brush, layout: Layout, state: CockpitState, magnification: int) -> None:
    px = brush.px
    x, right = px(24), layout.left.right - px(24)
    top = layout.left.bottom - px(16) - brush.height("small")
    width = brush.text(status_text.progress(state), (right, top), "small", palette.INK_SOFT, align="right")
    above = top - brush.height("body") - px(4)
    level = above + (brush.height("body") - brush.height("small")) / 2
    episode = brush.text(status_text.episode(state), (right, level), "small", palette.INK_SOFT, align="right")
    brush.text(state.message, (x, above), "body", palette.INK, room=right - episode - px(16) - x)
    middle = top + brush.height("small") / 2
    plans = ("robot's plan", palette.ROBOT_INK, state.robot_chunk), ("you", palette.HUMAN_INK, state.human_chunk)
    for label, color, chunk in plans:
        if chunk:
            brush.line((x, middle), (x + px(16), middle), px(3), color)
            x += px(22)
            x += brush.text(label, (x, top), "small", color, True) + px(14)
    if state.robot_chunk and x + px(200) < right - width:
        for label, hollow in (("runs now", False), ("may change", True)):
            brush.disc((x + px(5), middle), px(5), palette.INK_SOFT)
            if hollow:
                brush.disc((x + px(5), middle), px(5) - px(2), palette.GROUND)
            x += px(15)
            x += brush.text(label, (x, top), "small", palette.INK_SOFT) + px(12)
        if magnification > 1:
            longer = f"plans drawn {magnification}× longer"
            brush.text(longer, (x, top), "small", palette.INK_SOFT, room=right - width - x)


def _at(layout: Layout, state: CockpitState, point: Point) -> Point:
    """Scene units to pixels."""
    width, height = state.scene.size
    x = layout.board.x + point[0] / width * layout.board.width
    y = layout.board.y + point[1] / height * layout.board.height
    return chunk_overlay.clipped(x), chunk_overlay.clipped(y)
