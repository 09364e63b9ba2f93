"""What the device bench shows of one instant: a part of `CockpitState`, and its page's only knowledge. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hitl_clic.types.schema import Deflection, Finite

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class BenchAxis:
    """One axis.

    Attributes:
        name, source: of the motion axis, and the raw axis it is read from; empty where there is none.
        raw, shaped: deflection before and after the response; None where a device has none. motion: with speed, mode
            and arm, as the loop gets it.
        curve: the response at even steps of the raw axis from -1 to 1; empty where there is none.
    """

    name: str
    motion: Deflection
    source: str = ""
    raw: Finite | None = None
    shaped: Deflection | None = None
    curve: tuple[Deflection, ...] = ()


@dataclass(frozen=True, slots=True)
class BenchKnob:
    """What can be changed about the chosen axis: its name, its value in words, the keys for less and for more."""

    name: str
    value: str
    less: str
    more: str


@dataclass(frozen=True, slots=True)
class BenchView:
    """One instant of a device that is tried out.

    Attributes:
        device, profile: their names. state: whether it is there, drives, or its emergency stop is held; sentence: that
            in words. axes: one for each base axis; chosen: the name of the one that the knobs are about.
        knobs, keys: what can be changed, and (key, what it does); fixed: why nothing can.
        facts: (what, figure) about rate, queue and age. down: buttons and keys that are held.
        message: what happened last.
    """

    device: str
    state: Literal["away", "rest", "drives", "stop"]
    sentence: str
    axes: tuple[BenchAxis, ...]
    profile: str = ""
    chosen: str = ""
    knobs: tuple[BenchKnob, ...] = ()
    keys: tuple[Row, ...] = ()
    fixed: str = ""
    facts: tuple[Row, ...] = ()
    down: tuple[str, ...] = ()
    message: str = ""
