"""The welcome page, the summary and notices. Pure drawing.

The welcome page covers only the dark half, because the robot moves while the teacher reads.
"""

from __future__ import annotations

from collections.abc import Sequence

import pygame

from hitl_clic.cockpit.drawing import palette, panels
from hitl_clic.cockpit.drawing.theme import Brush, Point
from hitl_clic.cockpit.state import status_text
from hitl_clic.cockpit.state.state import CockpitState, SessionEnd
from hitl_clic.cockpit.window import keymap

_FIRST_KEYS = 3
"""Rows of the device's key map on the welcome page. The first ones are those that steer."""
_STEPS = (
    (palette.ROBOT, "Watch", "The robot drives. Blue dots show its plan. It executes the filled ones now."),
    (palette.HUMAN, "Correct", "When it goes wrong, {hint}. Orange shows your motion. Correct briefly and often."),
    (
        palette.GOOD,
        "See it learn",
        "It learns while it moves. A filled green bar: the policy now follows that correction.",
    ),
    (
        palette.TEXT_SOFT,
        "Stay in control",
        "{discard} discards your last correction. {pause} pauses. {stop} is the emergency stop. {help} shows all keys.",
    ),
)
"""The welcome page: how to teach."""


def welcome(brush: Brush, rect: pygame.Rect, hint: str, device: Sequence[keymap.Row], window: keymap.Keymap) -> None:
    """How to teach, in four steps."""
    px = brush.px
    room = brush.card(rect, "HOW TO TEACH")
    y, left = float(room.y + px(12)), room.x + px(44)
    for number, (color, title, sentence) in enumerate(_STEPS, 1):
        brush.disc((room.x + px(14), y + px(14)), px(14), color)
        middle = (room.x + px(14), y + px(14) - brush.height("body") / 2)
        brush.text(str(number), middle, "body", palette.BADGE_INK, True, "centre")
        brush.text(title, (left, y), "big", palette.TEXT, True)
        y += brush.height("big") + px(4)
        words = sentence.format(hint=hint or "take over", **window.labels())
        y = brush.rows(brush.wrapped(words, "body", room.right - left, 4), (left, y), "body", palette.TEXT_SOFT, px(2))
        if title == "Correct":
            y = _first_keys(brush, (left, y + px(6)), room.right, device[:_FIRST_KEYS])
        y += px(22)
    last = (room.x, room.bottom - brush.height("body"))
    brush.text("Press any key or click to begin.", last, "body", palette.TEXT, True)


def _first_keys(brush: Brush, at: Point, right: float, rows: Sequence[keymap.Row]) -> float:
    """Draw key rows from `at` downwards. Returns the height below them."""
    left, y = at
    column = max((brush.width(label, "small") for label, _ in rows), default=0) + brush.px(28)
    for label, sentence in rows:
        brush.key_cap((left, y), label)
        words = brush.wrapped(sentence, "small", right - left - column, 2)
        brush.rows(words, (left + column, y + brush.px(3)), "small", palette.TEXT)
        y += max(1, len(words)) * brush.height("small") + brush.px(12)
    return y


def summary(brush: Brush, state: CockpitState, end: SessionEnd) -> None:
    """The results of the session."""
    px = brush.px
    brush.on.fill(palette.PANEL)
    whole = brush.on.get_rect()
    width = min(whole.width - 2 * px(24), px(1000))
    x = (whole.width - width) // 2
    y = px(36)
    brush.text(f"SESSION OVER · {state.task}", (x, y), "small", palette.TEXT_SOFT, True)
    y += brush.height("small") + px(6)
    good = f"{sum(mark.success for mark in state.history)} of {len(state.history)} episodes succeeded"
    headline = good if state.history else "No episode was finished"
    brush.text(headline, (x, y), "big", palette.TEXT, True)
    y += brush.height("big") + px(6)
    trend = status_text.trend(state)
    if trend:
        brush.text(trend, (x, y), "body", palette.HUMAN)
        y += brush.height("body")
    y += px(18)

    facts = (
        ("PAIRS", f"{state.pairs_learnt} of {state.pairs_made} learnt"),
        ("POLICY", f"v{state.weight_version} after {end.updates} updates"),
        ("TIME", status_text.age(end.wall_s)),
        ("LOOP LATENESS", f"p99 {state.lateness_p99_ms:.1f}, max {state.lateness_worst_ms:.1f} ms"),
    )
    box = (width - 3 * px(12)) // 4
    height = brush.height("small") + brush.height("body") + px(30)
    for index, (name, fact) in enumerate(facts):
        room = brush.card(pygame.Rect(x + index * (box + px(12)), y, box, height), name)
        brush.text(fact, room.topleft, "body", palette.TEXT, room=room.width)
    y += height + px(12)
    bottom = whole.height - px(64)
    panels.curve(brush, pygame.Rect(x, y, width, bottom - y), state.history)
    foot = bottom + px(20)
    used = brush.key_cap((x, foot), state.keymap.label("quit")) + px(8)
    used += brush.text("close", (x + used, foot + px(3)), "small", palette.TEXT_SOFT) + px(24)
    saved = f"saved to {end.saved_to}"
    brush.text(saved, (x + width, foot + px(3)), "small", palette.TEXT_SOFT, align="right", room=width - used)


def notice(brush: Brush, area: pygame.Rect, title: str, sentence: str) -> None:
    """A card in the middle of an area: a title and a sentence."""
    px = brush.px
    width = min(area.width - 2 * px(24), px(520))
    rows = brush.wrapped(sentence, "body", width - 2 * px(24), 3)
    height = px(20) * 2 + brush.height("big") + px(6) + len(rows) * brush.height("body")
    rect = pygame.Rect(0, 0, width, height)
    rect.center = area.center
    brush.box(rect, palette.CARD, px(12), alpha=240)
    y = rect.y + px(20)
    brush.text(title, (rect.centerx, y), "big", palette.HUMAN, True, "centre", room=width - px(32))
    y += brush.height("big") + px(6)
    brush.rows(rows, (rect.centerx, y), "body", palette.TEXT, align="centre")
