"""`CockpitState`: everything one picture of the cockpit needs.

Made by the actor (in the cockpit's own threads, never in a tick). The window process, the terminal dashboard and the
report read it. Pure data: it knows nothing of pygame, sockets or torch. Its annotations are its schema
(`types.schema`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Literal

import numpy as np
from msgspec import Meta

from hitl_clic.cockpit.state.bench_state import BenchView
from hitl_clic.cockpit.window.keymap import Bindings, Keymap, table
from hitl_clic.types.records import EVERYTHING, Frame, GateState, Kind
from hitl_clic.types.scene import Scene
from hitl_clic.types.schema import Finite, Fraction, Natural, NonNegative

Chunk = tuple[Annotated[tuple[Finite, ...], Meta(min_length=2)], ...]
"""Displacements of the hand, one row a step, in action units: x and y, and y points down like the scene; for tasks with
a stage x, y, z of each hand in the world."""
Driver = Literal["robot", "human", "nobody"]
Correction = Literal["queued", "learned", "followed", "unfollowed", "undone"]
"""Waiting for the learner; in trained batches, and the policy asked again at its state: would do it, would not yet."""
LinkState = Literal["connecting", "connected", "lost", "refused"]


@dataclass(frozen=True, slots=True)
class EpisodeMark:
    """One finished episode as the cockpit shows it: its number, whether the goal was reached, how often the
    teacher drove (fraction of its steps, 0 to 1) and its length in steps."""

    episode: Natural
    success: bool
    feedback: Fraction
    timesteps: Natural = 0


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """Set on the last states of a session: the window then shows its summary page.

    Attributes:
        wall_s: length of the session, seconds. updates: updates the learner did.
        saved_to: folder of the recording, as the person knows it.
    """

    wall_s: NonNegative
    updates: Natural
    saved_to: str


@dataclass(frozen=True, slots=True)
class EnergySlice:
    """A slice of the energy over two action axes, around the robot's chunk at one tick.

    Attributes:
        policy: whose energy it is, in words ("policy v12").
        axes: names of the axes, to the right and downwards. side: points on each, from -1 to 1.
        levels: side * side bytes, row by row: 0 where the energy is least, 255 where it is high.
        robot: the robot's action. human: the teacher's, or None. radius: of the desired ball around it; with a human
            action and without a radius the desired space is the half-plane that begins at `edge` from the robot's
            towards the teacher's.
    """

    policy: str
    axes: tuple[str, str]
    side: Annotated[int, Meta(ge=1)]
    levels: bytes
    robot: tuple[Finite, Finite]
    human: tuple[Finite, Finite] | None = None
    radius: NonNegative | None = None
    edge: NonNegative = 0.0


@dataclass(frozen=True, slots=True)
class CockpitState:
    """One instant of a session, as a teacher sees it. Every field but the task's name and scene has a default.

    Attributes:
        task: name for the person. scene: what stands where. time_s: since the session began, seconds.
        robot_chunk: the plan in use, from its first step; execute: its first Ta steps will run;
            step_in_chunk: how many of its steps have run, so that step is the one that leaves `scene.hand`.
        human_chunk: the teacher's correction from `scene.hand` on; a single step is drawn as a direction.
        desired_radius: radius of the desired set around the end of `human_chunk`, action units.
        gate: who may drive. kind, frame, about: how a correction is read, along whose axes, about which group of them.
        hint: how to hand over ("hold Space to drive"). lets_pass: the teacher holds on without pushing, and so teaches
            that what the robot does is right.
        asks: the robot doubts its plan.
        device, device_age_s, device_connected: what the teacher holds, age of its newest sample, whether it is there.
        device_note: what it would move now ("moving · arm 1 of 2"); may be empty.
        device_keys: its key map for the help page, (what to press, what it does).
        window_keys: the window's own keys that are others than by default.
        foot: lines of keys at the foot of the panel, (key, word), where they are not those of a teacher.
        weight_version, weights_age_s: version in use (0 untrained), seconds since it took over.
        pairs_*: corrections made, waiting for the learner, in trained batches, given up.
        updates_per_s: of the learner, over the last seconds.
        episode, step, max_steps: numbers from 0; progress: task's own figure in words ("coverage 0.63").
        history: finished episodes, oldest first. corrections: the newest ones, oldest first.
        loop_hz, target_hz: measured and wanted rate of the loop (0 while unknown).
        lateness_p99_ms, lateness_worst_ms, overruns: of the session's ticks.
        sections: (name, p50, p99) of each part of a tick, ms.
        link, link_detail: state of the connection to the learner and a sentence about it.
        message: what happened last, one sentence; may be empty. end: set when the session is over.
        energy_slice: the energy around the plan, or a sentence that says why there is none.
        practice: the score, where a person drives alone and nothing is learned; `history` then has the share of the
            time that each episode took in place of the share driven.
        bench: a device that is tried out, which then has the whole window.
    """

    task: str
    scene: Scene
    time_s: NonNegative = 0.0
    robot_chunk: Chunk | None = None
    execute: Natural = 0
    step_in_chunk: Natural = 0
    human_chunk: Chunk | None = None
    desired_radius: NonNegative | None = None
    gate: GateState = "autonomous"
    kind: Kind = "relative"
    frame: Frame = "camera"
    about: str = EVERYTHING
    hint: str = ""
    approving: bool = False
    asks: bool = False
    device: str = ""
    device_age_s: NonNegative = 0.0
    device_connected: bool = True
    device_note: str = ""
    device_keys: tuple[tuple[str, str], ...] = ()
    window_keys: Bindings = ()
    foot: tuple[tuple[tuple[str, str], ...], ...] = ()
    weight_version: Natural = 0
    weights_age_s: NonNegative = 0.0
    pairs_made: Natural = 0
    pairs_queued: Natural = 0
    pairs_learned: Natural = 0
    pairs_dropped: Natural = 0
    updates_per_s: NonNegative = 0.0
    episode: Natural = 0
    step: Natural = 0
    max_steps: Natural = 0
    progress: str = ""
    history: tuple[EpisodeMark, ...] = ()
    corrections: tuple[Correction, ...] = ()
    loop_hz: NonNegative = 0.0
    target_hz: NonNegative = 0.0
    lateness_p99_ms: NonNegative = 0.0
    lateness_worst_ms: NonNegative = 0.0
    overruns: Natural = 0
    sections: tuple[tuple[str, NonNegative, NonNegative], ...] = ()
    link: LinkState = "connecting"
    link_detail: str = ""
    message: str = ""
    practice: str = ""
    energy_slice: EnergySlice | str = "No energy to look at yet"
    bench: BenchView | None = None
    end: SessionEnd | None = None

    def check(self) -> None:
        """Raise ValueError, naming the field, if the state holds what cannot be drawn."""
        pose, shown = self.scene.pose, self.energy_slice
        if pose is not None:
            if len(pose.joints) % 4:
                raise ValueError(f"scene.pose: {len(pose.joints)} bytes are no numbers of 4 bytes")
            if not np.isfinite(np.frombuffer(pose.joints, "<f4")).all():
                raise ValueError("scene.pose: holds a number that is not finite")
        try:
            table(self.window_keys)
        except ValueError as error:
            raise ValueError(f"window_keys: {error}") from error
        if isinstance(shown, EnergySlice) and len(shown.levels) != shown.side**2:
            raise ValueError(f"energy_slice: {len(shown.levels)} levels are not {shown.side} x {shown.side}")

    @property
    def keymap(self) -> Keymap:
        """The window's keys."""
        return table(self.window_keys)

    @property
    def driver(self) -> Driver:
        """Who moves the robot now: follows from the gate."""
        if self.gate == "autonomous":
            return "robot"
        return "human" if self.gate == "correcting" else "nobody"
