"""Where each part of the window lies. Pure arithmetic, used for drawing and for the mouse."""

from __future__ import annotations

from dataclasses import dataclass

import pygame

DESIGN = (1280, 720)
"""Window size at which one design pixel is one pixel."""
PANEL_WIDTH = 520
MARGIN = 24
GAP = 12


@dataclass(frozen=True)
class Layout:
    """Rectangles for one window size, pixels.

    Attributes:
        scale: pixels per design pixel. left: the light half. board: the scene inside it, with the scene's proportions.
        panel: the dark half. learning, curve, machine, keys: its cards from top to bottom.
    """

    scale: float
    left: pygame.Rect
    board: pygame.Rect
    panel: pygame.Rect
    learning: pygame.Rect
    curve: pygame.Rect
    machine: pygame.Rect
    keys: pygame.Rect

    @classmethod
    def of(cls, size: tuple[int, int], scene: tuple[float, float] = (1.0, 1.0)) -> Layout:
        """The layout of a window of `size` pixels for a scene of this width and height (any unit)."""
        width, height = size
        scale = min(width / DESIGN[0], height / DESIGN[1])

        def px(design: float) -> int:
            return round(design * scale)

        left = pygame.Rect(0, 0, width - px(PANEL_WIDTH), height)
        room = pygame.Rect(px(MARGIN), px(84), left.width - 2 * px(MARGIN), height - px(84) - px(64))
        zoom = min(room.width / scene[0], room.height / scene[1])
        board = pygame.Rect(0, 0, max(1, int(scene[0] * zoom)), max(1, int(scene[1] * zoom)))
        board.center = room.center

        panel = pygame.Rect(left.right, 0, px(PANEL_WIDTH), height)
        x, card = panel.x + px(MARGIN), panel.width - 2 * px(MARGIN)
        learning = pygame.Rect(x, px(MARGIN), card, px(130))
        keys = pygame.Rect(x, height - px(16) - px(84), card, px(84))
        machine = pygame.Rect(x, keys.y - px(GAP) - px(126), card, px(126))
        top = learning.bottom + px(GAP)
        curve = pygame.Rect(x, top, card, machine.y - px(GAP) - top)
        return cls(scale, left, board, panel, learning, curve, machine, keys)

    def to_scene(self, pixel: tuple[int, int]) -> tuple[float, float]:
        """A pixel of the window in scene coordinates; the scene is [0, 1] x [0, 1], the pixel may lie outside."""
        return ((pixel[0] - self.board.x) / self.board.width, (pixel[1] - self.board.y) / self.board.height)
