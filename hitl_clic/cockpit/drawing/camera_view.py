"""The scene as cameras see it, with both plans projected into their pictures.

Pure drawing, in whichever thread draws the window; the pictures themselves come from `hitl_clic.render`. What a plan
crosses does not hide it: a plan must be seen whole.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np
import pygame

from hitl_clic.cockpit.drawing import chunk_overlay
from hitl_clic.cockpit.drawing import palette
from hitl_clic.cockpit.drawing.palette import Color
from hitl_clic.cockpit.drawing.theme import Brush, Point
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.render.render_thread import Rendering
from hitl_clic.types.scene3d import Camera, Floats, proportions

_GAP = 0.012
"""Between two pictures, as a share of their height."""
_SHADOW: Color = (70, 76, 88)


class CameraView:
    """Draws one rendering after another; keeps the newest one's pictures in the window's size."""

    def __init__(self, floor: float) -> None:
        self._floor = floor
        self._scaled: tuple[Rendering, tuple[int, int], list[pygame.Surface]] | None = None

    def draw(self, on: pygame.Surface, brush: Brush, board: pygame.Rect, state: CockpitState, rendering: Rendering) -> int:
        """Fill the board; how many times longer than true the plans are."""
        rects = _rects(board, len(rendering.cameras))
        for rect, picture in zip(rects, self._pictures(rendering, rects[0].size), strict=True):
            on.blit(picture, rect)
        times = _magnification(brush, rects[0], state, rendering)
        for rect, camera in zip(rects, rendering.cameras, strict=True):
            on.set_clip(rect)
            _View(on, brush, rect, camera, self._floor).plans(state, rendering, state.scene.step * times)
            _label(on, brush, rect, camera.name)
        on.set_clip(board)
        return times

    def _pictures(self, rendering: Rendering, size: tuple[int, int]) -> list[pygame.Surface]:
        if self._scaled is None or self._scaled[0] is not rendering or self._scaled[1] != size:
            surfaces = [
                pygame.transform.smoothscale(
                    pygame.image.frombuffer(picture.tobytes(), picture.shape[1::-1], "RGB"), size
                )
                for picture in rendering.images
            ]
            self._scaled = (rendering, size, surfaces)
        return self._scaled[2]


class _View:
    """One camera's picture on the window."""

    def __init__(self, on: pygame.Surface, brush: Brush, rect: pygame.Rect, camera: Camera, floor: float) -> None:
        self._on, self._brush, self._rect, self._camera, self._floor = on, brush, rect, camera, floor

    def plans(self, state: CockpitState, rendering: Rendering, step: float) -> None:
        """The robot's plan and the human's for each hand; `step` is a unit of action as drawn, m."""
        for hand, place in enumerate(rendering.pose.hands):
            start = np.asarray(place)
            chunk = state.robot_chunk
            if chunk is not None and state.step_in_chunk < len(chunk):
                path = _path(start, chunk[state.step_in_chunk :], hand, step)
                self._drop(path, palette.ROBOT_INK)
                runs = max(0, state.execute - state.step_in_chunk)
                chunk_overlay.chunk(self._on, self._brush, self._pixels(path), palette.ROBOT_INK, runs, halo=True)
            if state.human_chunk:
                self._human(state, start, hand, step)

    def _human(self, state: CockpitState, start: Floats, hand: int, step: float) -> None:
        chunk = state.human_chunk or ()
        longer = chunk_overlay.DIRECTION_STEPS if len(chunk) == 1 else 1
        path = _path(start, chunk * longer, hand, step)
        if np.allclose(path[-1], start):
            return
        self._drop(path, palette.HUMAN_INK)
        points = self._pixels(path)
        if len(points) < 2:
            return
        if len(chunk) == 1:
            chunk_overlay.arrow(self._on, self._brush, points[0], points[-1], palette.HUMAN_INK, halo=True)
        else:
            chunk_overlay.chunk(self._on, self._brush, points, palette.HUMAN_INK, max(state.execute, 1), halo=True)
        ahead = float(self._camera.seen(path[-1])[2])
        if state.desired_radius and ahead > 0:
            radius = state.desired_radius * longer * step * _pixels_a_metre(self._camera, self._rect, ahead)
            brush = self._brush
            brush.ring(self._on, points[-1], min(radius, self._rect.width), brush.px(2), palette.HUMAN, 200)

    def _drop(self, path: Floats, color: Color) -> None:
        """How high the ends of a plan are: lines down to the table, and the plan's shadow there."""
        shadow = path.copy()
        shadow[:, 2] = self._floor
        brush = self._brush
        for end in (0, -1):
            foot = self._pixels(np.stack([path[end], shadow[end]]))
            if len(foot) == 2:
                brush.line(self._on, foot[0], foot[1], brush.px(1), color)
        brush.path(self._on, self._pixels(shadow), brush.px(1.5), _SHADOW)
        for point in self._pixels(shadow[-1:]):
            brush.disc(self._on, point, brush.px(2.5), color)

    def _pixels(self, points: Floats) -> list[Point]:
        """Pixels of world points [k, 3], up to the first that the camera does not see."""
        rect = self._rect
        pixels: list[Point] = []
        for x, y in self._camera.project(points, rect.width / rect.height).tolist():
            if math.isnan(x):
                break
            pixels.append((chunk_overlay.near(rect.x + x * rect.width), chunk_overlay.near(rect.y + y * rect.height)))
        return pixels


def proportions_of(rendering: Rendering) -> tuple[float, float]:
    """Width and height of all its pictures beside each other, in heights."""
    count = len(rendering.cameras)
    return count * proportions(count) + (count - 1) * _GAP, 1.0


def _rects(board: pygame.Rect, count: int) -> list[pygame.Rect]:
    gap = round(_GAP * board.height)
    width = (board.width - (count - 1) * gap) // count
    return [pygame.Rect(board.x + index * (width + gap), board.y, width, board.height) for index in range(count)]


def _path(start: Floats, chunk: Sequence[Sequence[float]], hand: int, step: float) -> Floats:
    """World points [k + 1, 3] that a hand passes, its own first."""
    moves = np.array([row[3 * hand : 3 * hand + 3] for row in chunk if len(row) >= 3 * hand + 3], np.float64)
    return start + step * np.concatenate([np.zeros((1, 3)), np.cumsum(moves.reshape(-1, 3), axis=0)])


def _pixels_a_metre(camera: Camera, rect: pygame.Rect, ahead: float) -> float:
    """Of something across the line of sight, `ahead` metres away."""
    return rect.height / (2.0 * camera.slope() * ahead)


def _magnification(brush: Brush, rect: pygame.Rect, state: CockpitState, rendering: Rendering) -> int:
    """The same in all pictures, from the first hand in the first one."""
    camera = rendering.cameras[0]
    ahead = max(float(camera.seen(rendering.pose.hands[0])[2]), 0.1)
    return chunk_overlay.magnification(state.scene.step * _pixels_a_metre(camera, rect, ahead), brush.scale)


def _label(on: pygame.Surface, brush: Brush, rect: pygame.Rect, name: str) -> None:
    px = brush.px
    width, height = brush.width(name, "small") + 2 * px(7), brush.height("small") + 2 * px(2)
    card = pygame.Rect(rect.x + px(8), rect.y + px(8), width, height)
    brush.box(on, card, palette.CARD, px(5), alpha=190)
    brush.text(on, name, (card.x + px(7), card.y + px(2)), "small", palette.TEXT)
