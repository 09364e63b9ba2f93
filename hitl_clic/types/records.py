"""Immutable records of the control loop, for storage, sending and drawing.

Made by the actor's main thread, `Plan` by the planner thread. Pure data; imports numpy only. All times are the actor's
`time.perf_counter_ns()`, ns.
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
    """A policy's proposal.

    Attributes:
        chunk: float32 [H, dim_a] in [-1, 1].
        energy: E(s, chunk); NaN if the policy has no energy.
        uncertainty: spread of the chunks with nearly the lowest energy, units of action; NaN if unknown.
    """

    chunk: Array
    energy: float
    uncertainty: float = math.nan


@dataclass(frozen=True, slots=True)
class Plan:
    """One chunk of H steps, requested before tick t.

    Attributes:
        tick: t, the session tick of its observation; unique within an episode.
        chunk, energy, uncertainty: see `Proposal`.
        weight_version, newest_pair: the weights used, and the newest pair in their training (-1: none).
        started_ns, finished_ns: of the inference.
        lead: ticks after t at which it replaces the running chunk; 0: at once.
        ahead: its first step is for this many ticks after t: 0, or `lead` if planned for the state expected then.
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
        return self.tick + self.ahead

    @property
    def begins(self) -> int:
        return self.tick + self.lead


@dataclass(frozen=True, slots=True)
class TickRecord:
    """One tick.

    Attributes:
        tick, episode, step: number in the session, of the episode, and in the episode, from 0.
        time_ns: start of the tick.
        observation: s_t before the step, float32 [dim_o].
        state, correction_mode, command_frame, correction_axes: see `control.gate.GateOutput`.
        robot_action, human_action, executed: a^r_t of the policy, a^h_t or None, and the action of the task's step.
        taught: 1 for each action axis set by the human, float32 [dim_a]; zeros when the robot drove.
        plan_tick, step_in_chunk, weight_version: plan of robot_action (-1: none yet), its index there, and its weights.
        device_age_ns, connected: age and state of the device sample used.
        lateness_ns: delay of the start.
        work_ns: duration; in older recordings without the parts after the task's step.
        overrun: the tick ended after the next deadline.
        sections_ns: duration of each part by name (`control.section_timer`); the sum is work_ns.
        stimulus_tick: tick of the observation to which the teacher reacted; -1: this tick.
        push: displacement of each axis by a relative correction, float32 [dim_a], units of action, not clipped to
            [-1, 1]; None otherwise, and in older recordings.
        speed: share of the loop's rate at this tick, below 1 in slow motion; 1 in older recordings.
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
    speed: float = 1.0

    @property
    def stimulus(self) -> int:
        """The tick of the observation to which the teacher reacted; never -1."""
        return self.tick if self.stimulus_tick < 0 else self.stimulus_tick


@dataclass(frozen=True, slots=True)
class SnapshotRecord:
    """The task's exact state before `tick`, at episode starts and every second."""

    tick: int
    episode: int
    step: int
    time_ns: int
    task: bytes
    seed: int
    """Seed of the episode."""


@dataclass(frozen=True, slots=True)
class SwapRecord:
    """New weights, in use from `tick` on."""

    tick: int
    time_ns: int
    version: int
    parent: int
    step: int
    newest_pair: int


@dataclass(frozen=True, slots=True)
class EventRecord:
    """An event: "success", "failure", "reset", "pause", "discard", "learner_lost", ..."""

    tick: int
    time_ns: int
    name: str
    detail: Mapping[str, str | int | float | bool] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class EpisodeRecord:
    """One finished episode.

    Attributes:
        timesteps: length, ticks.
        feedback_per_step: fraction of ticks that the teacher drove ([CC] Eq. 13).
        l2_error_per_step: mean ||a^r - a*|| over ticks with a known a* ([CC] Eq. 12); NaN without such ticks.
        weight_version: weights in use at the end.
    """

    episode: int
    seed: int
    success: bool
    timesteps: int
    feedback_per_step: float
    l2_error_per_step: float
    finished_ns: int
    weight_version: int
