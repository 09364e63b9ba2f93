"""What the loop shows of itself and hands on: its newest instant, and the union of all records. Pure data."""

from __future__ import annotations

from dataclasses import dataclass

from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import (
    EVERYTHING,
    Array,
    EpisodeRecord,
    EventRecord,
    Frame,
    GateState,
    Kind,
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
        tick, episode, step: where it is. state, kind, frame, about: the gate's. scene: None where nobody draws.
        robot_chunk: the rest of the running chunk from here, [k, dim_a], or None. execute: Ta.
        record: the newest tick; None at the beginning. progress: the task's own figures.
        asks: the robot asks for help. lets_pass: the teacher holds on without pushing, and teaches what is done.
    """

    tick: int
    episode: int
    step: int
    state: GateState
    kind: Kind
    scene: Scene | None
    robot_chunk: Array | None
    step_in_chunk: int
    record: TickRecord | None
    progress: dict[str, float]
    asks: bool = False
    frame: Frame = "world"
    about: str = EVERYTHING
    approving: bool = False
