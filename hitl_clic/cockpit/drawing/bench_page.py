"""The device bench: a card per axis with its response curve and the present deflection, settings and figures.

Pure drawing; called by `draw.WindowPainter`. It covers the whole window, because no robot moves meanwhile.
"""

from __future__ import annotations

import math

import pygame

from hitl_clic.cockpit.drawing import palette
from hitl_clic.cockpit.drawing.layout import GAP, MARGIN
from hitl_clic.cockpit.drawing.theme import Brush, Size
from hitl_clic.cockpit.state.bench_state import BenchAxis, BenchView

_SIDE = 380
"""Width of the column of settings and figures, design pixels."""
_LOW_CARD = 150
"""Height of the cards if no axis has a curve, design pixels."""
_OVERSAMPLE = 3
_STATE = {"away": palette.BAD, "rest": palette.TEXT_SOFT, "drives": palette.HUMAN, "stop": palette.STOPPED}


def draw(brush: Brush, view: BenchView) -> None:
    """Draw the whole window."""
    px = brush.px
    brush.on.fill(palette.PANEL)
    width, height = brush.on.get_size()
    left, top = px(MARGIN), px(20)
    side = pygame.Rect(width - px(MARGIN) - px(_SIDE), top, px(_SIDE), height - top - px(MARGIN))
    x = left + brush.text(view.device, (left, top), "big", palette.TEXT, True) + px(16)
    baseline = top + brush.height("big") - brush.height("body") - px(1)
    brush.text(view.sentence, (x, baseline), "body", _STATE[view.state], room=side.x - px(GAP) - x)
    cards = pygame.Rect(left, top + brush.height("big") + px(14), side.x - px(GAP) - left, 0)
    cards.height = height - px(MARGIN) - cards.y if any(axis.curve for axis in view.axes) else px(_LOW_CARD)
    for axis, rect in zip(view.axes, _grid(cards, len(view.axes), px(GAP)), strict=True):
        _axis(brush, rect, axis, axis.name == view.chosen)
    _side(brush, side, view)


def _axis(brush: Brush, rect: pygame.Rect, axis: BenchAxis, chosen: bool) -> None:
    px = brush.px
    brush.box(rect, palette.CARD, px(10))
    if chosen:
        brush.box(rect, palette.TEXT, px(10), px(2))
    pad = px(14)
    y = rect.y + px(9)
    brush.text(axis.name, (rect.x + pad, y), "big", palette.TEXT, True)
    moves = axis.motion != 0.0
    color = palette.HUMAN if moves else palette.TEXT_SOFT
    brush.text(f"{axis.motion:+.2f}", (rect.right - pad, y), "big", color, moves, "right")
    bar = pygame.Rect(rect.x + pad, rect.bottom - px(16), rect.width - 2 * pad, px(6))
    _bar(brush, bar, axis.motion)
    top = y + brush.height("big") + px(6)
    line = bar.y - px(8) - brush.height("small")
    area = pygame.Rect(rect.x + pad, top, rect.width - 2 * pad, line - px(4) - top)
    if not axis.curve:
        if area.height > px(_LOW_CARD):  # another axis has a curve
            brush.text("no curve", (area.centerx, area.centery), "small", palette.TEXT_SOFT, align="centre")
        return
    _response(brush, area, axis)
    raw, shaped = axis.raw or 0.0, axis.shaped or 0.0
    brush.text(f"raw {raw:+.2f}", (area.x, line), "small", palette.TEXT_SOFT)
    brush.text(f"shaped {shaped:+.2f}", (area.right, line), "small", palette.TEXT_SOFT, align="right")


def _response(brush: Brush, area: pygame.Rect, axis: BenchAxis) -> None:
    """The curve with the raw deflection to the right and the shaped one upwards, and the present point."""
    px = brush.px
    plot = brush.cached(("plot", axis.curve, area.size), lambda: _plot(area.size, axis.curve, brush.scale))
    brush.on.blit(plot, area)
    falls = axis.curve[-1] < 0.0  # the axis name goes where the curve is not
    at = (area.right - px(4), area.centery - brush.height("small") - px(1) if falls else area.centery + px(1))
    brush.text(axis.source, at, "small", palette.TEXT_SOFT, align="right", room=area.width / 2 - px(8))
    raw, shaped = axis.raw or 0.0, axis.shaped or 0.0
    x = area.centerx + max(-1.0, min(1.0, raw)) * (area.width / 2 - 1)
    y = area.centery - shaped * (area.height / 2 - 1)
    if raw:
        brush.line((x, area.centery), (x, y), px(1.5), palette.HUMAN)
        brush.line((area.centerx, y), (x, y), px(1.5), palette.HUMAN)
    brush.spot((x, y), 5, palette.HUMAN if raw else palette.TEXT_SOFT)


