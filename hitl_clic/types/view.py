"""What the loop shows of itself and hands on: its newest instant, and the union of all records. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import (
    EVERYTHING,
    Array,
    CommandFrame,
    CorrectionMode,
    EpisodeRecord,
    EventRecord,
    GateState,
    Plan,
    SnapshotRecord,
    SwapRecord,
    TickRecord,
)
from hitl_clic.types.scene import Scene

Record = TickRecord | Plan | ChunkPair | SnapshotRecord | SwapRecord | EventRecord | EpisodeRecord


@dataclass(frozen=True, slots=True)
class LoopView:
    """What the loop shows of itself: the newest instant, for window and dashboard.

    Attributes:
        tick, episode, step: where it is. state, correction_mode, command_frame, correction_axes:
            the gate's. scene: None where nobody draws.
        robot_chunk: the rest of the running chunk from here, [k, dim_a], or None. execute: Ta.
        record: the newest tick; None at the beginning. progress: the task's own figures.
        asks: the robot asks for help. approving: the teacher drives without moving, which
            approves what the robot does.
    """

    tick: int
    episode: int
    step: int
    state: GateState
    correction_mode: CorrectionMode
    scene: Scene | None
    robot_chunk: Array | None
    step_in_chunk: int
    record: TickRecord | None
    progress: dict[str, float]
    asks: bool = False
    command_frame: CommandFrame = "world"
    correction_axes: str = EVERYTHING
    approving: bool = False
