"""What the device bench shows: a part of `CockpitState`. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from hitl_clic.types.schema import Deflection, Finite

Row = tuple[str, str]


@dataclass(frozen=True, slots=True)
class BenchAxis:
    """One axis.

    Attributes:
        name, source: the motion axis, and its raw axis, empty for none.
        raw, shaped: deflection before and after the response curve; None if the device has no raw axes.
        motion: as the control loop gets it, after speed, mode and arm.
        curve: the response at even steps of the raw axis from -1 to 1; empty for none.
    """

    name: str
    motion: Deflection
    source: str = ""
    raw: Finite | None = None
    shaped: Deflection | None = None
    curve: tuple[Deflection, ...] = ()


@dataclass(frozen=True, slots=True)
class BenchKnob:
    """One setting of the chosen axis: its name, its value as text, the keys for less and more."""

    name: str
    value: str
    less: str
    more: str


@dataclass(frozen=True, slots=True)
class BenchView:
    """One instant of a device on the bench.

    Attributes:
        device, profile: their names. state: "away" (not connected), "rest", "drives" or "stop" (emergency stop held).
        sentence: the state as text. axes: one per base axis. chosen: name of the axis whose settings are shown.
        knobs: its settings. fixed: why there are none. keys: (key, what it does).
        facts: (name, figure) of rate, queue and age. down: buttons and keys that are held. message: the last event.
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
