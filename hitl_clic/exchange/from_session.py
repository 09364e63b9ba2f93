"""The episodes of a recorded session, one after another, in memory that does not grow with the session.

Any thread; reads only. A pair is complete before its episode's last tick is followed by another, so an episode is
complete when the next one begins.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from hitl_clic.correction.from_recording import kept_pairs, withdrawn_ids
from hitl_clic.correction.padding import Padding
from hitl_clic.exchange.episode import Column, Episode, Layout
from hitl_clic.session.curation import Choice, Curation
from hitl_clic.session.reader import Session
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import EpisodeRecord, EventRecord, SnapshotRecord, TickRecord


@dataclass(slots=True)
class _Open:
    """The records of one episode so far."""

    ticks: list[TickRecord] = field(default_factory=list)
    pairs: list[ChunkPair] = field(default_factory=list)
    snapshots: list[SnapshotRecord] = field(default_factory=list)


def episodes_of(session: Session, layout: Layout, padding: Padding, choice: Choice) -> Iterator[Episode]:
    """The chosen episodes of a session, without withdrawn pairs.

    An episode that a person started again is left out. One that was interrupted has no end, and is not finished.

    Args:
        layout: of the export. padding: of the recorded correction settings.

    Raises:
        ValueError: the recording cannot be read, or its shapes are not those of the layout.
    """
    curation = Curation.of(session)
    ended = {record.episode: record for record in session.of(EpisodeRecord)}
    withdrawn = withdrawn_ids(session.of(EventRecord))
    reset = reset_episodes(session)
    for number, opened in _opened(session):
        end = ended.get(number)
        if (end is None and number in reset) or not curation.takes(number, end, choice):
            continue
        ticks = opened.ticks
        kept = [pair for pair in kept_pairs(opened.pairs, withdrawn, padding) if not curation.withdraws(pair.tick)]
        yield Episode(
            columns=_columns(ticks, kept, layout, session),
            session=session.path.parent.name,
            number=number + 1,
            seed=end.seed if end is not None else (opened.snapshots[0].seed if opened.snapshots else -1),
            success=curation.success(number, end),
            finished=end is not None,
            snapshots=tuple(opened.snapshots),
        )


def reset_episodes(session: Session) -> frozenset[int]:
    """Numbers from 0 of the episodes that a person started again without keeping their corrections."""
    ends = {event.tick for event in session.of(EventRecord) if event.name == "reset"}
    found: set[int] = set()
    last: TickRecord | None = None
    for tick in session.of(TickRecord) if ends else ():
        if last is not None and tick.episode != last.episode and tick.tick in ends:
            found.add(last.episode)
        last = tick
    if last is not None and last.tick + 1 in ends:
        found.add(last.episode)
    return frozenset(found)


def _opened(session: Session) -> Iterator[tuple[int, _Open]]:
    """Each episode's number from 0 and its records."""
    number, opened = -1, _Open()
    begun: list[SnapshotRecord] = []  # of the next episode: its first snapshot comes before its first tick
    for record in session.records(TickRecord, ChunkPair, SnapshotRecord):
        match record:
            case TickRecord():
                if record.episode != number:
                    if opened.ticks:
                        yield number, opened
                    number, opened, begun = record.episode, _Open(snapshots=begun), []
                opened.ticks.append(record)
            case SnapshotRecord():
                (opened.snapshots if record.episode == number else begun).append(record)
            case ChunkPair():
                opened.pairs.append(record)
    if opened.ticks:
        yield number, opened


def _columns(
    ticks: Sequence[TickRecord], pairs: Sequence[ChunkPair], layout: Layout, session: Session
) -> dict[str, Column]:
    dim_a = len(layout.axes)
    columns = {
        feature.name: np.zeros(
            (len(ticks), *(() if feature.shape == (1,) else feature.shape)),
            object if feature.dtype == "string" else feature.dtype,
        )
        for feature in layout.features
    }
    nobody = np.zeros(dim_a, np.float32)
    human = [nobody if tick.human_action is None else tick.human_action for tick in ticks]
    driven = [tick.state == "correcting" for tick in ticks]
    by_name: dict[str, Sequence[Any]] = {
        "observation.state": [tick.observation for tick in ticks],
        "action": [tick.executed for tick in ticks],
        "next.reward": [tick.reward for tick in ticks],
        "next.done": [tick.terminated or tick.truncated for tick in ticks],
        "next.success": [tick.success for tick in ticks],
        "intervention": driven,
        "driver": ["human" if human_drove else "robot" for human_drove in driven],
        "robot_action": [tick.robot_action for tick in ticks],
        "human_action": human,
        "taught": [tick.taught for tick in ticks],
        "weights_version": [tick.weight_version for tick in ticks],
        "tick": [tick.tick for tick in ticks],
        "time_ns": [tick.time_ns for tick in ticks],
    }
    columns["pair.id"][:] = -1
    columns["pair.mode"][:] = ""
    try:
        for name, values in by_name.items():
            _fill(columns[name], values)
        _add_pairs(columns, ticks, pairs)
    except ValueError as problem:
        raise ValueError(f"{session.path}: {problem}") from problem
    return columns


def _fill(column: Column, values: Sequence[Any]) -> None:
    """Copy the values. Their shapes must be exactly those of the column's rows: numpy would broadcast others."""
    array = np.array(values, dtype=column.dtype)
    if array.ndim > column.ndim and array.shape[-1] == 1:
        array = array[..., 0]
    if array.shape != column.shape:
        raise ValueError(f"a record has shape {list(array.shape[1:])}, expected {list(column.shape[1:])}")
    column[...] = array


def _add_pairs(columns: dict[str, Column], ticks: Sequence[TickRecord], pairs: Sequence[ChunkPair]) -> None:
    rows = {tick.tick: row for row, tick in enumerate(ticks)}
    for pair in pairs:
        row = rows.get(pair.tick)
        if row is None:
            raise ValueError(f"pair {pair.id} is of tick {pair.tick}, which its episode does not have")
        if columns["pair.id"][row] >= 0:
            raise ValueError(f"tick {pair.tick} has two pairs, {columns['pair.id'][row]} and {pair.id}")
        if not np.array_equal(pair.state, columns["observation.state"][row]):
            raise ValueError(f"the state of pair {pair.id} is not the observation of its tick {pair.tick}")
        if pair.human.shape != columns["pair.human"].shape[1:]:
            raise ValueError(f"pair {pair.id} has a chunk of shape {list(pair.human.shape)}")
        columns["pair.id"][row] = pair.id
        columns["pair.mode"][row] = pair.correction_mode
        columns["pair.robot"][row] = pair.robot
        columns["pair.human"][row] = pair.human
        columns["pair.mask"][row] = pair.mask
        columns["pair.weights_version"][row] = pair.weight_version
        columns["pair.device_age_ns"][row] = pair.device_age_ns
        columns["pair.made_ns"][row] = pair.made_ns
