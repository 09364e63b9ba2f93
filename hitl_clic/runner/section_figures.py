"""Percentiles of the time that each part of a tick took, for the cockpit.

The main thread adds, within the tick; the thread of the window or the dashboard reads.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping

import numpy as np

REFRESH_NS = 1_000_000_000
"""Shortest time between two computations of the percentiles, ns."""

Figures = tuple[tuple[str, float, float], ...]


class SectionFigures:
    """Keeps the newest ticks' times by section.

    Args:
        ticks: how many ticks to keep.
    """

    def __init__(self, ticks: int) -> None:
        self._newest: deque[Mapping[str, int]] = deque(maxlen=ticks)
        self._figures: Figures = ()
        self._computed_ns: int | None = None

    def add(self, sections_ns: Mapping[str, int]) -> None:
        """Take in a tick."""
        self._newest.append(sections_ns)

    def figures(self, now_ns: int) -> Figures:
        """(section, p50, p99) in ms, in the order of the tick; computed at most once a second."""
        if self._computed_ns is None or not 0 <= now_ns - self._computed_ns < REFRESH_NS:
            self._computed_ns = now_ns
            self._figures = _percentiles(list(self._newest))
        return self._figures


def _percentiles(ticks: list[Mapping[str, int]]) -> Figures:
    times: dict[str, list[int]] = {}
    for sections_ns in ticks:
        for section, time_ns in sections_ns.items():
            times.setdefault(section, []).append(time_ns)
    found = []
    for section, values in times.items():
        median, high = np.percentile(values, (50, 99))
        found.append((section, float(median) * 1e-6, float(high) * 1e-6))
    return tuple(found)
