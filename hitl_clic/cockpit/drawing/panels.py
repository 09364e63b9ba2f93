"""The dark half: cards that answer the teacher's questions.

Does it learn what I showed? Do I correct less? Does the machine work? Which key was it?
Pure drawing of a `CockpitState`; called by `draw.WindowPainter`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pygame

from hitl_clic.cockpit.drawing import energy_card, palette, timing_card
from hitl_clic.cockpit.drawing.layout import Layout
from hitl_clic.cockpit.drawing.theme import Brush
from hitl_clic.cockpit.state import status_text
from hitl_clic.cockpit.state.state import CockpitState, Correction, EnergySlice, EpisodeMark

SHOWN_EPISODES = 40
_PAD = 16
_DASH = 5


Middle = Literal["curve", "energy", "details"]
"""What the card in the middle of the dark half shows."""


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the dark half: its place, its content (painted again only when it changes), and how to paint it."""

    rect: pygame.Rect
    content: object
    paint: Callable[[pygame.Surface], None]


def parts(brush: Brush, layout: Layout, state: CockpitState, shown: Middle = "curve") -> list[Part]:
    """The parts of the dark half, from top to bottom."""
    flags = state.corrections[-status_text.SHOWN_CORRECTIONS :]
    lines = (status_text.loop(state), status_text.device(state), status_text.learner(state))
    if shown == "energy":
        middle = Part(layout.curve, state.energy_slice, lambda on: energy(on, brush, layout.curve, state.energy_slice))
    elif shown == "details":
        middle = Part(layout.curve, state.sections, lambda on: timing(on, brush, layout.curve, state.sections))
    else:
        middle = Part(
            layout.curve,
            (state.history, bool(state.practice)),
            lambda on: curve(on, brush, layout.curve, state.history, bool(state.practice)),
        )
    return [
        Part(
            layout.learning,
            (status_text.learned(state), flags, status_text.policy(state)),
            lambda on: learning(on, brush, layout.learning, state),
        ),
        middle,
        Part(layout.machine, lines, lambda on: machine(on, brush, layout.machine, lines)),
        Part(layout.keys, status_text.correction_settings(state), lambda on: keys(on, brush, layout.keys, state)),
    ]


def card(on: pygame.Surface, brush: Brush, rect: pygame.Rect, title: str) -> pygame.Rect:
    """Draw an empty card with its title. Returns the rectangle left inside."""
    brush.box(on, rect, palette.CARD, brush.px(10))
    pad = brush.px(_PAD)
    brush.text(on, title, (rect.x + pad, rect.y + brush.px(12)), "small", palette.TEXT_SOFT, True)
    top = rect.y + brush.px(12) + brush.height("small") + brush.px(6)
    return pygame.Rect(rect.x + pad, top, rect.width - 2 * pad, rect.bottom - brush.px(12) - top)


def learning(on: pygame.Surface, brush: Brush, rect: pygame.Rect, state: CockpitState) -> None:
    """Whether the last corrections are learned."""
    room = card(on, brush, rect, "PRACTICE" if state.practice else "IS IT LEARNING?")
    px = brush.px
    sentence, all_learned = status_text.learned(state)
    color = palette.GOOD if all_learned and state.corrections else palette.TEXT
    brush.text(on, sentence, room.topleft, "big", color, True, room=room.width)
    flags = state.corrections[-status_text.SHOWN_CORRECTIONS :]
    bars = room.y + brush.height("big") + px(10)
    for index in range(0 if state.practice else status_text.SHOWN_CORRECTIONS):
        bar = pygame.Rect(room.x + index * px(60), bars, px(52), px(10))
        _flag(on, brush, bar, flags[index] if index < len(flags) else "none")
    if flags:
        middle = bars + px(5) - brush.height("small") / 2
        x = room.x + status_text.SHOWN_CORRECTIONS * px(60) + px(4)
        brush.text(on, "newest on the right", (x, middle), "small", palette.TEXT_SOFT)
    _flag_legend(on, brush, room.x + px(120), room.right, rect.y + px(12), flags)
    bottom = room.bottom - brush.height("small")
    brush.text(on, status_text.policy(state), (room.x, bottom), "small", palette.TEXT_SOFT, room=room.width)


