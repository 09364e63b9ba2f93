"""What a device's reading took in, before it was shaped: for benches and calibration. Immutable; any thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Inputs:
    """One reading of the source.

    Attributes:
        raw: deflection by raw axis, 1 at full; empty where a device has none (a script, a playback).
        held: buttons and keys that are down, by name, bound or not.
        reports: reports of the hardware that this reading took in; all but the newest had waited in a queue.
        dropped: reports lost so far because a queue was full.
    """

    raw: Mapping[str, float] = field(default_factory=dict)
    held: tuple[str, ...] = ()
    reports: int = 1
    dropped: int = 0
