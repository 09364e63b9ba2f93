"""Lengthens pushes that are shorter than a tick of the control loop. Pure; called by one reader thread."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import sub

Raw = Mapping[str, float]
"""Deflection by raw axis, 1 at full."""


class PulseStretch:
    """Holds the peak of a push until `least_ns` after its start. A longer push ends with its release.

    So no tick misses a push, even one that starts and ends between two ticks or between two readings.
    """

    def __init__(self, least_ns: int) -> None:
        self._least_ns = least_ns
        self.speed = 1.0
        """Share of the loop's rate, see `HeldControls.speed`."""
        self._pushed = False
        """Whether the device was deflected at the last reading."""
        self._until_ns = 0
        self._peak: Raw = {}
        self._peak_size = 0.0

    def stretched(self, raw: Raw, peak: Raw | None, size: Callable[[Raw], float], now_ns: int) -> Raw:
        """The deflections to use at this reading.

        Args:
            raw: present deflections. peak: the greatest deflections since the last reading, if known.
            size: motion that deflections command; 0 at rest, whatever the device's offsets.
        """
        now, past = size(raw), 0.0 if peak is None else size(peak)
        largest, at_largest = (now, raw) if peak is None or now >= past else (past, peak)
        if largest and not self._pushed:
            self._until_ns, self._peak_size = now_ns + round(self._least_ns / self.speed), 0.0
        if now_ns < self._until_ns and largest >= self._peak_size:
            self._peak, self._peak_size = at_largest, largest
        self._pushed = now > 0.0
        return raw if self._pushed or now_ns >= self._until_ns else self._peak

    def reset(self) -> None:
        """End any stretched push, because the device is gone."""
        self._pushed, self._until_ns = False, 0


class PeakState:
    """Of the states in one reading, the one furthest from the state at the end of the last reading.

    Attributes:
        state: deflections in the source's order; None before the first `add`.
    """

    def __init__(self, begin: Sequence[float]) -> None:
        self.state: Sequence[float] | None = None
        self._begin = begin
        self._size = -1.0

    def add(self, state: Sequence[float]) -> None:
        """Compare one more state. Fast, because a queue may hold hundreds."""
        size = max(map(abs, map(sub, state, self._begin)))
        if size > self._size:
            self.state, self._size = state, size
