"""When a session began, on the wall clock and on the monotonic clock. Pure, except `now`; any thread."""

from __future__ import annotations

import time
from dataclasses import dataclass

from hitl_clic.types.dates import utc_text


@dataclass(frozen=True, slots=True)
class StartTime:
    """The begin of a recording on both clocks.

    The wall clock is read once. All later dates follow from the monotonic clock, so a clock that is set during the
    session moves nothing.

    Attributes:
        unix_ns: `time.time_ns()`. monotonic_ns: `time.perf_counter_ns()` at the same moment.
    """

    unix_ns: int
    monotonic_ns: int

    @classmethod
    def now(cls) -> StartTime:
        """Read both clocks."""
        return cls(time.time_ns(), time.perf_counter_ns())

    @property
    def date(self) -> str:
        """ISO 8601 in UTC."""
        return utc_text(self.unix_ns)

    def log_ns(self, monotonic_ns: int) -> int:
        """The wall clock's time of a monotonic time, ns since 1970; 0 for times before 1970."""
        return max(0, self.unix_ns + monotonic_ns - self.monotonic_ns)
