"""Orthographic top and front views of a 3-D world in one 2-D scene, both with the same x axis.

Pure; any thread. The upper part is the top view (y points down), the lower part the front view (z points up).
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import product

import numpy as np
from numpy.typing import NDArray

from hitl_clic.types.scene import Shape

Floats = NDArray[np.float64]
Point = tuple[float, float]
_LINE = 0.003
"""Thickness of the divider, m."""


@dataclass(frozen=True, slots=True)
class TopFrontView:
    """Layout of the two views, m.

    Attributes:
        size: width and height of the scene.
        left, top: world x of the left edge and world y of the upper edge.
        ceiling: scene y of the front view's upper edge; higher points are drawn on it.
        floor: scene y of world height 0 in the front view.
    """

    size: tuple[float, float]
    left: float
    top: float
    ceiling: float
    floor: float

    def from_above(self, points: Floats) -> Floats:
        """Top view of world points [..., 3]: scene points [..., 2]."""
        return points[..., :2] - [self.left, self.top]

    def from_front(self, points: Floats) -> Floats:
        """Front view of world points [..., 3]: scene points [..., 2]."""
        down = np.clip(self.floor - points[..., 2], self.ceiling, self.size[1])
        return np.stack([points[..., 0] - self.left, down], -1)

    def divider(self, down: float) -> Shape:
        """A thin horizontal line at this scene y."""
        return Shape("wall", ((0.0, down), (self.size[0], down), (self.size[0], down + _LINE), (0.0, down + _LINE)))


def box(centre: tuple[float, ...], half: tuple[float, ...]) -> Floats:
    """The corners [8, 3] of an axis-aligned box."""
    return np.asarray(centre) + np.array(list(product((-1.0, 1.0), repeat=3))) * half


def outline(role: str, points: Floats, view: Callable[[Floats], Floats]) -> Shape:
    """The convex hull of the viewed points [K, 3], as one shape."""
    seen = sorted((x, y) for x, y in view(points).tolist())
    around = _half_hull(seen) + _half_hull(seen[::-1])
    return Shape(role, tuple(around) if len(around) > 2 else tuple(seen[:3]))


def _half_hull(points: list[Point]) -> list[Point]:
    """One half of the convex hull of sorted points, without its last corner (Andrew 1979)."""
    side: list[Point] = []
    for x, y in points:
        while len(side) > 1:
            (ax, ay), (bx, by) = side[-2:]
            if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0.0:
                break
            side.pop()
        side.append((x, y))
    return side[:-1]
