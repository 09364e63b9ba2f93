"""The small messages by which the two sides of the link keep each other informed. Pure data.

The actor says `Hello`; the learner answers `Welcome` or `Refusal`, or `Stranger` to anybody it was not introduced
to. `Alive` and `LearnerStatus` are the heartbeats. Pairs and withdrawals are answered by `Acknowledgement`.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Heartbeat of an actor. `version`: newest weights it has received, 0 if none."""

    version: int


@dataclass(frozen=True, slots=True)
class Goodbye:
    """The actor leaves in good order."""


@dataclass(frozen=True, slots=True)
class Withdrawal:
    """The teacher takes a correction back: forget the pair, whether it has arrived or not."""

    pair_id: int


@dataclass(frozen=True, slots=True)
class Welcome:
    """The learner accepts an actor.

    Attributes:
        run_id: the learner's run. version: its newest published weights, 0 if none.
        known: ids of this actor's run already ingested, as half-open ranges start, stop, start, stop, ...
    """

    run_id: str
    version: int
    known: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Rejected:
    """The learner does not accept an actor. `reason`: one sentence for a person."""

    reason: str


@dataclass(frozen=True, slots=True)
class UnknownPeer:
    """The learner was sent something by somebody who never said hello (to this process)."""


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """Ids of pairs and of withdrawals that are safely in the learner's journal."""

    pairs: tuple[int, ...] = ()
    withdrawals: tuple[int, ...] = ()


@dataclass(frozen=True, slots=True)
class Published:
    """Journal only: weights of this version went out, so that no version is ever used twice."""

    version: int
    step: int


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
