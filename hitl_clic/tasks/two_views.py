"""What has three dimensions drawn in two: from above, and below that from the front, both on the same x.

Pure; any thread. Upper part: x to the right, y down the picture, as plans are drawn. Lower part: x, and z up.
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
"""Thickness of a line across the picture, m."""


@dataclass(frozen=True, slots=True)
class TwoViews:
    """Where a world of three dimensions is in the picture; everything in metres.

    Attributes:
        size: width and height of the picture.
        left, top: world x at the picture's left edge, and world y at its upper one.
        ceiling: down the picture, the upper end of the view from the front; what is higher is drawn there, and what is
            below the picture at its lower edge.
        floor: down the picture, where the height 0 is in the view from the front.
    """

    size: tuple[float, float]
    left: float
    top: float
    ceiling: float
    floor: float

    def above(self, points: Floats) -> Floats:
        """World points [..., 3] as seen from above, [..., 2]."""
        return points[..., :2] - [self.left, self.top]

    def front(self, points: Floats) -> Floats:
        """World points [..., 3] as seen from the front, [..., 2]."""
        down = np.clip(self.floor - points[..., 2], self.ceiling, self.size[1])
        return np.stack([points[..., 0] - self.left, down], -1)

    def bar(self, down: float) -> Shape:
        """A thin line across the picture."""
        return Shape("wall", ((0.0, down), (self.size[0], down), (self.size[0], down + _LINE), (0.0, down + _LINE)))


def box(centre: tuple[float, ...], half: tuple[float, ...]) -> Floats:
    """The corners [8, 3] of a box along the axes."""
    return np.asarray(centre) + np.array(list(product((-1.0, 1.0), repeat=3))) * half


def outline(role: str, points: Floats, view: Callable[[Floats], Floats]) -> Shape:
    """The convex outline of what has these corners, [K, 3]."""
    seen = sorted((x, y) for x, y in view(points).tolist())
    around = _half_way_round(seen) + _half_way_round(seen[::-1])
    return Shape(role, tuple(around) if len(around) > 2 else tuple(seen[:3]))


def _half_way_round(points: list[Point]) -> list[Point]:
    """One side of the convex hull of sorted points, without its last corner (Andrew 1979)."""
    side: list[Point] = []
    for x, y in points:
        while len(side) > 1:
            (ax, ay), (bx, by) = side[-2:]
            if (bx - ax) * (y - ay) - (by - ay) * (x - ax) > 0.0:
                break
            side.pop()
        side.append((x, y))
    return side[:-1]
