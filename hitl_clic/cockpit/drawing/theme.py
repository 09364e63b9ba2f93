"""The cockpit's text sizes and drawing primitives.

Used in the window process, and by `picture` in the actor. Needs pygame.font, never a display. Primitives are drawn
larger and scaled down, because pygame's own have jagged edges.
"""

from __future__ import annotations

import importlib.util
import math
from collections import OrderedDict
from collections.abc import Callable, Sequence
from copy import copy
from itertools import pairwise
from pathlib import Path
from typing import Literal

import pygame
import pygame.font

from hitl_clic.cockpit.drawing.palette import CARD, CARD_LINE, TEXT, TEXT_SOFT, Color

Point = tuple[float, float]
Size = Literal["small", "body", "big"]
Align = Literal["left", "right", "centre"]

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
    """Draws antialiased shapes and text on a surface, and caches them. One brush per thread.

    `scale`: pixels per design pixel of a 1280 x 720 window.
    """

    def __init__(self, scale: float, on: pygame.Surface) -> None:
        self.scale, self.on = scale, on
        pygame.font.init()
        self._fonts = {
            (size, bold): pygame.font.Font(font_file(bold), max(9, round(pixels * scale)))
            for size, pixels in _PIXELS.items()
            for bold in (False, True)
        }
        self.cached = _SurfaceCache(_CACHED_SURFACES).of
        """The surface of a key, drawn by a function if it is not cached."""
        self._polygons = _SurfaceCache(_CACHED_POLYGONS)

    def onto(self, surface: pygame.Surface) -> Brush:
        """A brush for another surface that shares the caches."""
        brush = copy(self)
        brush.on = surface
        return brush

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
        text: str,
        at: Point,
        size: Size = "body",
        color: Color = TEXT,
        bold: bool = False,
        align: Align = "left",
        room: float | None = None,
    ) -> int:
        """Write one line with its top at `at`, shortened with an ellipsis to `room` pixels. Returns its width."""
        text = text.replace("\0", "")  # SDL refuses NUL
        if room is not None:
            text = self.fitted(text, size, bold, room)
        if not text or not self.width(text, size, bold):  # a font refuses a text without width, as a soft hyphen
            return 0
        surface = self.cached(
            ("text", text, size, bold, color), lambda: self._fonts[size, bold].render(text, True, color)
        )
        width = surface.get_width()
        x = at[0] - {"left": 0.0, "right": float(width), "centre": width / 2}[align]
        self.on.blit(surface, (round(x), round(at[1])))
        return width

    def rows(
        self, rows: Sequence[str], at: Point, size: Size, color: Color, gap: float = 0.0, align: Align = "left"
    ) -> float:
        """Write lines below each other, `gap` pixels apart. Returns the height of the next line's top."""
        for number, row in enumerate(rows):
            self.text(row, (at[0], at[1] + number * (self.height(size) + gap)), size, color, align=align)
        return at[1] + len(rows) * (self.height(size) + gap)

    def fitted(self, text: str, size: Size, bold: bool, room: float) -> str:
        """The text, shortened with an ellipsis to `room` pixels."""
        font = self._fonts[size, bold]
        if font.size(text)[0] <= room:
            return text
        kept = len(text)
        while kept > 0 and font.size(text[:kept] + "…")[0] > room:
            kept -= 1
        return text[:kept].rstrip() + "…" if kept else ""

    def whole_parts(self, text: str, size: Size, room: float) -> str:
        """As many of the first parts of a text, separated by " · ", as fit into `room` pixels."""
        parts = text.split(" · ")
        while parts and self.width(" · ".join(parts), size) > room:
            parts.pop()
        return " · ".join(parts)

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

    def disc(self, centre: Point, radius: float, color: Color) -> None:
        """A filled circle."""
        self.ring(centre, radius, 0.0, color)

    def spot(self, centre: Point, design: float, color: Color) -> None:
        """A filled circle of this radius, design pixels, with a dark edge that separates it from what lies below."""
        self.disc(centre, self.px(design + 1.5), CARD)
        self.disc(centre, self.px(design), color)

    def ring(self, centre: Point, radius: float, width: float, color: Color, alpha: int = 255) -> None:
        """A circle outline of this outer radius and line width, pixels; filled if the width is 0."""
        radius = max(1.0, round(radius * 2) / 2)
        side = math.ceil(radius) * 2 + 2
        n = _OVERSAMPLE

        def render() -> pygame.Surface:
            big = _clear((side * n, side * n), color)
            pygame.draw.circle(big, (*color, alpha), (side * n / 2, side * n / 2), radius * n, math.ceil(width * n))
            return pygame.transform.smoothscale(big, (side, side))

        surface = self.cached(("round", radius, width, color, alpha), render)
        self.on.blit(surface, (round(centre[0] - side / 2), round(centre[1] - side / 2)))

    def box(self, rect: pygame.Rect, color: Color, radius: float, width: float = 0.0, alpha: int = 255) -> None:
        """A rectangle with rounded corners, filled or (width > 0) outlined inside."""
        n = _OVERSAMPLE

        def render() -> pygame.Surface:
            big = _clear((rect.width * n, rect.height * n), color)
            pygame.draw.rect(big, (*color, alpha), big.get_rect(), math.ceil(width * n), border_radius=int(radius * n))
            return pygame.transform.smoothscale(big, rect.size)

        self.on.blit(self.cached(("box", rect.size, color, radius, width, alpha), render), rect.topleft)

    def line(self, start: Point, end: Point, width: float, color: Color) -> None:
        """A straight line."""
        if corners := _corners(start, end, width):
            self.polygon(corners, color)

    def path(self, points: Sequence[Point], width: float, color: Color) -> None:
        """A line through several points."""
        segments = [corners for start, end in pairwise(points) if (corners := _corners(start, end, width))]
        if segments and all(max(each) - min(each) < _LARGE for each in zip(*points, strict=True)):
            self._fill(segments, points[1:-1], width / 2, color)
            return
        for segment in segments:
            self.polygon(segment, color)
        for joint in points[1:-1]:
            self.disc(joint, width / 2, color)

    def dashes(self, points: Sequence[Point], width: float, color: Color, dash: float) -> None:
        """A dashed line through several points. `dash`: length of dashes and gaps, pixels."""
        drawn = 0.0
        for start, end in pairwise(points):
            length, at = math.dist(start, end), 0.0
            while at < length:
                to = min(length, at + max(1.0, dash - drawn % dash))
                if drawn // dash % 2 == 0:
                    dx, dy = (end[0] - start[0]) / length, (end[1] - start[1]) / length
                    a, b = ((start[0] + dx * share, start[1] + dy * share) for share in (at, to))
                    self.line(a, b, width, color)
                drawn, at = drawn + to - at, to

    def polygon(self, points: Sequence[Point], color: Color) -> None:
        """A filled polygon of at least three corners."""
        self._fill([points], (), 0.0, color)

    def _fill(self, polygons: Sequence[Sequence[Point]], centres: Sequence[Point], radius: float, color: Color) -> None:
        """Fill polygons, and discs of one radius, together: each surface that is scaled costs time."""
        xs, ys = zip(*(corner for polygon in polygons for corner in polygon), *centres, strict=True)
        edge = math.ceil(radius) + 1
        left, top = math.floor(min(xs)) - edge, math.floor(min(ys)) - edge
        size = (math.ceil(max(xs)) + edge + 1 - left, math.ceil(max(ys)) + edge + 1 - top)
        if max(size) > 4 * max(self.on.get_size()):
            for polygon in polygons:
                pygame.draw.polygon(self.on, color, polygon)
            return
        n = _OVERSAMPLE if max(size) < _LARGE else _OVERSAMPLE // 2

        def scaled(points: Sequence[Point]) -> tuple[tuple[int, int], ...]:
            return tuple((round((x - left) * n), round((y - top) * n)) for x, y in points)

        filled, discs = tuple(map(scaled, polygons)), scaled(centres)

        def render() -> pygame.Surface:
            big = _clear((size[0] * n, size[1] * n), color)
            for polygon in filled:
                pygame.draw.polygon(big, color, polygon)
            for disc in discs:
                pygame.draw.circle(big, color, disc, radius * n)
            return pygame.transform.smoothscale(big, size)

        self.on.blit(self._polygons.of((filled, discs, radius, size, color), render), (left, top))

    def cross(self, centre: Point, radius: float, width: float, color: Color) -> None:
        """A cross, the symbol of a failure."""
        x, y = centre
        self.line((x - radius, y - radius), (x + radius, y + radius), width, color)
        self.line((x - radius, y + radius), (x + radius, y - radius), width, color)

    def warning(self, centre: Point, radius: float, color: Color) -> None:
        """A triangle, the symbol of a warning."""
        x, y = centre
        self.polygon([(x, y - radius), (x + radius, y + radius * 0.8), (x - radius, y + radius * 0.8)], color)

    def card(self, rect: pygame.Rect, title: str) -> pygame.Rect:
        """An empty card with its title. Returns the rectangle left inside."""
        px, pad = self.px, self.px(16)
        self.box(rect, CARD, px(10))
        self.text(title, (rect.x + pad, rect.y + px(12)), "small", TEXT_SOFT, True)
        top = rect.y + px(12) + self.height("small") + px(6)
        return pygame.Rect(rect.x + pad, top, rect.width - 2 * pad, rect.bottom - px(12) - top)

    def key_cap(self, at: Point, label: str, highest: int | None = None) -> int:
        """A key as on a keyboard, at most `highest` pixels high. Returns its width."""
        width, height = self.width(label, "small") + self.px(12), self.height("small") + self.px(6)
        cap = pygame.Rect(round(at[0]), round(at[1]), width, height if highest is None else min(height, highest))
        self.box(cap, CARD_LINE, self.px(5))
        self.text(label, (cap.x + self.px(6), cap.centery - self.height("small") / 2), "small", TEXT)
        return width


