"""Control messages between actor and learner. Pure data; any thread.

The actor sends `Hello`. The learner answers `Welcome` or `Rejected`, or `UnknownPeer` to other messages of an actor
without a `Hello`. The actor repeats `Heartbeat`, the learner `LearnerStatus`. `Acknowledgement` answers pairs and
withdrawals.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from hitl_clic.types.schema import Natural


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Heartbeat of an actor. `version`: newest weights it has received, 0 if none."""

    version: Natural


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The actor closes the link as planned."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The teacher takes a correction back: the learner forgets the pair, even one that has not arrived yet."""

    pair_id: Natural


@dataclass(frozen=True, slots=True)
class Welcome:
    """The learner accepts an actor.

    Attributes:
        run_id: the learner's run. version: its newest published weights, 0 if none.
        known: ids of this actor's run already ingested, as half-open ranges start, stop, start, stop, ...
    """

    run_id: str
    version: Natural
    known: tuple[Natural, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """The learner refuses an actor. `reason`: one sentence for a person."""

    reason: str


@dataclass(frozen=True, slots=True)
class UnknownPeer:
    """The learner got a message from an actor that has not sent `Hello` to this process."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Ids of the pairs and of the withdrawals that the learner has written to its journal."""

    pairs: tuple[Natural, ...] = ()
    withdrawals: tuple[Natural, ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """Only in the journal: weights of this version were sent, so no other weights may get this version."""

    version: Natural
    step: Natural


def to_ranges(ids: Iterable[int]) -> tuple[int, ...]:
    """Half-open ranges start, stop, start, stop, ... that hold exactly `ids`."""
    ranges: list[int] = []
    for number in sorted(set(ids)):
        if ranges and ranges[-1] == number:
            ranges[-1] = number + 1
        else:
            ranges += [number, number + 1]
    return tuple(ranges)


def in_ranges(ranges: tuple[int, ...], number: int) -> bool:
    """Whether `number` lies in one of the ranges made by `to_ranges`."""
    return any(start <= number < stop for start, stop in zip(ranges[::2], ranges[1::2], strict=False))
