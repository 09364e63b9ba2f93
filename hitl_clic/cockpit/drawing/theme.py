"""The cockpit's text sizes and drawing primitives.

Used in the window process, and by `picture` in the actor. Needs pygame.font, never a display. Primitives are drawn
larger and scaled down, because pygame's own have jagged edges.
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
_CACHED_SURFACES = 600
_CACHED_POLYGONS = 64
"""Fewer, because one may cover half the window."""
_LARGE = 300
"""Polygons wider or higher than this, pixels, use half the oversampling."""


def font_file(bold: bool) -> Path | None:
    """matplotlib's DejaVu Sans, found without importing matplotlib. None: pygame's own font."""
    spec = importlib.util.find_spec("matplotlib")
    for root in spec.submodule_search_locations or () if spec else ():
        file = Path(root, "mpl-data", "fonts", "ttf", "DejaVuSans-Bold.ttf" if bold else "DejaVuSans.ttf")
        if file.is_file():
            return file
    return None


class Brush:
    """Draws antialiased shapes and text, and caches them. One brush per thread.

    `scale`: pixels per design pixel of a 1280 x 720 window.
    """

    def __init__(self, scale: float) -> None:
        self.scale = scale
        pygame.font.init()
        self._fonts = {
            (size, bold): pygame.font.Font(font_file(bold), max(9, round(pixels * scale)))
            for size, pixels in _PIXELS.items()
            for bold in (False, True)
        }
        self._surfaces = _SurfaceCache(_CACHED_SURFACES)
        self._polygons = _SurfaceCache(_CACHED_POLYGONS)

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
        """Write one line with its top at `at`, shortened with an ellipsis to `room` pixels. Returns its width."""
        text = text.replace("\0", "")  # SDL refuses NUL
        if room is not None:
            text = self.fitted(text, size, bold, room)
        if not text:
            return 0
        surface = self._surfaces.get(
            ("text", text, size, bold, color), lambda: self._fonts[size, bold].render(text, True, color)
        )
        width = surface.get_width()
        x = at[0] - {"left": 0.0, "right": float(width), "centre": width / 2}[align]
        on.blit(surface, (round(x), round(at[1])))
        return width

    def fitted(self, text: str, size: Size, bold: bool, room: float) -> str:
        """The text, shortened with an ellipsis to `room` pixels."""
        font = self._fonts[size, bold]
        if font.size(text)[0] <= room:
            return text
        kept = len(text)
        while kept > 0 and font.size(text[:kept] + "…")[0] > room:
            kept -= 1
        return text[:kept].rstrip() + "…" if kept else ""

    def wrapped(self, text: str, size: Size, room: float, lines: int) -> list[str]:
        """The text in at most `lines` lines of `room` pixels, broken between words. The last one is shortened."""
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
        """A circle outline of this outer radius and line width, pixels."""
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

        on.blit(self._surfaces.get(("box", rect.size, color, radius, width, alpha), render), rect.topleft)

    def line(self, on: pygame.Surface, start: Point, end: Point, width: float, color: Color) -> None:
        """A straight line."""
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
        """A line through several points."""
        for start, end in pairwise(points):
            self.line(on, start, end, width, color)
        for joint in points[1:-1]:
            self.disc(on, joint, width / 2, color)

    def dashes(self, on: pygame.Surface, points: Sequence[Point], width: float, color: Color, dash: float) -> None:
        """A dashed line through several points. `dash`: length of dashes and gaps, pixels."""
        drawn = 0.0
        for start, end in pairwise(points):
            length, at = math.dist(start, end), 0.0
            while at < length:
                to = min(length, at + max(1.0, dash - drawn % dash))
                if drawn // dash % 2 == 0:
                    a, b = (
                        tuple(s + (e - s) * share / length for s, e in zip(start, end, strict=True))
                        for share in (at, to)
                    )
                    self.line(on, (a[0], a[1]), (b[0], b[1]), width, color)
                drawn, at = drawn + to - at, to

    def polygon(self, on: pygame.Surface, points: Sequence[Point], color: Color) -> None:
        """A filled polygon of at least three corners."""
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
        """A cross, the symbol of a failure."""
        x, y = centre
        self.line(on, (x - radius, y - radius), (x + radius, y + radius), width, color)
        self.line(on, (x - radius, y + radius), (x + radius, y - radius), width, color)

    def warning(self, on: pygame.Surface, centre: Point, radius: float, color: Color) -> None:
        """A triangle, the symbol of a warning."""
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

        surface = self._surfaces.get(("round", radius, width, color, alpha), render)
        on.blit(surface, (round(centre[0] - side / 2), round(centre[1] - side / 2)))


class _SurfaceCache:
    """A least-recently-used cache of surfaces."""

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
    """A transparent surface of this colour, so that scaling down does not darken the edge."""
    surface = pygame.Surface(size, pygame.SRCALPHA, 32)
    surface.fill((*color, 0))
    return surface
