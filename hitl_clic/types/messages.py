"""The messages that actor and learner send each other and that recordings hold. Pure data; any thread.

Made in `correction` (pairs) and `learner` (weights). Their annotations are their schema (`types.schema`).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

import numpy as np

from hitl_clic.types.json_form import Array, Matrix
from hitl_clic.types.records import CorrectionMode
from hitl_clic.types.schema import Index, Nanoseconds, Natural, Scalars

PROTOCOL = 2
"""Version of what is sent between actor and learner; a peer of another version is refused with a sentence."""


@dataclass(frozen=True, slots=True)
class ChunkPair:
    """The robot's and the human's chunk for one state: (s_t, a^r, a^h) of [CC] Algorithm 1, line 8.

    Attributes:
        id: 0, 1, 2, ... within a run; every pair has one, none is used twice.
        episode: episode number, from 0.
        tick: tick of the whole session at which `state` was observed.
        correction_mode: "absolute" (a^h is what the teacher wants) or "relative" (a^h is only better than a^r).
        state: s_t, float32 [dim_o].
        robot: a^r[t:t+H], what the policy meant to do from `state` on, float32 [H, dim_a]. Where a correction begins
            in the middle of a chunk this is the rest of that older plan, its last step held to H. Where a relative
            correction taught, what the robot would have done at that very tick: it is better than that.
        human: a^h[t:t+H], padded to H, float32 [H, dim_a].
        mask: 1 where `human` was really taught (step and axis), else 0, float32 [H, dim_a].
        weight_version: version of the weights that planned `robot`.
        device_age_ns: greatest age of the device samples behind it, nanoseconds.
        made_ns: `perf_counter_ns` of the tick that completed it (actor's clock).
    """

    id: Natural
    episode: Natural
    tick: Natural
    correction_mode: CorrectionMode
    state: Array
    robot: Matrix
    human: Matrix
    mask: Matrix
    weight_version: Natural
    device_age_ns: Nanoseconds
    made_ns: Nanoseconds

    def check(self) -> None:
        """Raise ValueError if the shapes do not fit each other or a number is not finite."""
        shape = self.robot.shape
        if 0 in shape:
            raise ValueError(f"robot has shape {list(shape)}, a chunk without a step or an axis")
        for name in ("human", "mask"):
            found = getattr(self, name).shape
            if found != shape:
                raise ValueError(f"{name} has shape {list(found)}, robot has {list(shape)}")
        for name in ("state", "robot", "human", "mask"):
            if not np.isfinite(getattr(self, name)).all():
                raise ValueError(f"{name} holds a value that is not finite")


@dataclass(frozen=True, slots=True)
class Weights:
    """One version of the policy's parameters.

    Attributes:
        run_id: the learner run they belong to (survives a resume).
        version: 1, 2, 3, ...; grows with every publication; newest wins. 0 means untrained.
        parent: version they were trained on from.
        step: updates done so far.
        newest_pair: greatest pair id that has been in a trained batch; -1 before the first.
        tensors: name -> little-endian array, everything the policy needs.
        request: number of the `UpdateRequest` this publication completes; -1 if unasked.
    """

    run_id: str
    version: Natural
    parent: Natural
    step: Natural
    newest_pair: Index
    tensors: Mapping[str, np.ndarray]
    request: Index = -1


@dataclass(frozen=True, slots=True)
class Hello:
    """First message of an actor: who it is and what it expects of the learner.

    `settings` is what must agree on both sides (task, dim_o, dim_a, horizon, method and its numbers), as a flat
    mapping of names to values, so that a refusal can name the field that differs.
    """

    run_id: str
    actor_id: str
    settings: Scalars
    protocol: Natural = PROTOCOL


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """Ask for exactly `updates` updates after everything sent so far is ingested (`--schedule lockstep`)."""

    request: Natural
    updates: Natural


@dataclass(frozen=True, slots=True)
class LearnerStatus:
    """Heartbeat of the learner.

    Attributes:
        updates: updates done in the run. updates_per_s: over the last seconds.
        pairs: pairs now in the buffer. ingested, duplicated, withdrawn: counts over the run.
        version: newest published weights. losses: newest loss terms by name.
    """

    updates: Natural = 0
    updates_per_s: float = 0.0
    pairs: Natural = 0
    ingested: Natural = 0
    duplicated: Natural = 0
    withdrawn: Natural = 0
    version: Natural = 0
    losses: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class LinkStatus:
    """What the actor knows of the link, for the cockpit and the summary.

    Attributes:
        state: "connecting", "connected", "lost" (heartbeats stopped) or "refused".
        detail: one sentence for a person; says why when refused.
        silence_s: seconds since the learner was last heard.
        made, acknowledged, dropped: pairs given to the link, acknowledged by the learner, given up.
        malformed: frames received and dropped because they were not understood.
        learner: the learner's newest heartbeat.
    """

    state: Literal["connecting", "connected", "lost", "refused"]
    detail: str = ""
    silence_s: float = 0.0
    made: int = 0
    acknowledged: int = 0
    dropped: int = 0
    malformed: int = 0
    learner: LearnerStatus = field(default_factory=LearnerStatus)
