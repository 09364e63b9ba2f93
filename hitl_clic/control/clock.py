"""When the next tick begins: at an absolute deadline, or as soon as planner and teacher are ready.

Actor's main thread. `RealTimeClock` sleeps to the deadline, never for a duration, so errors do not add up; after an
overrun it re-anchors and does not rush. `MaxPaceClock` runs the same loop as fast as the machine allows.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

_YIELD_NS = 200_000
"""The planner waits from this time before a tick's deadline on; also the length of one wait, ns."""
_YIELD_TURNS = 20
"""Most waits in a row, so that a blocked loop does not block the planner."""


class Clock(Protocol):
    """The loop's clock. All times are `perf_counter_ns`."""

    def start(self) -> None:
        """Anchor the schedule: the next tick is due one period from now (after a reset or a pause)."""
        ...

    def wait(self) -> int:
        """Wait until the next tick is due; how late it begins, nanoseconds."""
        ...

    def finish(self) -> bool:
        """The tick's last part is done. True if it ended after the next deadline (an overrun)."""
        ...

    def set_speed(self, speed: float) -> float:
        """Run at this share of the rate from the present tick on, above 0 and at most 1; the share in force."""
        ...


class RealTimeClock:
    """Ticks at a fixed rate.

    Args:
        rate_hz: ticks per second.
        now_ns: the time, nanoseconds. sleep: waits so many seconds. Tests give their own.
    """

    def __init__(
        self,
        rate_hz: float,
        now_ns: Callable[[], int] = time.perf_counter_ns,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._now_ns, self._sleep = now_ns, sleep
        self._full_ns = self.period_ns = round(1e9 / rate_hz)
        self.deadline_ns = 0
        self._waiting = False

    def start(self) -> None:
        self.deadline_ns = self._now_ns() + self.period_ns

    def wait(self) -> int:
        self._waiting = True
        while (remaining := self.deadline_ns - self._now_ns()) > 0:
            self._sleep(remaining * 1e-9)
        self._waiting = False
        return self._now_ns() - self.deadline_ns

    def finish(self) -> bool:
        now = self._now_ns()
        self.deadline_ns += self.period_ns
        if now <= self.deadline_ns:
            return False
        self.deadline_ns = now + self.period_ns
        return True

    def set_speed(self, speed: float) -> float:
        self.period_ns = round(self._full_ns / speed)
        return speed

    def yield_to_tick(self) -> None:
        """Called by the planner's thread between two parts of its work: wait while a due tick has not begun.

        Python runs one thread at a time. The planner's many short calculations each release the interpreter lock for
        some microseconds only. A thread that wakes on another core hardly ever gets the lock in so short a time.
        """
        for _ in range(_YIELD_TURNS):
            before = self.deadline_ns - self._now_ns()
            if not self._waiting or before > _YIELD_NS:
                return
            self._sleep((max(before, 0) + _YIELD_NS) * 1e-9)


class MaxPaceClock:
    """A tick begins when planner and teacher have answered; no tick is late.

    Args:
        ready: waits until the next tick can begin (`Planning.wait_ready`); raises if that takes too long.
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

    def set_speed(self, speed: float) -> float:
        """Without real time there is no slow motion."""
        del speed
        return 1.0
