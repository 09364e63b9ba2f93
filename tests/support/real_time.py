"""Whether this machine has time enough for a test of real time."""

from __future__ import annotations

import time
from collections.abc import Callable

import pytest


class TooBusyError(Exception):
    """Other programs took so much of the machine that what was measured says nothing."""


def when_calm(measure: Callable[[], None], times: int = 4, pause_s: float = 10.0) -> None:
    """Do it, again after a pause while the machine is too busy; skips the test if it stays so."""
    why = ""
    for attempt in range(times):
        if attempt:
            time.sleep(pause_s)
        try:
            return measure()
        except TooBusyError as error:
            why = str(error)
    pytest.skip(f"this machine is too busy for real time: {why}")


def late_ms() -> float:
    """How late this machine wakes a thread from a short sleep, at one time in ten: other programs' doing."""
    over = []
    for _ in range(50):
        begun = time.perf_counter()
        time.sleep(0.001)
        over.append((time.perf_counter() - begun) * 1e3 - 1.0)
    return sorted(over)[45]
