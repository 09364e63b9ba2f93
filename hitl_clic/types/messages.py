"""Messages between actor and learner, also stored in recordings. Pure data; any thread.

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
"""Version of the link protocol; a peer with another version is refused."""


@dataclass(frozen=True, slots=True)
class ChunkPair:
    """The robot's and the human's chunk for one state: (s_t, a^r, a^h) of [CC] Algorithm 1, line 8.

    Attributes:
        id: unique within a run: 0, 1, 2, ...
        episode: from 0.
        tick: session tick of `state`.
        correction_mode: "absolute": a^h is the desired action. "relative": a^h is only better than a^r.
        state: s_t, float32 [dim_o].
        robot: a^r[t:t+H], the policy's intended actions from `state` on, float32 [H, dim_a]. If a correction begins
            within a chunk: the rest of that chunk, its last step repeated up to H. For a relative correction: the
            robot's action at each tick itself.
        human: a^h[t:t+H], padded to H, float32 [H, dim_a].
        mask: 1 for each taught step and axis of `human`, else 0, float32 [H, dim_a].
        weight_version: weights that planned `robot`.
        device_age_ns: age of the oldest device sample that the label was made of, at the tick that used it.
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
        run_id: of the learner run; unchanged by a resume.
        version: 1, 2, 3, ... for each publication; 0: untrained.
        parent: version from which training continued.
        step: number of updates.
        newest_pair: greatest pair id that has been in a batch; -1 before the first.
        tensors: little-endian arrays by name, all that the policy needs.
        request: number of the `UpdateRequest` that it answers; -1 if none.
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
    """First message of an actor.

    `settings` must agree on both sides (task, dim_o, dim_a, horizon, method and its settings). It is a flat mapping, so
    a refusal can name the field that differs.
    """

    run_id: str
    actor_id: str
    settings: Scalars
    protocol: Natural = PROTOCOL


@dataclass(frozen=True, slots=True)
class UpdateRequest:
    """Request for `updates` updates on all pairs sent before (`--schedule lockstep`)."""

    request: Natural
    updates: Natural


@dataclass(frozen=True, slots=True)
class LearnerStatus:
    """Heartbeat of the learner.

    Attributes:
        updates_per_s: over the last seconds.
        pairs: number in the buffer; `ingested`, `duplicated`, `withdrawn`: numbers over the run.
        version: newest published weights.
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
    """Status of the link on the actor's side, for the cockpit and the summary.

    Attributes:
        detail: one sentence; the reason if refused.
        silence_s: time since the learner's last message, s.
        made, acknowledged, dropped: numbers of pairs.
        malformed: number of messages that could not be decoded.
    """

    state: Literal["connecting", "connected", "lost", "refused"]
    detail: str = ""
    silence_s: float = 0.0
    made: int = 0
    acknowledged: int = 0
    dropped: int = 0
    malformed: int = 0
    learner: LearnerStatus = field(default_factory=LearnerStatus)
