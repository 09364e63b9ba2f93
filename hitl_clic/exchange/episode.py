"""One episode as columns of arrays: the form between a recorded session and a file format. Pure; any thread.

The names are LeRobot's conventions where it has them: observation.state, action, next.reward, next.done, next.success,
intervention, timestamp. The others hold what other formats have no name for: both chunks of each pair, and who drove.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import SnapshotRecord

Column = NDArray[Any]
DType = Literal["float32", "int64", "bool", "string"]

STATE, ACTION = "observation.state", "action"
PAIR = "pair."
"""Prefix of the columns of a `ChunkPair`."""


@dataclass(frozen=True, slots=True)
class Feature:
    """One column.

    Attributes:
        shape: of one row; (1,) is a number.
        names: of the last dimension's entries; empty if they have none.
    """

    name: str
    dtype: DType
    shape: tuple[int, ...] = (1,)
    names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Layout:
    """What all episodes of one export have in common.

    Attributes:
        task: name of the task. rate_hz: ticks per second. horizon: H, steps of a chunk.
        dim_o: numbers of an observation. axes: names of the action's axes.
    """

    task: str
    rate_hz: float
    horizon: int
    dim_o: int
    axes: tuple[str, ...]

    @property
    def features(self) -> tuple[Feature, ...]:
        """The columns of an episode, in order."""
        axes, dim_a = self.axes, len(self.axes)
        chunk = (self.horizon, dim_a)
        return (
            Feature(STATE, "float32", (self.dim_o,), tuple(f"state_{index}" for index in range(self.dim_o))),
            Feature(ACTION, "float32", (dim_a,), axes),
            Feature("next.reward", "float32"),
            Feature("next.done", "bool"),
            Feature("next.success", "bool"),
            Feature("intervention", "bool"),
            Feature("driver", "string"),
            Feature("robot_action", "float32", (dim_a,), axes),
            Feature("human_action", "float32", (dim_a,), axes),
            Feature("taught", "float32", (dim_a,), axes),
            Feature("weights_version", "int64"),
            Feature("tick", "int64"),
            Feature("time_ns", "int64"),
            Feature("pair.id", "int64"),
            Feature("pair.mode", "string"),
            Feature("pair.robot", "float32", chunk, axes),
            Feature("pair.human", "float32", chunk, axes),
            Feature("pair.mask", "float32", chunk, axes),
            Feature("pair.weights_version", "int64"),
            Feature("pair.device_age_ns", "int64"),
            Feature("pair.made_ns", "int64"),
        )


@dataclass(frozen=True, slots=True, eq=False)
class Episode:
    """One episode of T ticks.

    Attributes:
        columns: by name, [T, ...]; a number has shape [T].
        session: name of the session's folder. number: of the episode in it, from 1, as tables show it.
        finished: it has an end; an interrupted episode has none and counts as not successful.
        snapshots: the task's exact states, in order; empty if unknown.
    """

    columns: Mapping[str, Column]
    session: str
    number: int
    seed: int
    success: bool
    finished: bool = True
    snapshots: tuple[SnapshotRecord, ...] = ()

    def __len__(self) -> int:
        return len(self.columns[ACTION])

    def pairs(self, episode: int) -> Iterator[ChunkPair]:
        """The pairs in the columns, in the order of their ticks.

        Args:
            episode: what they hold as their episode, from 0.
        """
        columns = self.columns
        if "pair.id" not in columns:
            return
        for row in np.flatnonzero(columns["pair.id"] >= 0).tolist():
            yield ChunkPair(
                id=int(columns["pair.id"][row]),
                episode=episode,
                tick=int(columns["tick"][row]),
                correction_mode="relative" if columns["pair.mode"][row] == "relative" else "absolute",
                state=columns[STATE][row].reshape(-1),
                robot=columns["pair.robot"][row],
                human=columns["pair.human"][row],
                mask=columns["pair.mask"][row],
                weight_version=int(columns["pair.weights_version"][row]),
                device_age_ns=int(columns["pair.device_age_ns"][row]),
                made_ns=int(columns["pair.made_ns"][row]),
            )
