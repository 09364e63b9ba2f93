"""The energy card: the policy's energy over the next action, and the teacher's desired set.

Pure drawing of an `EnergySlice`; called by `draw.WindowPainter`. Low energy means a likely action.
"""

from __future__ import annotations

import pygame

from hitl_clic.cockpit.drawing import palette
from hitl_clic.cockpit.drawing.theme import Brush, Point
from hitl_clic.cockpit.state.state import EnergySlice


def draw(on: pygame.Surface, brush: Brush, room: pygame.Rect, energy_slice: EnergySlice | str) -> None:
    """Draw the slice as a square within `room`, light where the energy is low, with a legend beside it.

    A text in place of the slice says why there is none.
    """
    px = brush.px
    if isinstance(energy_slice, str):
        for number, row in enumerate(brush.wrapped(energy_slice, "body", room.width, 4)):
            top = room.y + number * (brush.height("body") + px(2))
            brush.text(on, row, (room.x, top), "body", palette.TEXT_SOFT)
        return
    side = min(room.height - px(24), room.width * 2 // 3)
    plot = pygame.Rect(room.right - side, room.y, side, side)
    on.blit(pygame.transform.smoothscale(_picture(energy_slice), plot.size), plot)
    pygame.draw.rect(on, palette.CARD_LINE, plot, max(1, px(1)))
    clip = on.get_clip()
    on.set_clip(plot)
    _desired_set(on, brush, plot, energy_slice)
    robot = _at(plot, energy_slice.robot)
    brush.disc(on, robot, px(6), palette.CARD)
    brush.disc(on, robot, px(4.5), palette.ROBOT)
    on.set_clip(clip)
    first, second = energy_slice.axes
    below = plot.bottom + px(4)
    brush.text(on, f"{first} (one action step)", (plot.right, below), "small", palette.TEXT_SOFT, align="right")
    _legend(on, brush, pygame.Rect(room.x, room.y, plot.x - room.x - px(16), room.height), energy_slice, second)


def _picture(energy_slice: EnergySlice) -> pygame.Surface:
    """One pixel per point, from the card's colour (high energy) to the text's (low)."""
    picture = pygame.Surface((energy_slice.side, energy_slice.side), 0, 32)
    for index, level in enumerate(energy_slice.levels):
        share = (1.0 - level / 255.0) ** 2  # emphasises the low energies
        color = [round(a + (b - a) * share) for a, b in zip(palette.CARD_LINE, palette.TEXT, strict=True)]
        picture.set_at((index % energy_slice.side, index // energy_slice.side), color)
    return picture


def _desired_set(on: pygame.Surface, brush: Brush, plot: pygame.Rect, energy_slice: EnergySlice) -> None:
    """The teacher's action and the desired set: a ball around it (absolute), or a half-plane (relative)."""
    if energy_slice.human is None:
        return
    px = brush.px
    human, robot = _at(plot, energy_slice.human), _at(plot, energy_slice.robot)
    if energy_slice.radius is not None:
        brush.ring(on, human, max(px(2), energy_slice.radius * plot.width / 2), px(2), palette.HUMAN)
    else:
        ahead = (human[0] - robot[0], human[1] - robot[1])
        length = max(1e-6, (ahead[0] ** 2 + ahead[1] ** 2) ** 0.5)
        ahead = (ahead[0] / length, ahead[1] / length)
        step, teeth = px(20), 2 * plot.width // px(20)
        begin = [
            where + towards * energy_slice.edge * plot.width / 2 for where, towards in zip(robot, ahead, strict=True)
        ]
        edge = [(begin[0] - ahead[1] * at * step, begin[1] + ahead[0] * at * step) for at in range(-teeth, teeth + 1)]
        brush.line(on, edge[0], edge[-1], px(2), palette.HUMAN)
        for x, y in edge:  # teeth point into the half-plane
            brush.line(on, (x, y), (x + ahead[0] * px(6), y + ahead[1] * px(6)), px(1), palette.HUMAN)
        brush.line(on, robot, human, px(2), palette.HUMAN)
    brush.disc(on, human, px(6), palette.CARD)
    brush.disc(on, human, px(4.5), palette.HUMAN)


def _legend(on: pygame.Surface, brush: Brush, room: pygame.Rect, energy_slice: EnergySlice, second: str) -> None:
    px = brush.px
    top = float(room.y)
    for row in brush.wrapped("Light: actions that the policy prefers.", "body", room.width, 3):
        brush.text(on, row, (room.x, top), "body", palette.TEXT)
        top += brush.height("body") + px(2)
    top += px(8)
    names = [("robot's next action", palette.ROBOT)]
    if energy_slice.human is not None:
        names.append(
            (
                "your action, and the desired set around it"
                if energy_slice.radius is not None
                else "the desired side of the line",
                palette.HUMAN,
            )
        )
    for label, color in names:
        brush.disc(on, (room.x + px(6), top + brush.height("small") / 2), px(4.5), color)
        for row in brush.wrapped(label, "small", room.width - px(20), 3):
            brush.text(on, row, (room.x + px(18), top), "small", palette.TEXT_SOFT)
            top += brush.height("small") + px(2)
        top += px(4)
    top += px(4)
    for row in brush.wrapped(energy_slice.policy, "small", room.width, 3):
        brush.text(on, row, (room.x, top), "small", palette.TEXT_SOFT)
        top += brush.height("small") + px(2)
    bottom = room.bottom - brush.height("small")
    brush.text(on, f"{second}: downwards", (room.x, bottom), "small", palette.TEXT_SOFT, room=room.width)


def _at(plot: pygame.Rect, action: tuple[float, float]) -> Point:
    """Action units to pixels."""
    return (
        plot.x + (max(-4.0, min(4.0, action[0])) + 1.0) / 2.0 * plot.width,
        plot.y + (max(-4.0, min(4.0, action[1])) + 1.0) / 2.0 * plot.height,
    )
