"""Pages that cover a part of the window: keys (over the dark half), the summary, and plain notices.

Pure drawing; called by `draw.WindowPainter` in whichever thread or process draws. The help page never hides the scene:
the robot moves on while a person reads.
"""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from hitl_clic.cockpit.drawing import palette, panels
from hitl_clic.cockpit.drawing.layout import Layout
from hitl_clic.cockpit.drawing.theme import Brush
from hitl_clic.cockpit.state import status_text
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.cockpit.window import keymap

_FIRST_KEYS = 3
"""Rows of the device's key map that the welcome shows: those that steer come first."""


def help_page(
    on: pygame.Surface, brush: Brush, layout: Layout, device: Sequence[keymap.Row], window: Sequence[keymap.Row]
) -> None:
    """Every key: the device's, then the window's, each from the table by which it is obeyed."""
    pygame.draw.rect(on, palette.PANEL, layout.panel)
    px = brush.px
    top, bottom = layout.learning.y, layout.keys.bottom
    rect = pygame.Rect(layout.learning.x, top, layout.learning.width, bottom - top)
    room = panels.card(on, brush, rect, "KEYS")
    groups = [rows for rows in (device, window) if rows]
    step = round(min(px(42), (room.height - px(28)) / sum(map(len, groups))))
    column = max(brush.width(label, "small") for rows in groups for label, _ in rows) + px(12) + px(16)
    y = room.y + px(8)
    for index, rows in enumerate(groups):
        if index:
            pygame.draw.line(on, palette.CARD_LINE, (room.x, y + px(4)), (room.right, y + px(4)))
            y += px(14)
        for label, sentence in rows:
            panels.key_cap(on, brush, (room.x, y), label, step - px(2))
            beside = y + (min(step - px(2), brush.height("small") + px(6)) - brush.height("small")) / 2
            brush.text(on, sentence, (room.x + column, beside), "small", palette.TEXT, room=room.width - column)
            y += step


def welcome(
    on: pygame.Surface,
    brush: Brush,
    layout: Layout,
    hint: str,
    device: Sequence[keymap.Row],
    window: keymap.Keymap,
) -> None:
    """How teaching goes, in half a minute; over the dark half, so that the robot can be watched meanwhile."""
    pygame.draw.rect(on, palette.PANEL, layout.panel)
    px = brush.px
    rect = pygame.Rect(layout.learning.x, layout.learning.y, layout.learning.width, 0)
    rect.height = layout.keys.bottom - rect.y
    room = panels.card(on, brush, rect, "HOW IT WORKS")
    pause, undo, stop, keys = (window.label(action) for action in ("pause", "discard", "stop", "help"))
    steps = (
        (palette.ROBOT, "Watch", "The robot drives. The blue dots are what it plans: full ones it will do now."),
        (
            palette.HUMAN,
            "Correct",
            f"When it errs, {hint or 'take over'}: orange is you. Then let it go on. Short and often is best.",
        ),
        (
            palette.GOOD,
            "See it learn",
            "It learns while it moves. A full green bar: it would now do what you last showed.",
        ),
        (
            palette.TEXT_SOFT,
            "Go easy",
            f"{undo} takes your last correction back, {pause} pauses, {stop} stops everything, {keys} shows all keys.",
        ),
    )
    y = float(room.y + px(12))
    for number, (color, title, sentence) in enumerate(steps, 1):
        brush.disc(on, (room.x + px(14), y + px(14)), px(14), color)
        middle = (room.x + px(14), y + px(14) - brush.height("body") / 2)
        brush.text(on, str(number), middle, "body", palette.BADGE_INK, True, "centre")
        left = room.x + px(44)
        brush.text(on, title, (left, y), "big", palette.TEXT, True)
        y += brush.height("big") + px(4)
        for row in brush.wrapped(sentence, "body", room.right - left, 4):
            brush.text(on, row, (left, y), "body", palette.TEXT_SOFT)
            y += brush.height("body") + px(2)
        if title == "Correct":
            y = _first_keys(on, brush, (left, y + px(6)), room.right, device[:_FIRST_KEYS])
        y += px(22)
    last = (room.x, room.bottom - brush.height("body"))
    brush.text(on, "Any key or a click begins.", last, "body", palette.TEXT, True)


