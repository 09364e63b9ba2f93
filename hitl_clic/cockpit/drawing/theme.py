"""Text sizes and brushes of the cockpit: the only file that decides how a stroke looks.

Used by whoever draws: the window process, and `picture` in the actor. Needs pygame.font, never a display.
Strokes are drawn larger and smoothed down, because pygame's own have jagged edges.
"""

from __future__ import annotations

import importlib.util
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pygame
import pygame.font

from hitl_clic.cockpit.drawing.palette import TEXT, Color

Point = tuple[float, float]
Size = Literal["small", "body", "big"]

_PIXELS: dict[Size, float] = {"small": 12.0, "body": 15.5, "big": 20.5}
_OVERSAMPLE = 4
_CACHED_PIECES = 600
_CACHED_POLYGONS = 64
"""Fewer: one may cover half the window."""
_LARGE = 300
"""Polygons wider or higher than this, in pixels, are smoothed with half the samples."""


def font_file(bold: bool) -> Path | None:
    """DejaVu Sans as matplotlib carries it (found without importing it); None lets pygame use its own font."""
    spec = importlib.util.find_spec("matplotlib")
    for root in spec.submodule_search_locations or () if spec else ():
        file = Path(root, "mpl-data", "fonts", "ttf", "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")
        if file.is_file():
            return file
    return None