def _plot(size: tuple[int, int], curve: tuple[float, ...], scale: float) -> pygame.Surface:
    """The coordinate axes, the full response for comparison, and the curve."""
    n, (width, height) = _OVERSAMPLE, size
    big = pygame.Surface((width * n, height * n), 0, 32)
    big.fill(palette.PANEL)
    middle, half = (width * n / 2, height * n / 2), ((width / 2 - 1) * n, (height / 2 - 1) * n)

    def at(raw: float, shaped: float) -> tuple[float, float]:
        return middle[0] + raw * half[0], middle[1] - shaped * half[1]

    steps = len(curve) - 1
    points = [at(2.0 * index / steps - 1.0, value) for index, value in enumerate(curve)]
    thin, thick = max(1, round(scale * n)), max(2, round(2.5 * scale * n))
    dead = [point[0] for point, value in zip(points, curve, strict=True) if value == 0.0]
    if len(dead) > 1:
        pygame.draw.rect(big, palette.CARD, pygame.Rect(dead[0], 0, dead[-1] - dead[0], big.get_height()))
    sign = math.copysign(1.0, curve[-1])
    for start, end in ((at(-1, 0), at(1, 0)), (at(0, -1), at(0, 1)), (at(-1, -sign), at(1, sign))):
        pygame.draw.line(big, palette.CARD_LINE, start, end, thin)
    pygame.draw.lines(big, palette.TEXT, False, points, thick)
    for point in points:
        pygame.draw.circle(big, palette.TEXT, point, thick / 2)
    return pygame.transform.smoothscale(big, size)


def _bar(brush: Brush, rect: pygame.Rect, motion: float) -> None:
    """The motion that the control loop gets, from the middle to either side."""
    brush.box(rect, palette.CARD_LINE, rect.height / 2)
    length, edge = round(abs(motion) * rect.width / 2), brush.px(2)
    if length:
        filled = pygame.Rect(rect.centerx - (length if motion < 0 else 0), rect.y, length, rect.height)
        pygame.draw.rect(brush.on, palette.HUMAN, filled, border_radius=edge)
    pygame.draw.rect(brush.on, palette.TEXT_SOFT, (rect.centerx - 1, rect.y - edge, 2, rect.height + 2 * edge))


def _side(brush: Brush, rect: pygame.Rect, view: BenchView) -> None:
    """Settings of the chosen axis, figures of the device, and keys, from top to bottom."""
    px = brush.px
    row = brush.height("small") + px(16)
    title = px(12) + brush.height("small") + px(6)
    knobs = len(view.knobs) or 2
    top = pygame.Rect(rect.x, rect.y, rect.width, title + knobs * row + px(10))
    name = f"AXIS {view.chosen.upper()} · PROFILE {view.profile.upper()}" if view.knobs else "NOTHING TO CHANGE"
    room = brush.card(top, name)
    y = float(room.y + px(2))
    y = brush.rows(brush.wrapped(view.fixed, "body", room.width, 3), (room.x, y), "body", palette.TEXT_SOFT)
    cap = brush.width("8", "small") + px(12)
    for knob in view.knobs:
        brush.text(knob.name, (room.x, y + px(3)), "body", palette.TEXT_SOFT)
        brush.key_cap((room.right - cap, y), knob.more)
        if knob.less != knob.more:
            brush.key_cap((room.right - cap - px(150), y), knob.less)
        middle = room.right - cap - (px(150) - cap) / 2
        brush.text(knob.value, (middle, y + px(2)), "body", palette.TEXT, True, "centre", px(150) - cap - px(8))
        y += row
    keys = pygame.Rect(rect.x, 0, rect.width, px(2 * 14) + math.ceil(len(view.keys) / 2) * row)
    keys.bottom = rect.bottom
    facts = pygame.Rect(rect.x, top.bottom + px(GAP), rect.width, keys.y - px(GAP) - top.bottom - px(GAP))
    _facts(brush, facts, view)
    brush.box(keys, palette.CARD, px(10))
    for index, (key, does) in enumerate(view.keys):
        x = keys.x + px(14) + (index % 2) * (keys.width - px(28)) // 2
        at = keys.y + px(16) + (index // 2) * row
        used = brush.key_cap((x, at), key)
        brush.text(does, (x + used + px(8), at + px(3)), "small", palette.TEXT_SOFT)


def _facts(brush: Brush, rect: pygame.Rect, view: BenchView) -> None:
    px = brush.px
    room = brush.card(rect, "DEVICE")
    y = float(room.y + px(2))
    for name, value in (*view.facts, ("held down", ", ".join(view.down) or "nothing")):
        used = brush.text(name, (room.x, y), "body", palette.TEXT_SOFT)
        rest = room.width - used - px(12)
        size: Size = "body" if brush.width(value, "body") <= rest else "small"  # a long value has several lines
        values = brush.wrapped(value, size, rest, 3)
        below = brush.rows(values, (room.right, y), size, palette.TEXT, align="right")
        y = max(below, y + brush.height("body")) + px(6)
    lines = brush.wrapped(view.message, "body", room.width, 3)
    brush.rows(lines, (room.x, room.bottom - len(lines) * brush.height("body")), "body", palette.HUMAN)


def _grid(area: pygame.Rect, count: int, gap: int) -> list[pygame.Rect]:
    """`count` equal cards in even rows."""
    columns = count if count < 3 else min(4, math.ceil(count / 2)) if count > 4 else 2
    rows = math.ceil(count / columns)
    width, height = (area.width - (columns - 1) * gap) // columns, (area.height - (rows - 1) * gap) // rows
    height = min(height, width * 7 // 5)
    return [
        pygame.Rect(area.x + (n % columns) * (width + gap), area.y + (n // columns) * (height + gap), width, height)
        for n in range(count)
    ]
