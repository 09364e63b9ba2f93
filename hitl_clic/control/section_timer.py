"""Measures each part of a tick. Loop's thread; reads the clock once for each part."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Literal, get_args

Section = Literal["observe", "authority", "act", "step", "record", "learner", "ask", "publish"]
SECTIONS: tuple[Section, ...] = get_args(Section)
"""The parts of a tick, in order.

observe: the device's sample. authority: commands, the help request and the gate. act: the plan in use, the correction
and the executed action. step: the simulator. record: records, pairs, snapshots, and what is sent to the learner.
learner: the wait for its updates (never in a live session) and its new weights. ask: the forecast, the request for the
next plan and what the scripted teacher sees. publish: the view, with the scene where somebody draws it.
"""


class SectionTimer:
    """Measures a tick part by part: a part begins where the one before it ended.

    Args:
        now_ns: the clock, nanoseconds.
    """

    __slots__ = ("_began_ns", "_last_ns", "_now_ns", "_sections_ns")

    def __init__(self, now_ns: Callable[[], int] = time.perf_counter_ns) -> None:
        self._now_ns = now_ns
        self._began_ns = self._last_ns = 0
        self._sections_ns: dict[str, int] = {}

    def start(self) -> int:
        """Begin a tick; its time, nanoseconds."""
        self._sections_ns = {}
        self._began_ns = self._last_ns = self._now_ns()
        return self._began_ns

    def end(self, section: Section) -> None:
        """The time since the last call belongs to this part. A part that ends twice has both times."""
        now_ns = self._now_ns()
        self._sections_ns[section] = self._sections_ns.get(section, 0) + now_ns - self._last_ns
        self._last_ns = now_ns

    @property
    def elapsed_ns(self) -> int:
        """From the start of the tick to the end of its last part: the sum of all parts, nanoseconds."""
        return self._last_ns - self._began_ns

    @property
    def sections_ns(self) -> dict[str, int]:
        """Nanoseconds by part of this tick; each tick has a new dictionary."""
        return self._sections_ns
