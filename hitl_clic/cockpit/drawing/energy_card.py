"""The energy card: the policy's energy over the next action, and the teacher's desired set. Pure drawing."""

from __future__ import annotations

import pygame

from hitl_clic.cockpit.drawing import palette
from hitl_clic.cockpit.drawing.theme import Brush, Point
from hitl_clic.cockpit.state.state import EnergySlice


def draw(brush: Brush, rect: pygame.Rect, shown: EnergySlice | str) -> None:
    """Draw the slice as a square, light where the energy is low (a likely action), with a legend beside it.

    A text in place of the slice says why there is none.
    """
    px, room = brush.px, brush.card(rect, "ENERGY OF THE NEXT ACTION")
    if isinstance(shown, str):
        brush.rows(brush.wrapped(shown, "body", room.width, 4), room.topleft, "body", palette.TEXT_SOFT, px(2))
        return
    side = min(room.height - px(24), room.width * 2 // 3)
    plot = pygame.Rect(room.right - side, room.y, side, side)
    brush.on.blit(pygame.transform.smoothscale(_picture(shown), plot.size), plot)
    pygame.draw.rect(brush.on, palette.CARD_LINE, plot, max(1, px(1)))
    clip = brush.on.get_clip()
    brush.on.set_clip(plot)
    _desired_set(brush, plot, shown)
    brush.spot(_at(plot, shown.robot), 4.5, palette.ROBOT)
    brush.on.set_clip(clip)
    first, below = f"{shown.axes[0]} (one action step)", plot.bottom + px(4)
    brush.text(first, (plot.right, below), "small", palette.TEXT_SOFT, align="right")
    _legend(brush, pygame.Rect(room.x, room.y, plot.x - room.x - px(16), room.height), shown)


def _picture(energy_slice: EnergySlice) -> pygame.Surface:
    """One pixel per point, from the card's colour (high energy) to the text's (low)."""
    picture = pygame.Surface((energy_slice.side, energy_slice.side), 0, 32)
    for index, level in enumerate(energy_slice.levels):
        share = (1.0 - level / 255.0) ** 2  # emphasises the low energies
        color = [round(a + (b - a) * share) for a, b in zip(palette.CARD_LINE, palette.TEXT, strict=True)]
        picture.set_at((index % energy_slice.side, index // energy_slice.side), color)
    return picture


def _desired_set(brush: Brush, plot: pygame.Rect, energy_slice: EnergySlice) -> None:
    """The teacher's action and the desired set: a ball around it (absolute), or a half-plane (relative)."""
    if energy_slice.human is None:
        return
    px = brush.px
    human, robot = _at(plot, energy_slice.human), _at(plot, energy_slice.robot)
    if energy_slice.radius is not None:
        brush.ring(human, max(px(2), energy_slice.radius * plot.width / 2), px(2), palette.HUMAN)
    else:
        ahead = (human[0] - robot[0], human[1] - robot[1])
        length = max(1e-6, (ahead[0] ** 2 + ahead[1] ** 2) ** 0.5)
        ahead = (ahead[0] / length, ahead[1] / length)
        step, teeth = px(20), 2 * plot.width // px(20)
        begin = [
            start + towards * energy_slice.edge * plot.width / 2 for start, towards in zip(robot, ahead, strict=True)
        ]
        edge = [(begin[0] - ahead[1] * at * step, begin[1] + ahead[0] * at * step) for at in range(-teeth, teeth + 1)]
        brush.line(edge[0], edge[-1], px(2), palette.HUMAN)
        for x, y in edge:  # teeth point into the half-plane
            brush.line((x, y), (x + ahead[0] * px(6), y + ahead[1] * px(6)), px(1), palette.HUMAN)
        brush.line(robot, human, px(2), palette.HUMAN)
    brush.spot(human, 4.5, palette.HUMAN)


def _legend(brush: Brush, room: pygame.Rect, shown: EnergySlice) -> None:
    px, soft = brush.px, palette.TEXT_SOFT
    title = brush.wrapped("Light: actions that the policy prefers.", "body", room.width, 3)
    top = brush.rows(title, room.topleft, "body", palette.TEXT, px(2)) + px(8)
    names = [("robot's next action", palette.ROBOT)]
    if shown.human is not None:
        ball = shown.radius is not None
        desired = "your action, and the desired set around it" if ball else "the desired side of the line"
        names.append((desired, palette.HUMAN))
    for label, color in names:
        brush.disc((room.x + px(6), top + brush.height("small") / 2), px(4.5), color)
        rows = brush.wrapped(label, "small", room.width - px(20), 3)
        top = brush.rows(rows, (room.x + px(18), top), "small", soft, px(2)) + px(4)
    brush.rows(brush.wrapped(shown.policy, "small", room.width, 3), (room.x, top + px(4)), "small", soft, px(2))
    bottom = (room.x, room.bottom - brush.height("small"))
    brush.text(f"{shown.axes[1]}: downwards", bottom, "small", soft, room=room.width)


def _at(plot: pygame.Rect, action: tuple[float, float]) -> Point:
    """Action units to pixels."""
    x, y = (max(-4.0, min(4.0, value)) for value in action)
    return plot.x + (x + 1.0) / 2.0 * plot.width, plot.y + (y + 1.0) / 2.0 * plot.height
