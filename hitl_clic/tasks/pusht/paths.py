"""Shortest paths of the agent around the T, in the T's body frame.

Pure numpy; any thread. The T grown by the agent's radius and a clearance has eight corners. A shortest path is a
polyline over its six convex corners. Lengths are pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitl_clic.tasks.pusht.state import AGENT_RADIUS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CLEARANCE = 4.0
"""Clearance between the agent's disc and the T on a path, px."""
MARGIN = AGENT_RADIUS + CLEARANCE
_BLOCKED = MARGIN - 2.0  # a little smaller than the outline, so that a path along the outline is free


def _outline(margin: float) -> Floats:
    """The corners [8, 2] of the T grown by a margin (sharp corners)."""
    bar, low, stem, foot = 60.0 + margin, 30.0 + margin, 15.0 + margin, 120.0 + margin
    right = [(bar, -margin), (bar, low), (stem, low), (stem, foot)]
    return np.array(right + [(-x, y) for x, y in reversed(right)])


def inside(point: Floats, margin: float) -> bool:
    """Whether a point [2] is less than `margin` from the T (sharp corners)."""
    x, y = abs(float(point[0])), float(point[1])
    return (x < 60 + margin and -margin < y < 30 + margin) or (x < 15 + margin and 30 - margin < y < 120 + margin)


def nearest_free(point: Floats) -> Floats:
    """The nearest point [2] that keeps the margin to the T."""
    if not inside(point, MARGIN):
        return point
    x, y, side = abs(float(point[0])), float(point[1]), 1.0 if point[0] >= 0 else -1.0
    bar, low, stem, foot = 60 + MARGIN, 30 + MARGIN, 15 + MARGIN, 120 + MARGIN
    candidates = [np.array(c) for c in ((x, -MARGIN), (bar, y), (x, low), (stem, y), (x, foot), (stem, low))]
    best = min((c for c in candidates if not inside(c, MARGIN)), key=lambda c: float(np.hypot(c[0] - x, c[1] - y)))
    return np.array([best[0] * side, best[1]])


def _crosses(start: Floats, stop: Floats) -> Bools:
    """Whether segments start -> stop, [..., 2] each, cross the blocked outline."""
    a = _outline(_BLOCKED)
    b = np.roll(a, -1, axis=0)
    p, q = start[..., None, :], stop[..., None, :]

    def turn(o: Floats, u: Floats, v: Floats) -> Floats:
        return np.asarray(
            (u[..., 0] - o[..., 0]) * (v[..., 1] - o[..., 1]) - (u[..., 1] - o[..., 1]) * (v[..., 0] - o[..., 0])
        )

    return np.asarray(((turn(a, b, p) * turn(a, b, q) < 0) & (turn(p, q, a) * turn(p, q, b) < 0)).any(-1))


def _straight(starts: Floats, stops: Floats) -> Floats:
    """Distance from each start [n, 2] to each stop [m, 2]; infinite if the T blocks the segment."""
    shape = (len(starts), len(stops), 2)
    p, q = np.broadcast_to(starts[:, None], shape), np.broadcast_to(stops[None], shape)
    return np.where(_crosses(p, q), np.inf, np.hypot(*np.moveaxis(q - p, -1, 0)))


def _join(straight: Floats) -> Floats:
    """All-pairs shortest paths (Floyd-Warshall)."""
    lengths = straight.copy()
    np.fill_diagonal(lengths, 0.0)
    for k in range(len(lengths)):
        lengths = np.minimum(lengths, lengths[:, k : k + 1] + lengths[k : k + 1])
    return lengths


CORNERS: Floats = np.delete(_outline(MARGIN), (2, 5), axis=0)
"""The possible corners of a shortest path, [6, 2]."""
_BETWEEN_CORNERS = _straight(CORNERS, CORNERS)


def shortest_paths(start: Floats, stops: Floats, usable: Bools) -> tuple[Floats, Floats]:
    """Shortest paths from a free point [2] to free points [K, 2] over usable corners [6].

    Returns:
        lengths [K] (infinite if there is no path) and the next waypoint of each path, [K, 2].
    """
    closed = ~(usable[:, None] & usable[None])
    between = _join(np.where(closed, np.inf, _BETWEEN_CORNERS))
    to_stops = np.where(usable[:, None], _straight(CORNERS, stops), np.inf)
    onward = (between[:, :, None] + to_stops[None]).min(1)
    ahead = _straight(start[None], np.concatenate([CORNERS, stops]))[0]
    via = np.where(usable, ahead[: len(CORNERS)], np.inf)[:, None] + onward
    direct, first = ahead[len(CORNERS) :], via.argmin(0)
    straight_on = direct <= via.min(0) + 1e-9
    lengths = np.where(straight_on, direct, via.min(0))
    return lengths, np.where(straight_on[:, None], stops, CORNERS[first])
