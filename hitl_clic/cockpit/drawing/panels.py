"""The dark half: cards that answer the teacher's questions.

Does it learn what I showed? Do I correct less? Does the machine work? Which key was it?
Pure drawing of a `CockpitState`; called by `draw.WindowPainter`.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Literal

import pygame

from hitl_clic.cockpit.drawing import energy_card, palette
from hitl_clic.cockpit.drawing.layout import Layout
from hitl_clic.cockpit.drawing.theme import Brush
from hitl_clic.cockpit.state import status_text
from hitl_clic.cockpit.state.state import CockpitState, Correction, EpisodeMark
from hitl_clic.cockpit.window import keymap

SHOWN_EPISODES = 40
_DASH = 5


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the dark half: its place, its content (painted again only when it changes), and how to paint it."""

    rect: pygame.Rect
    content: object
    paint: Callable[[Brush, pygame.Rect], None]


def parts(
    layout: Layout, state: CockpitState, page: Literal["session", "energy", "details"], pictures: str
) -> list[Part]:
    """The parts of the dark half, from top to bottom. `pictures`: see `timing`."""
    learnt = status_text.learnt(state), status_text.newest(state), status_text.policy(state)
    lines = status_text.machine(state)
    rows = state.key_rows or status_text.key_rows(state)
    history = state.history, bool(state.practice)
    times = state.sections, pictures
    middle: dict[str, tuple[object, Callable[[Brush, pygame.Rect], None]]] = {
        "energy": (state.energy_slice, lambda brush, rect: energy_card.draw(brush, rect, state.energy_slice)),
        "details": (times, lambda brush, rect: timing(brush, rect, *times)),
        "session": (history, lambda brush, rect: curve(brush, rect, *history)),
    }
    return [
        Part(layout.learning, learnt, lambda brush, rect: learning(brush, rect, state)),
        Part(layout.curve, *middle[page]),
        Part(layout.machine, lines, lambda brush, rect: machine(brush, rect, lines)),
        Part(layout.keys, rows, lambda brush, rect: keys(brush, rect, rows)),
    ]


