"""When the next tick begins: at an absolute deadline, or as soon as everybody is ready.

Actor's main thread. `RealTimeClock` sleeps to the deadline, never for a duration, so errors do not add up; after an
overrun it re-anchors and does not rush. `MaxPaceClock` runs the same loop as fast as the machine allows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

_GIVE_WAY_NS = 200_000
"""How long before its deadline a tick has the right of way, and how long at a time the planner waits for it."""
_GIVE_WAY_TURNS = 20
"""Waits in a row, at most: a loop that is held up elsewhere must not hold up the planner for ever."""


class Clock(Protocol):
    """What the loop asks. All times are `perf_counter_ns`."""

    def start(self) -> None:
        """Anchor the schedule: the next tick is due one period from now (after a reset or a pause)."""
        ...

    def wait(self) -> int:
        """Wait until the next tick is due; how late it begins, nanoseconds."""
        ...

    def finish(self) -> bool:
        """The tick's work is done. True if it ran past the next deadline (an overrun)."""
        ...


class RealTimeClock:
    """Ticks at a fixed rate.

    Args:
        rate_hz: ticks per second.
    """

    def __init__(self, rate_hz: float) -> None:
        self.period_ns = round(1e9 / rate_hz)
        self.deadline_ns = 0
        self._waiting = False

    def start(self) -> None:
        self.deadline_ns = time.perf_counter_ns() + self.period_ns

    def wait(self) -> int:
        self._waiting = True
        while (remaining := self.deadline_ns - time.perf_counter_ns()) > 0:
            time.sleep(remaining * 1e-9)
        self._waiting = False
        return time.perf_counter_ns() - self.deadline_ns

    def finish(self) -> bool:
        now = time.perf_counter_ns()
        self.deadline_ns += self.period_ns
        if now <= self.deadline_ns:
            return False
        self.deadline_ns = now + self.period_ns
        return True

    def yield_to_tick(self) -> None:
        """Called by the planner's thread between two pieces of work: while a tick is due and has not begun, wait.

        Python lets one thread run at a time, and a thread of many short calculations, each of which lets go for some
        microseconds, hardly ever lets a thread in that wakes on another core.
        """
        for _ in range(_GIVE_WAY_TURNS):
            before = self.deadline_ns - time.perf_counter_ns()
            if not self._waiting or before > _GIVE_WAY_NS:
                return
            time.sleep((max(before, 0) + _GIVE_WAY_NS) * 1e-9)


class MaxPaceClock:
    """A tick begins when planner and teacher have answered: no tick is ever late.

    Args:
        ready: waits until the next tick can begin; raises if that takes for ever.
    """

    def __init__(self, ready: Callable[[], None]) -> None:
        self._ready = ready

    def start(self) -> None:
        """Nothing to anchor."""

    def wait(self) -> int:
        self._ready()
        return 0

    def finish(self) -> bool:
        return False
