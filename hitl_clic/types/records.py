"""Immutable records of what happened in the loop, which others store, send or draw.

Made by the actor's main thread (and the planner thread: `Plan`). Pure data; imports numpy only.
All times are `time.perf_counter_ns()` of the actor, nanoseconds.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from hitl_clic.types.json_form import Array, Matrix

GateState = Literal["autonomous", "correcting", "waiting", "paused", "stopped"]
CorrectionMode = Literal["absolute", "relative"]
CommandFrame = Literal["world", "gripper", "camera"]
"""The frame that a teacher's commands are given in. In the camera frame x points right, y to the viewer, z up."""
EVERYTHING = "everything"
"""The name of the group of all action axes; corrections use it unless another group is chosen."""


@dataclass(frozen=True, slots=True)
class Proposal:
    """What a policy would do.

    Attributes:
        chunk: float32 [H, dim_a] in [-1, 1].
        energy: E(s, chunk); what it means is the policy's matter, NaN if it has none.
        uncertainty: spread of the chunks of nearly the lowest energy, units of action; NaN if the policy gives none.
    """

    chunk: Array
    energy: float
    uncertainty: float = math.nan


@dataclass(frozen=True, slots=True)
class Plan:
    """One chunk of H steps that was asked for before tick t.

    Attributes:
        tick: t, the session tick with whose observation it was asked for; no two plans of a scene share it.
        chunk: float32 [H, dim_a] in [-1, 1].
        energy: E(s, chunk) under the weights used.
        weight_version: version of those weights. newest_pair: newest pair they were trained on, -1 if none.
        started_ns, finished_ns: around the inference.
        lead: ticks after t at which it takes over from the chunk that ran when it was asked for; 0 at once.
        ahead: ticks after t that its first step belongs to: 0, or `lead` if it was planned for the state expected then.
        uncertainty: see `Proposal`.
    """

    tick: int
    chunk: Matrix
    energy: float
    weight_version: int
    newest_pair: int
    started_ns: int
    finished_ns: int
    lead: int = 0
    ahead: int = 0
    uncertainty: float = math.nan

    @property
    def first(self) -> int:
        """The tick that its first step belongs to."""
        return self.tick + self.ahead

    @property
    def begins(self) -> int:
        """The first tick at which it may run."""
        return self.tick + self.lead


@dataclass(frozen=True, slots=True)
class TickRecord:
    """Everything about one tick: what was seen, who drove, what was done, how long it took.

    Attributes:
        tick: number in the session, from 0; episode: from 0; step: number in the episode, from 0.
        time_ns: when the tick began. observation: s_t before the step, float32 [dim_o].
        state: the gate's state. correction_mode, command_frame, correction_axes: see `control.gate.GateOutput`.
        robot_action: a^r_t, what the policy would do; human_action: a^h_t or None; executed: what was done.
        taught: 1 for each action axis the human set, float32 [dim_a]; all zero when the robot drove.
        plan_tick: tick of the plan that robot_action comes from (-1: none yet); step_in_chunk: its index there.
        weight_version: weights of that plan. device_age_ns: age of the device sample used; connected: its flag.
        lateness_ns: how late the tick began; work_ns: how long it took to its last part; overrun: it ended after the
            next deadline. Older recordings: up to the simulator's step.
        sections_ns: time by part of the tick, by name (`control.section_timer`); their sum is work_ns.
        reward, success, terminated, truncated: what the task answered.
        stimulus_tick: the tick whose observation the teacher reacted to; -1 is this tick.
        push: of a relative correction how far it pushes each axis, float32 [dim_a], units of action, also where that
            leaves [-1, 1]; None else, and in older recordings.
    """

    tick: int
    episode: int
    step: int
    time_ns: int
    observation: Array
    state: GateState
    correction_mode: CorrectionMode
    robot_action: Array
    human_action: Array | None
    executed: Array
    taught: Array
    plan_tick: int
    step_in_chunk: int
    weight_version: int
    device_age_ns: int
    connected: bool
    lateness_ns: int
    work_ns: int
    overrun: bool
    sections_ns: Mapping[str, int]
    reward: float
    success: bool
    terminated: bool
    truncated: bool
    command_frame: CommandFrame = "world"
    correction_axes: str = EVERYTHING
    stimulus_tick: int = -1
    push: Array | None = None

    @property
    def stimulus(self) -> int:
        """The tick whose observation the teacher reacted to; never -1."""
        return self.tick if self.stimulus_tick < 0 else self.stimulus_tick


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """The task's exact state before `tick` (at episode starts and every second), and the teacher's if scripted."""

    tick: int
    episode: int
    step: int
    time_ns: int
    task: bytes
    seed: int
    """The seed the episode was reset with."""


@dataclass(frozen=True, slots=True)
class SwapRecord:
    """New weights took over between tick - 1 and tick."""

    tick: int
    time_ns: int
    version: int
    parent: int
    step: int
    newest_pair: int


@dataclass(frozen=True, slots=True)
class EventRecord:
    """Something a person or the machine did: "success", "failure", "reset", "pause", "discard", "learner_lost", ..."""

    tick: int
    time_ns: int
    name: str
    detail: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EpisodeRecord:
    """One finished episode.

    Attributes:
        episode, seed, success; timesteps: its length in ticks;
        feedback_per_step: fraction of ticks the teacher drove ([CC] Eq. 13);
        l2_error_per_step: mean ||a^r - a*|| over the ticks at which a* is known ([CC] Eq. 12), NaN if at none;
        finished_ns: when it ended; weight_version: weights in use at its end.
    """

    episode: int
    seed: int
    success: bool
    timesteps: int
    feedback_per_step: float
    l2_error_per_step: float
    finished_ns: int
    weight_version: int