def learning(brush: Brush, rect: pygame.Rect, state: CockpitState) -> None:
    """Whether the last corrections are learnt."""
    room = brush.card(rect, "PRACTICE" if state.practice else "IS IT LEARNING?")
    px = brush.px
    sentence, all_learnt = status_text.learnt(state)
    color = palette.GOOD if all_learnt and state.corrections else palette.TEXT
    brush.text(sentence, room.topleft, "big", color, True, room=room.width)
    flags = status_text.newest(state)
    bars = room.y + brush.height("big") + px(10)
    order = "newest on the right"
    step = min(px(60), (room.width - px(4) - brush.width(order, "small")) // status_text.SHOWN_CORRECTIONS)
    for index in range(0 if state.practice else status_text.SHOWN_CORRECTIONS):
        bar = pygame.Rect(room.x + index * step, bars, step - px(8), px(10))
        _flag(brush, bar, flags[index] if index < len(flags) else "none")
    if flags:
        middle = bars + px(5) - brush.height("small") / 2
        x = room.x + status_text.SHOWN_CORRECTIONS * step + px(4)
        brush.text(order, (x, middle), "small", palette.TEXT_SOFT)
    _flag_legend(brush, room.x + px(120), room.right, rect.y + px(12), flags)
    bottom = room.bottom - brush.height("small")
    policy = brush.whole_parts(status_text.policy(state), "small", room.width)
    brush.text(policy, (room.x, bottom), "small", palette.TEXT_SOFT)


def _flag(brush: Brush, bar: pygame.Rect, flag: Correction | Literal["none"]) -> None:
    """Filled: complete, see `status_text.newest`. Half: not yet. Outlined: waiting. Line: discarded. Faint: none."""
    if flag in ("learnt", "followed"):
        brush.box(bar, palette.GOOD, bar.height / 2)
    elif flag == "unfollowed":
        brush.box(bar, palette.GOOD, bar.height / 2, brush.px(2))
        brush.box(pygame.Rect(bar.x, bar.y, bar.width // 2, bar.height), palette.GOOD, bar.height / 2)
    elif flag == "queued":
        brush.box(bar, palette.TEXT, bar.height / 2, brush.px(2))
    elif flag == "discarded":
        brush.line((bar.x, bar.centery), (bar.right, bar.centery), brush.px(2), palette.TEXT_SOFT)
    else:
        brush.box(bar, palette.CARD_LINE, bar.height / 2)


def _flag_legend(brush: Brush, left: int, right: int, top: int, flags: Sequence[str]) -> None:
    """Legend of the flags in use, from the right, as far as there is room beside the title."""
    px = brush.px
    for flag, (_, label) in status_text.CORRECTIONS.items():
        if flag in flags and right - px(100) > left:
            right -= brush.text(label, (right, top), "small", palette.TEXT_SOFT, align="right") + px(5)
            bar = pygame.Rect(right - px(16), top + brush.height("small") // 2 - px(4), px(16), px(8))
            _flag(brush, bar, flag)
            right = bar.x - px(12)


def curve(brush: Brush, rect: pygame.Rect, history: Sequence[EpisodeMark], practice: bool = False) -> None:
    """Per episode: the share that the teacher drove, the recent success rate, the outcome. In practice: the time."""
    room = brush.card(rect, "TIME PER EPISODE" if practice else "DOES IT NEED YOU LESS?")
    px = brush.px
    if history:
        _ending_legend(brush, room.right, rect.y + px(12))
    top = room.y
    if history and practice:
        brush.text("Share of the time limit that you used", room.topleft, "body", palette.TEXT, room=room.width)
    elif history:
        for row, color in zip(status_text.recent_episodes(history), (palette.HUMAN, palette.GOOD), strict=True):
            _trend(brush, pygame.Rect(room.x, top, room.width, brush.height("body")), row, color)
            top += brush.height("body") + px(3)
    plot = pygame.Rect(room.x + px(44), max(top, room.y + brush.height("body")) + px(13), 0, 0)
    plot.width = room.right - px(6) - plot.x
    plot.height = room.bottom - px(24) - plot.y
    for share in (0.0, 0.5, 1.0):
        y = plot.bottom - share * plot.height
        pygame.draw.line(brush.on, palette.CARD_LINE, (plot.x, y), (plot.right, y))
        label_top = y - brush.height("small") / 2
        brush.text(f"{share:.0%}", (plot.x - px(8), label_top), "small", palette.TEXT_SOFT, align="right")
    if not history:
        middle = (plot.centerx, plot.bottom - plot.height / 4 - brush.height("body") / 2)
        brush.text("No episode finished yet", middle, "body", palette.TEXT_SOFT, align="centre")
        return
    reached = [] if practice else status_text.success_rates(history)[-SHOWN_EPISODES:]
    _curve_marks(brush, plot, room.bottom - px(7), history[-SHOWN_EPISODES:], reached)


def _trend(brush: Brush, row: pygame.Rect, texts: tuple[str, str], color: palette.Color) -> None:
    """One line of the curve's legend: its line style, the present value and the earlier one."""
    px, (now, before) = brush.px, texts
    ends = ((row.x, row.centery), (row.x + px(22), row.centery))
    if color == palette.HUMAN:
        brush.line(*ends, px(2.5), color)
        brush.disc((row.x + px(11), row.centery), px(3.5), color)
    else:
        brush.dashes(ends, px(2), color, px(_DASH))
    x = row.x + px(32)
    x += brush.text(now, (x, row.y), "body", palette.TEXT, room=row.right - x) + px(12)
    top = row.centery - brush.height("small") / 2
    brush.text(before, (x, top), "small", palette.TEXT_SOFT, room=max(0, row.right - x))


def _curve_marks(
    brush: Brush, plot: pygame.Rect, endings: float, shown: Sequence[EpisodeMark], reached: Sequence[float]
) -> None:
    """The share driven as a line, the recent success rate as a dashed line, the outcomes below."""
    px = brush.px
    inset = px(8)
    step = min(plot.width / 10, (plot.width - 2 * inset) / max(1, len(shown) - 1))
    points = [
        (plot.x + inset + index * step, plot.bottom - mark.feedback * plot.height) for index, mark in enumerate(shown)
    ]
    lately = [(x, plot.bottom - share * plot.height) for (x, _), share in zip(points, reached, strict=False)]
    brush.dashes(lately, px(2), palette.GOOD, px(_DASH))
    brush.path(points, px(2.5), palette.HUMAN)
    radius = min(px(4.5), step * 0.4) if len(shown) > 1 else px(4.5)
    for point, mark in zip(points, shown, strict=True):
        if len(shown) <= SHOWN_EPISODES // 2:
            brush.disc(point, px(3.5), palette.HUMAN)
        if mark.success:
            brush.disc((point[0], endings), radius, palette.GOOD)
        else:
            brush.cross((point[0], endings), radius * 0.85, px(2), palette.BAD)


def _ending_legend(brush: Brush, right: int, top: int) -> None:
    px, middle = brush.px, top + brush.height("small") / 2
    right -= brush.text("failure", (right, top), "small", palette.TEXT_SOFT, align="right") + px(10)
    brush.cross((right, middle), px(4), px(2), palette.BAD)
    right -= px(18)
    right -= brush.text("success", (right, top), "small", palette.TEXT_SOFT, align="right") + px(10)
    brush.disc((right, middle), px(4.5), palette.GOOD)


def timing(brush: Brush, rect: pygame.Rect, sections: Sequence[tuple[str, float, float]], pictures: str) -> None:
    """The time of each part of a tick: (name, p50, p99) in ms, p99 also as a bar.

    `pictures`: the rate and the size of the window's pictures, written beside the title.
    """
    room = brush.card(rect, "TIME PER TICK, BY PART")
    brush.text(pictures, (room.right, rect.y + brush.px(12)), "small", palette.TEXT_SOFT, align="right")
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


def machine(brush: Brush, rect: pygame.Rect, lines: Sequence[status_text.Line]) -> None:
    """A row per line. A triangle marks what needs attention."""
    room = brush.card(rect, "MACHINE")
    px = brush.px
    row = room.height / 3
    for index, line in enumerate(lines):
        middle = room.y + row * (index + 0.5)
        top, small_top = middle - brush.height("body") / 2, middle - brush.height("small") / 2
        mark = (room.x + px(6), middle)
        if line.level == "attention":
            brush.warning(mark, px(6), palette.HUMAN)
        else:
            ok = line.level == "ok"
            brush.ring(mark, px(4.5), 0 if ok else px(2), palette.GOOD if ok else palette.TEXT_SOFT)
        brush.text(line.subject, (room.x + px(22), top), "body", palette.TEXT_SOFT)
        x = room.x + px(90)
        color = palette.HUMAN if line.level == "attention" else palette.TEXT
        x += brush.text(line.word, (x, top), "body", color, room=room.right - x) + px(10)
        figures = brush.whole_parts(line.figures, "small", room.right - x)
        brush.text(figures, (x, small_top), "small", palette.TEXT_SOFT)


def keys(brush: Brush, rect: pygame.Rect, rows: Sequence[Sequence[keymap.Row]]) -> None:
    """The keys that a teacher needs, in three rows. The first shows how corrections are read now."""
    px = brush.px
    height = brush.height("small") + px(6)
    for index, row in enumerate(rows):
        widths = [brush.width(label, "small") + px(12) + px(6) + brush.width(word, "small") for label, word in row]
        gap = max(px(6), min(px(20), (rect.width - sum(widths)) / max(1, len(row) - 1)))
        x = float(rect.x)
        y = rect.y + index * (height + px(8))
        for (label, word), width in zip(row, widths, strict=True):
            brush.key_cap((x, y), label)
            after = x + brush.width(label, "small") + px(12) + px(6)
            brush.text(word, (after, y + px(3)), "small", palette.TEXT if index == 0 else palette.TEXT_SOFT)
            x += width + gap
