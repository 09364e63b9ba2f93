"""Waits that count only the time in which this process ran.

A process can be stopped and continued, by a shell, a debugger or a laptop that sleeps. The clock goes on meanwhile, so
a deadline would pass although nobody had a chance to answer. Any thread; imports nothing of the package.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Protocol

SLICE_S = 0.5
"""Longest single wait, s. One wait counts at most this much, however long the process was stopped meanwhile."""


class Waitable(Protocol):
    """The part of `threading.Condition` that `wait_for` needs; its lock is held."""

    def wait(self, timeout: float | None = None) -> bool: ...


def wait_for(condition: Waitable, done: Callable[[], bool], timeout_s: float) -> bool:
    """Wait until `done()`, which is asked after every notification; False after `timeout_s` of waiting.

    Args:
        condition: its lock is held by the caller. timeout_s: s, of the time in which the process ran.
    """
    left_s = timeout_s
    while not done():
        if left_s <= 0:
            return False
        wait_s = min(SLICE_S, left_s)
        if not condition.wait(wait_s):
            left_s -= wait_s
    return True
