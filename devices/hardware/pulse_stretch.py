"""A push shorter than a tick of the loop: it lasts long enough to be heard, as a short press of a button does.

Pure bookkeeping for one reader thread; time is handed in.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from operator import sub

Raw = Mapping[str, float]
"""Deflection by raw axis, 1 at full."""


class PulseStretch:
    """Draws a push out to `least_ns` from its first reading, at its furthest; a longer one ends when the hand lets go.

    So a tick of the loop sees every push, also one that began and ended between two of its looks at the device, or
    between two readings of the device itself.
    """

    def __init__(self, least_ns: int) -> None:
        self._least_ns = least_ns
        self._moved = False
        """The hand was pushing at the last reading."""
        self._until_ns = 0
        self._furthest: Raw = {}
        self._size = 0.0

    def felt(self, raw: Raw, passed: Raw | None, size: Callable[[Raw], float], now_ns: int) -> Raw:
        """The deflections to act upon.

        Args:
            raw: as they are. passed: the furthest that this reading went through, if known.
            size: how much motion deflections ask for; 0 is a hand at rest, whatever its device's zero is.
        """
        now, past = size(raw), 0.0 if passed is None else size(passed)
        most, furthest = (now, raw) if passed is None or now >= past else (past, passed)
        if most and not self._moved:
            self._until_ns, self._size = now_ns + self._least_ns, 0.0
        if now_ns < self._until_ns and most >= self._size:
            self._furthest, self._size = furthest, most
        self._moved = now > 0.0
        return raw if self._moved or now_ns >= self._until_ns else self._furthest

    def forget(self) -> None:
        """The device is gone: nothing lasts."""
        self._moved, self._until_ns = False, 0


class Furthest:
    """Of the states that one reading takes in, the one furthest from where the last reading left the device.

    Attributes:
        state: it, deflections in the source's order; None before any was seen.
    """

    def __init__(self, begin: Sequence[float]) -> None:
        self.state: Sequence[float] | None = None
        self._begin = begin
        self._size = -1.0

    def see(self, state: Sequence[float]) -> None:
        """One more state. Quick: a queue may hold hundreds."""
        size = max(map(abs, map(sub, state, self._begin)))
        if size > self._size:
            self.state, self._size = state, size