class Brush:
    """Draws smooth strokes and text on one surface size; keeps the newest pieces it rendered.

    One brush per thread. `scale` is pixels per design pixel of a 1280 x 720 window.
    """

    def __init__(self, scale: float) -> None:
        self.scale = scale
        pygame.font.init()
        self._fonts = {
            (size, bold): pygame.font.Font(font_file(bold), max(9, round(pixels * scale)))
            for size, pixels in _PIXELS.items()
            for bold in (False, True)
        }
        self._pieces = _Newest(_CACHED_PIECES)
        self._polygons = _Newest(_CACHED_POLYGONS)

    def px(self, design: float) -> int:
        """Design pixels to pixels, at least 1 for anything above 0."""
        return max(1, round(design * self.scale)) if design > 0 else round(design * self.scale)

    def height(self, size: Size) -> int:
        """Height of a line of text, pixels."""
        return self._fonts[size, False].get_height()

    def width(self, text: str, size: Size, bold: bool = False) -> int:
        """Width of a text, pixels."""
        return self._fonts[size, bold].size(text)[0]

    def text(
        self,
        on: pygame.Surface,
        text: str,
        at: Point,
        size: Size = "body",
        color: Color = TEXT,
        bold: bool = False,
        align: Literal["left", "right", "centre"] = "left",
        room: float | None = None,
    ) -> int:
        """Write one line with its top at `at`; shortened with an ellipsis to `room` pixels. Gives its width."""
        text = text.replace("\0", "")  # which SDL refuses
        if room is not None:
            text = self.fitted(text, size, bold, room)
        text = text.replace("\0", "")  # which pygame refuses
        if not text:
            return 0
        piece = self._pieces.get(
            ("text", text, size, bold, color), lambda: self._fonts[size, bold].render(text, True, color)
        )
        width = piece.get_width()
        x = at[0] - {"left": 0.0, "right": float(width), "centre": width / 2}[align]
        on.blit(piece, (round(x), round(at[1])))
        return width

    def fitted(self, text: str, size: Size, bold: bool, room: float) -> str:
        """The text, or as much of it as fits `room` pixels and an ellipsis."""
        font = self._fonts[size, bold]
        if font.size(text)[0] <= room:
            return text
        kept = len(text)
        while kept > 0 and font.size(text[:kept] + "…")[0] > room:
            kept -= 1
        return text[:kept].rstrip() + "…" if kept else ""

    def wrapped(self, text: str, size: Size, room: float, lines: int) -> list[str]:
        """The text on at most `lines` lines of `room` pixels, broken between words; the last one shortened."""
        rows: list[str] = []
        row = ""
        for word in text.split():
            longer = f"{row} {word}".strip()
            if row and self.width(longer, size) > room and len(rows) < lines - 1:
                rows.append(row)
                row = word
            else:
                row = longer
        return [*rows, self.fitted(row, size, False, room)] if row else rows

    def disc(self, on: pygame.Surface, centre: Point, radius: float, color: Color, alpha: int = 255) -> None:
        """A filled circle."""
        self._round(on, centre, radius, 0.0, color, alpha)

    def ring(
        self, on: pygame.Surface, centre: Point, radius: float, width: float, color: Color, alpha: int = 255
    ) -> None:
        """A circle of the given outer radius and stroke width, pixels."""
        self._round(on, centre, radius, width, color, alpha)

    def box(
        self, on: pygame.Surface, rect: pygame.Rect, color: Color, radius: float, width: float = 0.0, alpha: int = 255
    ) -> None:
        """A rectangle with rounded corners, filled or (width > 0) outlined inside."""
        n = _OVERSAMPLE

        def render() -> pygame.Surface:
            big = _clear((rect.width * n, rect.height * n), color)
            pygame.draw.rect(big, (*color, alpha), big.get_rect(), math.ceil(width * n), border_radius=int(radius * n))
            return pygame.transform.smoothscale(big, rect.size)

        on.blit(self._pieces.get(("box", rect.size, color, radius, width, alpha), render), rect.topleft)

    def line(self, on: pygame.Surface, start: Point, end: Point, width: float, color: Color) -> None:
        """A straight stroke with smooth edges."""
        dx, dy = end[0] - start[0], end[1] - start[1]
        length = math.hypot(dx, dy)
        if length < 1e-6:
            return
        ox, oy = -dy / length * width / 2, dx / length * width / 2
        corners = [
            (start[0] + ox, start[1] + oy),
            (end[0] + ox, end[1] + oy),
            (end[0] - ox, end[1] - oy),
            (start[0] - ox, start[1] - oy),
        ]
        self.polygon(on, corners, color)

    def path(self, on: pygame.Surface, points: Sequence[Point], width: float, color: Color) -> None:
        """A stroke through several points."""
        for start, end in pairwise(points):
            self.line(on, start, end, width, color)
        for joint in points[1:-1]:
            self.disc(on, joint, width / 2, color)

    def dashes(self, on: pygame.Surface, points: Sequence[Point], width: float, color: Color, dash: float) -> None:
        """A stroke through several points, of dashes and gaps of this length, pixels."""
        walked = 0.0
        for start, end in pairwise(points):
            length, at = math.dist(start, end), 0.0
            while at < length:
                to = min(length, at + max(1.0, dash - walked % dash))
                if walked // dash % 2 == 0:
                    a, b = (
                        tuple(s + (e - s) * share / length for s, e in zip(start, end, strict=True))
                        for share in (at, to)
                    )
                    self.line(on, (a[0], a[1]), (b[0], b[1]), width, color)
                walked, at = walked + to - at, to

    def polygon(self, on: pygame.Surface, points: Sequence[Point], color: Color) -> None:
        """A filled polygon with smooth edges, of three corners or more."""
        left, top = (math.floor(min(point[axis] for point in points)) - 1 for axis in (0, 1))
        right, bottom = (math.ceil(max(point[axis] for point in points)) + 2 for axis in (0, 1))
        size = (right - left, bottom - top)
        if max(size) > 4 * max(on.get_size()):
            pygame.draw.polygon(on, color, points)
            return
        n = _OVERSAMPLE if max(size) < _LARGE else _OVERSAMPLE // 2
        corners = tuple((round((x - left) * n), round((y - top) * n)) for x, y in points)

        def render() -> pygame.Surface:
            big = _clear((size[0] * n, size[1] * n), color)
            pygame.draw.polygon(big, color, corners)
            return pygame.transform.smoothscale(big, size)

        on.blit(self._polygons.get((corners, size, color), render), (left, top))

    def cross(self, on: pygame.Surface, centre: Point, radius: float, width: float, color: Color) -> None:
        """An x, the shape of a failure."""
        x, y = centre
        self.line(on, (x - radius, y - radius), (x + radius, y + radius), width, color)
        self.line(on, (x - radius, y + radius), (x + radius, y - radius), width, color)

    def warning(self, on: pygame.Surface, centre: Point, radius: float, color: Color) -> None:
        """A triangle, the shape of "look here"."""
        x, y = centre
        self.polygon(on, [(x, y - radius), (x + radius, y + radius * 0.8), (x - radius, y + radius * 0.8)], color)

    def _round(self, on: pygame.Surface, centre: Point, radius: float, width: float, color: Color, alpha: int) -> None:
        radius = max(1.0, round(radius * 2) / 2)
        side = math.ceil(radius) * 2 + 2
        n = _OVERSAMPLE

        def render() -> pygame.Surface:
            big = _clear((side * n, side * n), color)
            pygame.draw.circle(big, (*color, alpha), (side * n / 2, side * n / 2), radius * n, math.ceil(width * n))
            return pygame.transform.smoothscale(big, (side, side))

        piece = self._pieces.get(("round", radius, width, color, alpha), render)
        on.blit(piece, (round(centre[0] - side / 2), round(centre[1] - side / 2)))


class _Newest:
    """Rendered surfaces by what they show; the one unused for longest goes first."""

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._surfaces: OrderedDict[tuple[object, ...], pygame.Surface] = OrderedDict()

    def get(self, key: tuple[object, ...], render: Callable[[], pygame.Surface]) -> pygame.Surface:
        surface = self._surfaces.get(key)
        if surface is None:
            surface = self._surfaces[key] = render()
            if len(self._surfaces) > self._capacity:
                self._surfaces.popitem(last=False)
        else:
            self._surfaces.move_to_end(key)
        return surface


def _clear(size: tuple[int, int], color: Color) -> pygame.Surface:
    """A see-through surface that already has the stroke's colour, so that smoothing does not darken its edge."""
    surface = pygame.Surface(size, pygame.SRCALPHA, 32)
    surface.fill((*color, 0))
    return surface
