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
from hitl_clic.types.records import EVERYTHING, CommandFrame, CorrectionMode, GateState
from hitl_clic.types.scene import Scene
from hitl_clic.types.schema import Finite, Fraction, Natural, NonNegative
from hitl_clic.types.view import HandNote

Chunk = tuple[Annotated[tuple[Finite, ...], Meta(min_length=2)], ...]
"""Displacements of the hand, one row per step, action units. Flat tasks: x and y, with y downwards as in the scene.
Tasks with a 3-D scene: x, y, z of each hand in the world."""
Correction = Literal["queued", "learnt", "followed", "unfollowed", "discarded"]
"""queued: waits for the learner. learnt: in trained batches. (un)followed: by the newest policy, asked there again."""
LinkState = Literal["connecting", "connected", "lost", "refused"]


@dataclass(frozen=True, slots=True)
class EpisodeMark:
    """One finished episode: number, outcome, share of the steps that the teacher drove (0 to 1), length in steps."""

    episode: Natural
    success: bool
    feedback: Fraction
    timesteps: Natural = 0


@dataclass(frozen=True, slots=True)
class SessionEnd:
    """Part of the last states of a session; the window then shows the summary page.

    Attributes:
        wall_s: length of the session, s. updates: of the policy by the learner. saved_to: folder of the recording.
    """

    wall_s: NonNegative
    updates: Natural
    saved_to: str


@dataclass(frozen=True, slots=True)
class EnergySlice:
    """The energy over two action axes, around the robot's chunk at one tick.

    Attributes:
        policy: name of the policy ("policy v12").
        axes: names of the axes, to the right and downwards. side: points along each, from -1 to 1.
        levels: side * side bytes, row by row: 0 at the lowest energy, 255 at the highest.
        robot: the robot's action. human: the teacher's, or None. radius: of the desired ball around it.
        edge: without a radius, the desired set is a half-plane. It begins at this distance from the robot's action
            towards the teacher's, action units.
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
    """One instant of a session. All fields except the task's name and scene have defaults.

    Attributes:
        task: its display name. time_s: since the session began, s.
        robot_chunk: the plan in use, all its steps. execute: Ta, the steps of it that will run. step_in_chunk: the
            steps that have run; the next one starts at `scene.hand`.
        human_chunk: the teacher's correction, from `scene.hand`. A single step is drawn as a direction.
        desired_radius: radius of the desired set around the end of `human_chunk`, action units.
        gate: who may drive. correction_mode, command_frame, correction_axes: how a correction is read.
        hint: how to hand over ("hold Space to drive"). approving: the teacher holds without steering, so the robot's
            actions count as correct (implicit approval).
        help_requested: the robot is uncertain and asks for help. hand: what to know about the hand at the device.
        device: the teacher's. device_age_s: age of its newest sample, s.
        device_note: what it moves now ("moving · arm 1 of 2"); may be empty.
        device_trouble: why it is not connected; empty if it is, or if that is not known.
        device_keys: its key map for the help page, (what to press, what it does).
        window_keys: the window's keys without the default ones.
        key_labels: (name of a key, what is printed on it) in the keyboard layout in use, where these differ.
        key_rows: rows of (key, word) at the foot of the panel; empty for those of a teacher.
        weight_version, weights_age_s: version in use (0: untrained), and its time in use, s.
        pairs_*: training pairs made, waiting for the learner, in trained batches, dropped.
        updates_per_s: of the learner, over the last seconds.
        episode, step: counted from 0. max_steps: 0 for no limit. progress: the task's own figure ("coverage 0.63").
        history: finished episodes, oldest first. corrections: the newest ones, oldest first.
        speed: share of the loop's rate; below 1 in slow motion.
        loop_hz, target_hz: measured and wanted rate of the control loop (0: unknown).
        lateness_p99_ms, lateness_worst_ms, overruns: of the session's ticks.
        sections: (name, p50, p99) of each part of a tick, ms.
        link, link_detail: state of the connection to the learner, and a sentence about it.
        message: the last event, one sentence; may be empty. end: set when the session is over.
        energy_slice: the energy, or a sentence why there is none.
        practice: the score in practice mode, where nothing is learnt; else empty. `feedback` in `history` is then the
            share of the time limit that each episode took.
        bench: the device bench, which covers the whole window.
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
    correction_mode: CorrectionMode = "relative"
    command_frame: CommandFrame = "camera"
    correction_axes: str = EVERYTHING
    hint: str = ""
    approving: bool = False
    help_requested: bool = False
    hand: HandNote = ""
    device: str = ""
    device_age_s: NonNegative = 0.0
    device_connected: bool = True
    device_note: str = ""
    device_trouble: str = ""
    device_keys: tuple[tuple[str, str], ...] = ()
    window_keys: Bindings = ()
    key_labels: Bindings = ()
    key_rows: tuple[tuple[tuple[str, str], ...], ...] = ()
    weight_version: Natural = 0
    weights_age_s: NonNegative = 0.0
    pairs_made: Natural = 0
    pairs_queued: Natural = 0
    pairs_learnt: Natural = 0
    pairs_dropped: Natural = 0
    updates_per_s: NonNegative = 0.0
    episode: Natural = 0
    step: Natural = 0
    max_steps: Natural = 0
    progress: str = ""
    history: tuple[EpisodeMark, ...] = ()
    corrections: tuple[Correction, ...] = ()
    speed: NonNegative = 1.0
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
        return table(self.window_keys, self.key_labels)