class _SurfaceCache(OrderedDict[tuple[object, ...], pygame.Surface]):
    """The `capacity` surfaces used last."""

    def __init__(self, capacity: int) -> None:
        super().__init__()
        self._capacity = capacity

    def of(self, key: tuple[object, ...], render: Callable[[], pygame.Surface]) -> pygame.Surface:
        """The surface of this key, rendered if it is not cached."""
        if key not in self:
            self[key] = render()
            if len(self) > self._capacity:
                self.popitem(last=False)
        self.move_to_end(key)
        return self[key]


def _corners(start: Point, end: Point, width: float) -> list[Point]:
    """The corners of a straight line of this width; none if it has no length."""
    (x0, y0), (x1, y1) = start, end
    dx, dy = x1 - x0, y1 - y0
    length = math.hypot(dx, dy)
    if length < 1e-6:
        return []
    ox, oy = -dy / length * width / 2, dx / length * width / 2
    return [(x0 + ox, y0 + oy), (x1 + ox, y1 + oy), (x1 - ox, y1 - oy), (x0 - ox, y0 - oy)]


def _clear(size: tuple[int, int], color: Color) -> pygame.Surface:
    """A transparent surface of this colour, so that scaling down does not darken the edge."""
    surface = pygame.Surface(size, pygame.SRCALPHA, 32)
    surface.fill((*color, 0))
    return surface
