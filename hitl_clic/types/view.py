"""The newest state of the loop, for display, and the union of all records. Pure data."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

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

HandNote = Literal["", "let go", "push", "still"]
"""let go: the hand must be released before it can take over. push: the correction has taught nothing yet. still: it
teaches standing still."""
Record = TickRecord | Plan | ChunkPair | SnapshotRecord | SwapRecord | EventRecord | EpisodeRecord


@dataclass(frozen=True, slots=True)
class LoopView:
    """The newest state of the loop, for the window and the dashboard.

    Attributes:
        scene: None if nothing is drawn.
        robot_chunk: the rest of the running chunk, [k, dim_a], or None.
        record: the newest tick; None at the start.
        progress: figures of the task.
        asks: the robot asks for help.
        approving: the teacher drives without motion, which approves the robot's actions.
        hand: what the teacher should know about the hand at the device.
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
    hand: HandNote = ""