def _flag(on: pygame.Surface, brush: Brush, bar: pygame.Rect, flag: Correction | Literal["none"]) -> None:
    """Filled: learned or followed. Half: learned, not followed yet. Outlined: waiting. Line: undone. Faint: none."""
    if flag in ("learned", "followed"):
        brush.box(on, bar, palette.GOOD, bar.height / 2)
    elif flag == "unfollowed":
        brush.box(on, bar, palette.GOOD, bar.height / 2, brush.px(2))
        brush.box(on, pygame.Rect(bar.x, bar.y, bar.width // 2, bar.height), palette.GOOD, bar.height / 2)
    elif flag == "queued":
        brush.box(on, bar, palette.TEXT, bar.height / 2, brush.px(2))
    elif flag == "undone":
        brush.line(on, (bar.x, bar.centery), (bar.right, bar.centery), brush.px(2), palette.TEXT_SOFT)
    else:
        brush.box(on, bar, palette.CARD_LINE, bar.height / 2)


def _flag_legend(on: pygame.Surface, brush: Brush, left: int, right: int, top: int, flags: Sequence[str]) -> None:
    """Legend of the flags in use, from the right, as far as there is room beside the title."""
    px = brush.px
    names: tuple[tuple[Correction, str], ...] = (
        ("undone", "undone"),
        ("queued", "waiting"),
        ("unfollowed", "not yet"),
        ("followed", "followed"),
        ("learned", "learned"),
    )
    for flag, label in names:
        if flag in flags and right - px(100) > left:
            right -= brush.text(on, label, (right, top), "small", palette.TEXT_SOFT, align="right") + px(5)
            bar = pygame.Rect(right - px(16), top + brush.height("small") // 2 - px(4), px(16), px(8))
            _flag(on, brush, bar, flag)
            right = bar.x - px(12)


def curve(
    on: pygame.Surface, brush: Brush, rect: pygame.Rect, history: Sequence[EpisodeMark], practice: bool = False
) -> None:
    """Per episode: the share that the teacher drove, the recent success rate, the outcome. In practice: the time."""
    room = card(on, brush, rect, "TIME PER EPISODE" if practice else "DOES IT NEED YOU LESS?")
    px = brush.px
    if history:
        _ending_legend(on, brush, room.right, rect.y + px(12))
    top = room.y
    if history and practice:
        brush.text(on, "Share of the time limit that you used", room.topleft, "body", palette.TEXT, room=room.width)
    elif history:
        for row, color in zip(status_text.recent_episodes(history), (palette.HUMAN, palette.GOOD), strict=True):
            _trend(on, brush, pygame.Rect(room.x, top, room.width, brush.height("body")), row, color)
            top += brush.height("body") + px(3)
    plot = pygame.Rect(room.x + px(44), max(top, room.y + brush.height("body")) + px(13), 0, 0)
    plot.width = room.right - px(6) - plot.x
    plot.height = room.bottom - px(24) - plot.y
    for share, label in ((0.0, "0%"), (0.5, "50%"), (1.0, "100%")):
        y = plot.bottom - share * plot.height
        pygame.draw.line(on, palette.CARD_LINE, (plot.x, y), (plot.right, y))
        label_top = y - brush.height("small") / 2
        brush.text(on, label, (plot.x - px(8), label_top), "small", palette.TEXT_SOFT, align="right")
    if not history:
        middle = (plot.centerx, plot.bottom - plot.height / 4 - brush.height("body") / 2)
        brush.text(on, "No episode finished yet", middle, "body", palette.TEXT_SOFT, align="centre")
        return
    reached = [] if practice else status_text.success_rates(history)[-SHOWN_EPISODES:]
    _curve_marks(on, brush, plot, room.bottom - px(7), history[-SHOWN_EPISODES:], reached)


def _trend(on: pygame.Surface, brush: Brush, row: pygame.Rect, texts: tuple[str, str], color: palette.Color) -> None:
    """One line of the curve's legend: its line style, the present value and the earlier one."""
    px, (now, before) = brush.px, texts
    ends = ((row.x, row.centery), (row.x + px(22), row.centery))
    if color == palette.HUMAN:
        brush.line(on, *ends, px(2.5), color)
        brush.disc(on, (row.x + px(11), row.centery), px(3.5), color)
    else:
        brush.dashes(on, ends, px(2), color, px(_DASH))
    x = row.x + px(32)
    x += brush.text(on, now, (x, row.y), "body", palette.TEXT, room=row.right - x) + px(12)
    top = row.centery - brush.height("small") / 2
    brush.text(on, before, (x, top), "small", palette.TEXT_SOFT, room=max(0, row.right - x))


def energy(on: pygame.Surface, brush: Brush, rect: pygame.Rect, energy_slice: EnergySlice | str) -> None:
    """The policy's energy over the next action."""
    energy_card.draw(on, brush, card(on, brush, rect, "ENERGY OF THE NEXT ACTION"), energy_slice)


def timing(on: pygame.Surface, brush: Brush, rect: pygame.Rect, sections: timing_card.Sections) -> None:
    """The time of each part of a tick."""
    timing_card.draw(on, brush, card(on, brush, rect, "TIME PER TICK, BY PART"), sections)


def _curve_marks(
    on: pygame.Surface,
    brush: Brush,
    plot: pygame.Rect,
    endings: float,
    shown: Sequence[EpisodeMark],
    reached: Sequence[float],
) -> None:
    """The share driven as a line, the recent success rate as a dashed line, the outcomes below."""
    px = brush.px
    inset = px(8)
    step = min(plot.width / 10, (plot.width - 2 * inset) / max(1, len(shown) - 1))
    points = [
        (plot.x + inset + index * step, plot.bottom - mark.feedback * plot.height) for index, mark in enumerate(shown)
    ]
    lately = [(x, plot.bottom - share * plot.height) for (x, _), share in zip(points, reached, strict=False)]
    brush.dashes(on, lately, px(2), palette.GOOD, px(_DASH))
    brush.path(on, points, px(2.5), palette.HUMAN)
    radius = min(px(4.5), step * 0.4) if len(shown) > 1 else px(4.5)
    for point, mark in zip(points, shown, strict=True):
        if len(shown) <= SHOWN_EPISODES // 2:
            brush.disc(on, point, px(3.5), palette.HUMAN)
        if mark.success:
            brush.disc(on, (point[0], endings), radius, palette.GOOD)
        else:
            brush.cross(on, (point[0], endings), radius * 0.85, px(2), palette.BAD)


def _ending_legend(on: pygame.Surface, brush: Brush, right: int, top: int) -> None:
    px, middle = brush.px, top + brush.height("small") / 2
    right -= brush.text(on, "failed", (right, top), "small", palette.TEXT_SOFT, align="right") + px(10)
    brush.cross(on, (right, middle), px(4), px(2), palette.BAD)
    right -= px(18)
    right -= brush.text(on, "reached", (right, top), "small", palette.TEXT_SOFT, align="right") + px(10)
    brush.disc(on, (right, middle), px(4.5), palette.GOOD)


def machine(on: pygame.Surface, brush: Brush, rect: pygame.Rect, lines: Sequence[status_text.Line]) -> None:
    """One line each for loop, device and learner. A triangle marks what needs attention."""
    room = card(on, brush, rect, "MACHINE")
    px = brush.px
    row = room.height / 3
    for index, line in enumerate(lines):
        middle = room.y + row * (index + 0.5)
        top, small_top = middle - brush.height("body") / 2, middle - brush.height("small") / 2
        if line.level == "ok":
            brush.disc(on, (room.x + px(6), middle), px(4.5), palette.GOOD)
        elif line.level == "wait":
            brush.ring(on, (room.x + px(6), middle), px(4.5), px(2), palette.TEXT_SOFT)
        else:
            brush.warning(on, (room.x + px(6), middle), px(6), palette.HUMAN)
        brush.text(on, line.subject, (room.x + px(22), top), "body", palette.TEXT_SOFT)
        x = room.x + px(90)
        color = palette.HUMAN if line.level == "attention" else palette.TEXT
        x += brush.text(on, line.word, (x, top), "body", color, room=room.right - x) + px(10)
        brush.text(on, line.figures, (x, small_top), "small", palette.TEXT_SOFT, room=room.right - x)


def keys(on: pygame.Surface, brush: Brush, rect: pygame.Rect, state: CockpitState) -> None:
    """The keys that a teacher needs, in three rows. The first shows how corrections are read now."""
    rows = state.key_rows or status_text.key_rows(state)
    px = brush.px
    height = brush.height("small") + px(6)
    for index, row in enumerate(rows):
        widths = [brush.width(label, "small") + px(12) + px(6) + brush.width(word, "small") for label, word in row]
        gap = max(px(6), min(px(20), (rect.width - sum(widths)) / max(1, len(row) - 1)))
        x = float(rect.x)
        y = rect.y + index * (height + px(8))
        for (label, word), width in zip(row, widths, strict=True):
            key_cap(on, brush, (x, y), label)
            after = x + brush.width(label, "small") + px(12) + px(6)
            brush.text(on, word, (after, y + px(3)), "small", palette.TEXT if index == 0 else palette.TEXT_SOFT)
            x += width + gap


def key_cap(on: pygame.Surface, brush: Brush, at: tuple[float, float], label: str, highest: int | None = None) -> int:
    """Draw a key as on a keyboard, at most `highest` pixels high. Returns its width."""
    px = brush.px
    width, height = brush.width(label, "small") + px(12), brush.height("small") + px(6)
    cap = pygame.Rect(round(at[0]), round(at[1]), width, height if highest is None else min(height, highest))
    brush.box(on, cap, palette.CARD_LINE, px(5))
    brush.text(on, label, (cap.x + px(6), cap.centery - brush.height("small") / 2), "small", palette.TEXT)
    return width
