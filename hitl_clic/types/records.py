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
        chunk: float32 [H, dim_a] in [-1, 1].
        energy: E(s, chunk) under the weights used.
        weight_version: version of those weights.
        newest_pair: newest pair in their training; -1 if none.
        started_ns, finished_ns: of the inference.
        lead: ticks after t at which it replaces the running chunk; 0: at once.
        ahead: ticks after t of its first step: 0, or `lead` if it was planned for the state expected then.
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
        """The tick of its first step."""
        return self.tick + self.ahead

    @property
    def begins(self) -> int:
        """The first tick at which it can run."""
        return self.tick + self.lead


@dataclass(frozen=True, slots=True)
class TickRecord:
    """One tick.

    Attributes:
        tick, episode, step: number in the session, number of the episode, and number in the episode, from 0.
        time_ns: start of the tick.
        observation: s_t before the step, float32 [dim_o].
        state: the gate's state.
        correction_mode, command_frame, correction_axes: see `control.gate.GateOutput`.
        robot_action: a^r_t, the policy's action.
        human_action: a^h_t or None.
        executed: the action of the task's step.
        taught: 1 for each action axis set by the human, float32 [dim_a]; zeros when the robot drove.
        plan_tick: tick of the plan of robot_action; -1: no plan yet.
        step_in_chunk: index of robot_action in that plan.
        weight_version: weights of that plan.
        device_age_ns, connected: age and state of the device sample used.
        lateness_ns: delay of the start.
        work_ns: duration; in older recordings without the parts after the task's step.
        overrun: the tick ended after the next deadline.
        sections_ns: duration of each part by name (`control.section_timer`); the sum is work_ns.
        reward, success, terminated, truncated: from the task.
        stimulus_tick: tick of the observation to which the teacher reacted; -1: this tick.
        push: displacement of each axis by a relative correction, float32 [dim_a], units of action, not clipped to
            [-1, 1]; None otherwise, and in older recordings.
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
        episode, seed, success: of the episode.
        timesteps: length, ticks.
        feedback_per_step: fraction of ticks that the teacher drove ([CC] Eq. 13).
        l2_error_per_step: mean ||a^r - a*|| over ticks with a known a* ([CC] Eq. 12); NaN without such ticks.
        finished_ns: time of the end.
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