def _first_keys(
    on: pygame.Surface, brush: Brush, at: tuple[float, float], right: float, rows: Sequence[keymap.Row]
) -> float:
    """The keys that one begins with, from `at` down to the height that is returned."""
    left, y = at
    column = max((brush.width(label, "small") for label, _ in rows), default=0) + brush.px(28)
    for label, sentence in rows:
        panels.key_cap(on, brush, (left, y), label)
        brush.text(on, sentence, (left + column, y + brush.px(3)), "small", palette.TEXT, room=right - left - column)
        y += brush.height("small") + brush.px(12)
    return y


def summary(on: pygame.Surface, brush: Brush, layout: Layout, state: CockpitState) -> None:
    """What the session came to; shown when `state.end` is set."""
    if state.end is None:
        return
    px = brush.px
    on.fill(palette.PANEL)
    width = min(on.get_width() - 2 * px(24), px(1000))
    x = (on.get_width() - width) // 2
    y = px(36)
    brush.text(on, f"SESSION OVER · {state.task}", (x, y), "small", palette.TEXT_SOFT, True)
    y += brush.height("small") + px(6)
    reached = sum(mark.success for mark in state.history)
    total = len(state.history)
    headline = f"{reached} of {total} episodes reached the goal" if total else "No episode was finished"
    brush.text(on, headline, (x, y), "big", palette.TEXT, True)
    y += brush.height("big") + px(6)
    trend = status_text.trend(state)
    if trend:
        brush.text(on, trend, (x, y), "body", palette.HUMAN)
        y += brush.height("body")
    y += px(18)

    facts = (
        ("Corrections", f"{state.pairs_learned} of {state.pairs_made} learned"),
        ("Policy", f"v{state.weight_version} after {state.end.updates} updates"),
        ("Time", status_text.age(state.end.wall_s)),
        ("Loop lateness", f"p99 {state.lateness_p99_ms:.1f}, worst {state.lateness_worst_ms:.1f} ms"),
    )
    box = (width - 3 * px(12)) // 4
    height = brush.height("small") + brush.height("body") + px(30)
    for index, (name, fact) in enumerate(facts):
        rect = pygame.Rect(x + index * (box + px(12)), y, box, height)
        room = panels.card(on, brush, rect, name.upper())
        brush.text(on, fact, room.topleft, "body", palette.TEXT, room=room.width)
    y += height + px(12)
    bottom = on.get_height() - px(64)
    panels.curve(on, brush, pygame.Rect(x, y, width, bottom - y), state.history)
    foot = bottom + px(20)
    used = panels.key_cap(on, brush, (x, foot), state.keymap.label("quit")) + px(8)
    used += brush.text(on, "close", (x + used, foot + px(3)), "small", palette.TEXT_SOFT) + px(24)
    saved = f"saved to {state.end.saved_to}"
    brush.text(on, saved, (x + width, foot + px(3)), "small", palette.TEXT_SOFT, align="right", room=width - used)


def notice(on: pygame.Surface, brush: Brush, area: pygame.Rect, title: str, sentence: str) -> None:
    """A card in the middle of an area: a title in the colour of "look here", and a sentence."""
    px = brush.px
    width = min(area.width - 2 * px(24), px(520))
    rows = brush.wrapped(sentence, "body", width - 2 * px(24), 3)
    height = px(20) * 2 + brush.height("big") + px(6) + len(rows) * brush.height("body")
    rect = pygame.Rect(0, 0, width, height)
    rect.center = area.center
    brush.box(on, rect, palette.CARD, px(12), alpha=240)
    y = rect.y + px(20)
    brush.text(on, title, (rect.centerx, y), "big", palette.HUMAN, True, "centre", room=width - px(32))
    y += brush.height("big") + px(6)
    for row in rows:
        brush.text(on, row, (rect.centerx, y), "body", palette.TEXT, align="centre")
        y += brush.height("body")
