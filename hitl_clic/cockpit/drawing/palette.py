"""The colours of window, terminal and report: blue is the robot, orange the human.

Pure data. After Okabe and Ito (2008), for colour-blind people; shapes repeat what a colour says.
"""

from __future__ import annotations

from hitl_clic.render import scene_colors

Color = scene_colors.Color

ROBOT: Color = (86, 160, 255)
ROBOT_INK: Color = (16, 106, 210)
"""The `_INK` colours are for light backgrounds, the others for dark ones."""
HUMAN: Color = (255, 159, 67)
HUMAN_INK: Color = (205, 98, 0)
PAUSED: Color = (158, 168, 184)
WAITING: Color = (222, 146, 190)
STOPPED: Color = (240, 84, 72)
GOOD: Color = (54, 203, 154)
GOOD_INK: Color = (0, 128, 92)
BAD: Color = (255, 118, 92)
BAD_INK: Color = (200, 60, 36)

GROUND: Color = (236, 239, 243)
BOARD = scene_colors.GROUND
INK: Color = (38, 44, 56)
INK_SOFT: Color = (92, 100, 116)
PANEL: Color = (18, 20, 25)
CARD: Color = (31, 34, 42)
CARD_LINE: Color = (58, 63, 74)
TEXT: Color = (236, 239, 244)
TEXT_SOFT: Color = (160, 168, 182)
BADGE_INK: Color = (16, 18, 22)

BADGE: dict[str, Color] = {
    "autonomous": ROBOT,
    "correcting": HUMAN,
    "waiting": WAITING,
    "paused": PAUSED,
    "stopped": STOPPED,
}
"""Colour of the gate's state."""


def web(color: Color) -> str:
    """The colour as "#rrggbb"."""
    return "#{:02x}{:02x}{:02x}".format(*color)
