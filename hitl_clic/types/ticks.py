"""Seconds as numbers of control ticks. Pure; any thread."""

from __future__ import annotations

import math


def ticks_of(seconds: float, rate_hz: float) -> int:
    """Number of ticks in a duration, rounded, at least 1."""
    return max(1, round(seconds * rate_hz))


def ticks_behind(seconds: float, rate_hz: float) -> int:
    """Number of whole ticks by which a decision comes late that takes `seconds` after its observation.

    The observation of a tick is available almost one period before the tick begins. So a part of a period adds no
    delay: a quarter of a second at 10 Hz is two ticks.
    """
    return math.floor(seconds * rate_hz + 1e-9)
