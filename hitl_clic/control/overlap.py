"""How the next chunk is planned while one runs: what is requested, and when the new chunk starts.

Actor's main thread and evaluations. Pure except for the given forecast; imports no torch.

With each overlap a chunk runs Ta ticks. The next chunk is requested `plan_lead` ticks before their end, at tick t, and
starts at t + lead. Until then the running chunk's steps are executed unchanged: `rest[:lead]`.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal, get_args

from hitl_clic.types.records import Array

OverlapName = Literal["sync", "async", "prefix_conditioned", "future_state"]


@dataclass(frozen=True, slots=True)
class PlanRequest:
    """A request for a plan at `tick`; `lead` and `ahead` as in `Plan`.

    Attributes:
        observation: s_t, or the one expected `ahead` ticks later.
        committed, previous: as in `ChunkPolicy.plan`, from the tick on that the observation belongs to.
    """

    tick: int
    observation: Array
    committed: Array
    previous: Array | None
    lead: int = 0
    ahead: int = 0


@dataclass(frozen=True, slots=True)
class Running:
    """The running chunk when the next one is requested.

    Attributes:
        tick: t. observation: s_t.
        rest: the remaining steps of the running chunk from tick t on, [k, dim_a]; k = 0 without one.
        lead: ticks until it is replaced, at most k.
        forecast: the observation expected after some actions, as `Task.forecast`.
    """

    tick: int
    observation: Array
    rest: Array
    lead: int
    forecast: Callable[[Array], Array]


Overlap = Callable[[Running], PlanRequest]


def from_now(running: Running) -> PlanRequest:
    """A chunk from s_t on, without regard to the steps executed meanwhile: its first `lead` steps are never run."""
    return PlanRequest(
        running.tick, running.observation, running.rest[:0], _unless_empty(running.rest), lead=running.lead
    )


def prefix_conditioned(running: Running) -> PlanRequest:
    """A chunk from s_t on whose first `lead` steps are those that are executed meanwhile: the policy plans the rest."""
    rest, lead = running.rest, running.lead
    return PlanRequest(running.tick, running.observation, rest[:lead], _unless_empty(rest), lead=lead)


def future_state(running: Running) -> PlanRequest:
    """A chunk from the state that is expected when it starts: all of its steps can be run."""
    rest, lead = running.rest, running.lead
    expected = running.forecast(rest[:lead]) if lead else running.observation
    return PlanRequest(running.tick, expected, rest[:0], _unless_empty(rest[lead:]), lead=lead, ahead=lead)


OVERLAPS: Mapping[OverlapName, Overlap] = MappingProxyType(
    {"sync": from_now, "async": from_now, "prefix_conditioned": prefix_conditioned, "future_state": future_state}
)
"""By `loop.overlap`. Without a lead, as always in `sync`, all give the same request."""


def check_lead(overlap: OverlapName, lead: int) -> None:
    """Check that an overlap and a lead go together.

    Raises:
        ValueError: they do not.
    """
    if overlap not in OVERLAPS:
        raise ValueError(f"overlap {overlap!r} is unknown; allowed: {', '.join(get_args(OverlapName))}")
    if (lead == 0) != (overlap == "sync"):
        allowed = "0" if overlap == "sync" else "1 or more"
        raise ValueError(f"allowed with overlap {overlap}: {allowed} (sync plans between two ticks, the others ahead)")


def check_room(horizon: int, execute: int, lead: int) -> None:
    """Check that chunks are long enough for a next chunk that starts `lead` ticks after its request.

    Raises:
        ValueError: they are too short.
    """
    most = min(execute, horizon - execute)
    if lead > most:
        raise ValueError(
            f"plan_lead = {lead} does not fit horizon = {horizon} and execute = {execute}; allowed: at most {most}, "
            "the smaller of execute and horizon - execute"
        )


def _unless_empty(steps: Array) -> Array | None:
    return steps if len(steps) else None
