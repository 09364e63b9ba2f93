"""The raw inputs of one reading, for the device bench and calibration. Immutable; any thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Inputs:
    """One reading, before shaping.

    Attributes:
        raw: deflection by raw axis, 1 at full; empty for devices without raw axes (script, playback).
        held: names of the buttons and keys that are down, bound or not.
        reports: hardware reports in this reading; all but the newest had waited in a queue.
        dropped: total reports lost because a queue was full.
        rest: offset at rest by raw axis, learnt while nobody pushed. origin: the hardware interface that is read.
    """

    raw: Mapping[str, float] = field(default_factory=dict)
    held: tuple[str, ...] = ()
    reports: int = 1
    dropped: int = 0
    rest: Mapping[str, float] = field(default_factory=dict)
    origin: str = ""
