"""Time that a test controls."""

from __future__ import annotations

from hitl_clic.control.clock import RealTimeClock

MS = 1_000_000


class Time:
    """Time that goes on only where somebody sleeps or works, nanoseconds; a sleep lasts a little longer than asked."""

    def __init__(self, late_ns: int = 0) -> None:
        self.now, self.late_ns = 7 * MS, late_ns

    def __call__(self) -> int:
        return self.now

    def seconds(self) -> float:
        return self.now * 1e-9

    def sleep(self, seconds: float) -> None:
        self.now += round(seconds * 1e9) + self.late_ns

    def clock(self, rate_hz: float) -> RealTimeClock:
        clock = RealTimeClock(rate_hz, self, self.sleep)
        clock.start()
        return clock
