"""The timing card: the time of each part of a tick. Pure drawing."""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from hitl_clic.cockpit.drawing import palette
from hitl_clic.cockpit.drawing.theme import Brush

Sections = Sequence[tuple[str, float, float]]
"""(name, p50, p99) in ms of each part."""


def draw(brush: Brush, rect: pygame.Rect, sections: Sections) -> None:
    """Draw one row per part: name, p50 and p99 as numbers, p99 as a bar."""
    room = brush.card(rect, "TIME PER TICK, BY PART")
    if not sections:
        brush.text("No tick has ended yet", room.topleft, "body", palette.TEXT_SOFT)
        return
    px = brush.px
    row = min(brush.height("small") + px(8), room.height // (len(sections) + 1))
    longest = max(p99 for _, _, p99 in sections) or 1.0
    middle, high, bars = room.x + px(150), room.x + px(220), room.x + px(240)
    for x, title in ((middle, "p50 ms"), (high, "p99 ms")):
        brush.text(title, (x, room.y), "small", palette.TEXT_SOFT, align="right")
    for number, (name, p50, p99) in enumerate(sections, 1):
        y = room.y + number * row
        brush.text(name, (room.x, y), "small", palette.TEXT)
        for x, figure in ((middle, p50), (high, p99)):
            brush.text(f"{figure:.2f}", (x, y), "small", palette.TEXT, align="right")
        width = max(px(2), round((room.right - bars) * p99 / longest))
        bar = pygame.Rect(bars, y + px(3), width, max(px(4), brush.height("small") - px(6)))
        brush.box(bar, palette.ROBOT, px(2))
