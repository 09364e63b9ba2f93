"""Shortest ways for the agent round the T, in the T's body frame.

Pure numpy; any thread. The T grown by the agent's radius and a clearance is an outline of eight corners; a
shortest way runs straight between its six convex corners. Everything that does not depend on where the agent is
has been worked out once at import. Lengths are pixels.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from hitl_clic.tasks.push_t_state import AGENT_RADIUS

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]

CLEARANCE = 4.0
"""Free pixels between the agent's disc and the T on the way."""
MARGIN = AGENT_RADIUS + CLEARANCE
_BLOCKED = MARGIN - 2.0  # a little smaller than the corners' outline, so that a way along it is free


def _outline(margin: float) -> Floats:
    """The T's corners [8, 2] after growing it by a margin with sharp corners."""
    bar, low, stem, foot = 60.0 + margin, 30.0 + margin, 15.0 + margin, 120.0 + margin
    right = [(bar, -margin), (bar, low), (stem, low), (stem, foot)]
    return np.array(right + [(-x, y) for x, y in reversed(right)])


def inside(point: Floats, margin: float) -> bool:
    """Whether a point [2] is less than `margin` from the T (square corners)."""
    x, y = abs(float(point[0])), float(point[1])
    return (x < 60 + margin and -margin < y < 30 + margin) or (x < 15 + margin and 30 - margin < y < 120 + margin)


def nearest_free(point: Floats) -> Floats:
    """The point itself if it keeps the margin to the T, otherwise the nearest one that does, [2]."""
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
    """Length of the straight way from each start [n, 2] to each stop [m, 2], infinite where the T is in between."""
    shape = (len(starts), len(stops), 2)
    p, q = np.broadcast_to(starts[:, None], shape), np.broadcast_to(stops[None], shape)
    return np.where(_crosses(p, q), np.inf, np.hypot(*np.moveaxis(q - p, -1, 0)))


def _join(straight: Floats) -> Floats:
    """All-pairs shortest ways from straight ones (Floyd and Warshall)."""
    lengths = straight.copy()
    np.fill_diagonal(lengths, 0.0)
    for k in range(len(lengths)):
        lengths = np.minimum(lengths, lengths[:, k : k + 1] + lengths[k : k + 1])
    return lengths


class Ways:
    """Shortest ways to a fixed set of targets round the T.

    Args:
        targets: [K, 2], outside the T grown by the margin.
    """

    corners: Floats = np.delete(_outline(MARGIN), (2, 5), axis=0)
    """The turning points [6, 2]."""

    def __init__(self, targets: Floats) -> None:
        self.targets = targets
        self._corner_straight = _straight(self.corners, self.corners)
        self._target_straight = _straight(self.corners, targets)
        self._corner_to_target = self._onward(np.ones(len(self.corners), np.bool_))

    def between_targets(self) -> Floats:
        """Lengths [K, K] of the ways between all targets."""
        everywhere = np.ones(len(self.corners), np.bool_)
        return np.stack([self.lengths(target, everywhere)[0] for target in self.targets])

    def lengths(self, start: Floats, usable: Bools) -> tuple[Floats, NDArray[np.intp]]:
        """Ways from a free point [2] over usable corners [6]: lengths [K] (infinite if none), and the first corner
        of each, -1 when the target is straight ahead."""
        onward = self._corner_to_target if usable.all() else self._onward(usable)
        stops = np.concatenate([self.corners, self.targets])
        straight = _straight(start[None], stops)[0]
        to_corner, direct = straight[: len(self.corners)], straight[len(self.corners) :]
        via = np.where(usable, to_corner, np.inf)[:, None] + onward
        first, best = via.argmin(0), via.min(0)
        ahead = direct <= best + 1e-9
        return np.where(ahead, direct, best), np.where(ahead & np.isfinite(direct), -1, first)

    def _onward(self, usable: Bools) -> Floats:
        """Lengths [6, K] from each corner to each target over usable corners."""
        closed = ~(usable[:, None] & usable[None])
        between = _join(np.where(closed, np.inf, self._corner_straight))
        last = np.where(usable[:, None], self._target_straight, np.inf)
        return np.asarray((between[:, :, None] + last[None]).min(1))
