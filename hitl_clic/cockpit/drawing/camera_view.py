"""Camera images of the scene, with the robot's chunk and the human's projected into them.

Pure drawing, in the thread that draws the window; `hitl_clic.render` makes the images. Objects never hide a chunk, so
that the teacher sees all of it.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import pygame
from numpy.typing import NDArray

from hitl_clic.cockpit.drawing import chunk_overlay, palette
from hitl_clic.cockpit.drawing.layout import Layout
from hitl_clic.cockpit.drawing.palette import Color
from hitl_clic.cockpit.drawing.theme import Brush, Point
from hitl_clic.cockpit.state.state import Chunk, CockpitState
from hitl_clic.render import scene_colors
from hitl_clic.render.render_thread import Rendering
from hitl_clic.types.scene3d import Camera, Floats, proportions

_GAP = 0.012
"""Gap between two images, as a share of their height."""
_SHADOW: Color = (70, 76, 88)


class CameraView:
    """Draws renderings. Caches the newest one's images in the window's size."""

    def __init__(self, floor: float) -> None:
        self._floor = floor
        self._scaled: tuple[Rendering, tuple[int, int], list[pygame.Surface]] | None = None

    def draw(self, brush: Brush, board: pygame.Rect, state: CockpitState, rendering: Rendering) -> int:
        """Fill the board. Returns the magnification of the chunks."""
        rects = _rects(board, len(rendering.cameras))
        for rect, image in zip(rects, self._images(rendering, rects[0].size), strict=True):
            brush.on.blit(image, rect)
        magnification = _magnification(brush, rects[0], state, rendering)
        for rect, camera in zip(rects, rendering.cameras, strict=True):
            brush.on.set_clip(rect)
            view = _View(brush, rect, camera, self._floor)
            for goal in rendering.pose.goals:
                view.draw_goal(np.asarray(goal))
            for hand, place in enumerate(rendering.pose.hands):
                view.draw_chunks(state, np.asarray(place), hand, state.scene.step * magnification)
            _label(brush, rect, camera.name)
        if not rendering.pose.hands:
            brush.on.set_clip(rects[0])
            _draw_in_corner(brush, rects[0], state)
        brush.on.set_clip(board)
        return magnification

    def _images(self, rendering: Rendering, size: tuple[int, int]) -> list[pygame.Surface]:
        if self._scaled is None or self._scaled[0] is not rendering or self._scaled[1] != size:
            self._scaled = (rendering, size, [_surface(image, size) for image in rendering.images])
        return self._scaled[2]


@dataclass(frozen=True, slots=True)
class _View:
    """One camera's image in the window, onto which points are projected. `floor`: height of the table, m."""

    brush: Brush
    rect: pygame.Rect
    camera: Camera
    floor: float

    def draw_chunks(self, state: CockpitState, start: Floats, hand: int, step: float) -> None:
        """Draw the robot's chunk and the human's for one hand. `step`: length of one action unit as drawn, m."""

        def trace(chunk: Chunk, color: Color) -> list[Point]:
            path = _path(start, chunk, hand, step)
            if color == palette.HUMAN_INK and np.allclose(path[-1], start):
                return []
            self._draw_height(path, color)
            return self._pixels(path)

        end = chunk_overlay.chunks(self.brush, state, trace, halo=True)
        if end is None or not state.desired_radius:
            return
        longer = chunk_overlay.longer(state)
        ahead = float(self.camera.seen(_path(start, (state.human_chunk or ()) * longer, hand, step)[-1])[2])
        if ahead > 0:
            radius = state.desired_radius * longer * step * _pixels_per_metre(self.camera, self.rect, ahead)
            self.brush.ring(end, min(radius, self.rect.width), self.brush.px(2), palette.HUMAN, 200)

    def draw_goal(self, goal: Floats) -> None:
        """Mark a point by a ring and its height above the table."""
        for point in self._pixels(goal[None]):
            self.brush.ring(point, self.brush.px(9), self.brush.px(3), scene_colors.of_role("goal"), 230)

    def _draw_height(self, path: Floats, color: Color) -> None:
        """Show the height of a path: its shadow on the table, and vertical lines at both ends."""
        shadow = path.copy()
        shadow[:, 2] = self.floor
        brush = self.brush
        for end in (0, -1):
            foot = self._pixels(np.stack([path[end], shadow[end]]))
            if len(foot) == 2:
                brush.line(foot[0], foot[1], brush.px(1), color)
        brush.path(self._pixels(shadow), brush.px(1.5), _SHADOW)
        for point in self._pixels(shadow[-1:]):
            brush.disc(point, brush.px(2.5), color)

    def _pixels(self, points: Floats) -> list[Point]:
        """Pixels of world points [k, 3], up to the first behind the camera."""
        rect = self.rect
        pixels: list[Point] = []
        for x, y in self.camera.project(points, rect.width / rect.height).tolist():
            if math.isnan(x):
                break
            x, y = rect.x + x * rect.width, rect.y + y * rect.height
            pixels.append((chunk_overlay.clipped(x), chunk_overlay.clipped(y)))
        return pixels


