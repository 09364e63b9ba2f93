"""The key map: every key of device and window. Pure drawing.

It lies on the dark half, because the robot moves while the teacher reads. Rows that have no room there lie over the
scene, below the badge that says who drives. No row is shortened: long ones have several lines.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import pygame

from hitl_clic.cockpit.drawing import palette
from hitl_clic.cockpit.drawing.layout import MARGIN, Layout
from hitl_clic.cockpit.drawing.theme import Brush
from hitl_clic.cockpit.window import keymap

_LINES = 4
"""Most lines of a label or a sentence."""
_LABEL_SHARES = (0.45, 0.55, 0.65)
"""Largest shares of the width for what to press; that with the fewest lines is used."""
_MOST_SPACE = 16
"""Largest distance between rows, design pixels."""

Rows = tuple[keymap.Row, ...]


class Columns(NamedTuple):
    """Groups of rows over the scene and on the dark half; groups are separated by a line."""

    scene: tuple[Rows, ...]
    dark: tuple[Rows, ...]


def scene_rect(brush: Brush, layout: Layout) -> pygame.Rect:
    """The part of the light half that rows may cover."""
    margin, top = brush.px(MARGIN), layout.board.y - brush.px(4)  # covers the board's frame
    return pygame.Rect(margin, top, layout.left.width - 2 * margin, layout.keys.bottom - top)


def columns(brush: Brush, scene: pygame.Rect, dark: pygame.Rect, device: Rows, window: Rows) -> Columns:
    """Where the rows lie: all on the dark half, or the device's first ones over the scene.

    Args:
        scene, dark: the cards' rectangles, pixels. device, window: (what to press, what it does).
    """
    both = tuple(rows for rows in (device, window) if rows)
    if _height(brush, dark, both) <= _room(brush, dark).height:
        return Columns((), both)
    count = len(device)
    while count and _height(brush, scene, (device[:count],)) > _room(brush, scene).height:
        count -= 1
    first, rest = device[:count], device[count:]
    return Columns((first,) if first else (), tuple(rows for rows in (rest, window) if rows))


def draw(brush: Brush, rect: pygame.Rect, groups: Sequence[Rows]) -> None:
    """Draw a card with these rows."""
    px = brush.px
    brush.card(rect, "KEYS")
    room = _room(brush, rect)
    rows = sum(map(len, groups))
    left = room.height - _height(brush, rect, groups)
    space = max(0, min(px(_MOST_SPACE), left // max(1, rows)))
    y, line = room.y, brush.height("small")
    for index, group in enumerate(groups):
        column = _label_width(brush, room, group)
        if index:
            pygame.draw.line(brush.on, palette.CARD_LINE, (room.x, y + px(3)), (room.right, y + px(3)))
            y += px(8)
        for row in group:
            label, sentence = _lines(brush, room, column, row)
            width = max(brush.width(part, "small") for part in label) + px(12)
            pad = min(px(4), space) // 2
            cap = pygame.Rect(room.x, y - pad, width, len(label) * line + 2 * pad)
            brush.box(cap, palette.CARD_LINE, px(5))
            brush.rows(label, (cap.x + px(6), y), "small", palette.TEXT)
            brush.rows(sentence, (room.x + column, y), "small", palette.TEXT)
            y += _row_height(brush, label, sentence) + space


def _room(brush: Brush, rect: pygame.Rect) -> pygame.Rect:
    """The part of a card below its title."""
    px = brush.px
    top = rect.y + px(12) + brush.height("small") + px(8)
    return pygame.Rect(rect.x + px(16), top, rect.width - 2 * px(16), rect.bottom - px(8) - top)


def _label_width(brush: Brush, room: pygame.Rect, rows: Rows) -> int:
    """Width of a group's column of what to press, with the distance to the sentences."""
    longest = max(brush.width(label, "small") for label, _ in rows) + brush.px(12 + 12)
    widths = [min(longest, round(room.width * share)) for share in _LABEL_SHARES]
    return min(widths, key=lambda width: _rows_height(brush, room, width, rows))


def _lines(brush: Brush, room: pygame.Rect, column: int, row: keymap.Row) -> tuple[list[str], list[str]]:
    label = brush.wrapped(row[0], "small", column - brush.px(12 + 12), _LINES)
    return label or [""], brush.wrapped(row[1], "small", room.width - column, _LINES)


def _row_height(brush: Brush, label: Sequence[str], sentence: Sequence[str]) -> int:
    return max(len(label), len(sentence)) * brush.height("small") + 1


def _rows_height(brush: Brush, room: pygame.Rect, column: int, rows: Rows) -> int:
    return sum(_row_height(brush, *_lines(brush, room, column, row)) for row in rows)


def _height(brush: Brush, rect: pygame.Rect, groups: Sequence[Rows]) -> int:
    """The least height of these rows, pixels."""
    room = _room(brush, rect)
    heights = [_rows_height(brush, room, _label_width(brush, room, rows), rows) for rows in groups]
    return sum(heights) + max(0, len(groups) - 1) * brush.px(8)