def layout_for(size: tuple[int, int], count: int) -> Layout:
    """The layout of a window of `size` pixels that shows `count` images side by side."""
    return Layout.of(size, (count * proportions(count) + (count - 1) * _GAP, 1.0))


def image_size(window: tuple[int, int], count: int) -> tuple[int, int]:
    """Width and height of each of `count` images in a window of this size, pixels."""
    return _rects(layout_for(window, count).board, count)[0].size


def _surface(image: NDArray[np.uint8], size: tuple[int, int]) -> pygame.Surface:
    surface = pygame.image.frombuffer(image.tobytes(), image.shape[1::-1], "RGB")
    return surface if surface.get_size() == size else pygame.transform.smoothscale(surface, size)


def _rects(board: pygame.Rect, count: int) -> list[pygame.Rect]:
    gap = round(_GAP * board.height)
    width = (board.width - (count - 1) * gap) // count
    return [pygame.Rect(board.x + index * (width + gap), board.y, width, board.height) for index in range(count)]


def _path(start: Floats, chunk: Chunk, hand: int, step: float) -> Floats:
    """World points [k + 1, 3] on a hand's path, the start first, m."""
    moves = np.array([row[3 * hand : 3 * hand + 3] for row in chunk if len(row) >= 3 * hand + 3], np.float64)
    return start + step * np.concatenate([np.zeros((1, 3)), np.cumsum(moves.reshape(-1, 3), axis=0)])


def _pixels_per_metre(camera: Camera, rect: pygame.Rect, ahead: float) -> float:
    """Image scale at a distance of `ahead` metres."""
    return rect.height / (2.0 * camera.slope() * ahead)


def _draw_in_corner(brush: Brush, rect: pygame.Rect, state: CockpitState) -> None:
    """Draw the plans as paths in a frame of their own, where no hand is known: x right, y down, from its middle."""
    size = brush.px(110)
    frame = pygame.Rect(rect.right - size - brush.px(8), rect.bottom - size - brush.px(8), size, size)
    brush.box(frame, palette.CARD, brush.px(5), alpha=190)
    longest = max(len(state.robot_chunk or ()), len(state.human_chunk or ()), 1)

    def trace(chunk: Chunk, _: Color) -> list[Point]:
        moves = np.array([(*row, 0.0)[:2] for row in chunk], np.float64).reshape(-1, 2) * (size / 2 / longest)
        path = np.concatenate([np.zeros((1, 2)), np.cumsum(moves, axis=0)])
        return [(frame.centerx + x, frame.centery + y) for x, y in path.tolist()]

    chunk_overlay.chunks(brush, state, trace, halo=True)


def _magnification(brush: Brush, rect: pygame.Rect, state: CockpitState, rendering: Rendering) -> int:
    """One magnification for all images, computed for the first hand in the first image."""
    if not rendering.pose.hands:
        return 1
    camera = rendering.cameras[0]
    ahead = max(float(camera.seen(rendering.pose.hands[0])[2]), 0.1)
    return chunk_overlay.magnification(state.scene.step * _pixels_per_metre(camera, rect, ahead), brush.scale)


def _label(brush: Brush, rect: pygame.Rect, name: str) -> None:
    px = brush.px
    width, height = brush.width(name, "small") + 2 * px(7), brush.height("small") + 2 * px(2)
    card = pygame.Rect(rect.x + px(8), rect.y + px(8), width, height)
    brush.box(card, palette.CARD, px(5), alpha=190)
    brush.text(name, (card.x + px(7), card.y + px(2)), "small", palette.TEXT)
