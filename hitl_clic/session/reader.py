"""Reader of recorded sessions, complete or incomplete. Any thread; reads records only on demand.

A file that ends early (kill -9, power failure) or has damaged chunks gives all other records; `lost` describes the
rest. Opening a file that only lacks its end repairs it (`repair`).
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Iterator, Mapping
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from mcap.records import Channel, Message

from hitl_clic.session.repair import repair
from hitl_clic.session.scan import Notes, file_of, files_of, intact_records
from hitl_clic.session.topics import BY_NAME, BY_TYPE, SettingsRecord
from hitl_clic.types.messages import ChunkPair, LinkStatus
from hitl_clic.types.records import EpisodeRecord, EventRecord, Plan, SnapshotRecord, SwapRecord, TickRecord

log = logging.getLogger(__name__)
T = TypeVar("T")


class Session:
    """One recorded session. Open it with `Session.open`.

    Attributes:
        path: the MCAP file; the first, if the session went on. paths: all its files, in order.
        finished: the file has its index and its end, so that other MCAP readers open it.
        truncated: the end of the file is missing, or was before a repair.
        lost: what could not be read, as a sentence; empty if nothing.
        counts: number of records by topic.
        dropped: number of records that the recorder dropped; None if unknown.
        cut: the files that lack nothing but their end.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self.paths = files_of(path)
        self.counts: Mapping[str, int] = {}
        scans = self._scan()
        self.finished = all(notes.finished for notes in scans)
        self.truncated = any(notes.truncated for notes in scans)
        self.lost = "; ".join(problem for notes in scans for problem in notes.damage)
        dropped = [notes.dropped for notes in scans if notes.dropped is not None]
        self.dropped = sum(dropped) if len(dropped) == len(scans) else None
        self.cut = tuple(
            path
            for path, notes in zip(self.paths, scans, strict=True)
            if not notes.finished and not notes.damaged_chunks
        )

    @classmethod
    def open(cls, path: Path | str) -> Session:
        """Open a session folder or its MCAP file.

        A file whose end is missing is repaired first, unless it is being recorded or cannot be written.

        Raises:
            ValueError: no such file, not a session, or nothing readable in it.
        """
        session = cls(file_of(path))
        repaired = False
        for file in session.cut:
            try:
                repaired |= repair(file) is not None
            except (ValueError, OSError) as problem:
                log.info("%s stays as it is: %s", file, problem)
        return cls(session.path) if repaired else session

    def of(self, kind: type[T]) -> Iterator[T]:
        """All records of one type in the order of the file, read lazily.

        Raises:
            ValueError: a record lacks a field or has a wrong one; names the file, topic and field.
        """
        return self.records(kind)

    def records(self, *kinds: type) -> Iterator[Any]:
        """Records of some types (without arguments: all), as `of`."""
        topics = {BY_TYPE[kind].name for kind in kinds} if kinds else set(BY_NAME)
        for path in self.paths:
            for name, text in _texts(path, Notes()):
                if name in topics:
                    try:
                        yield BY_NAME[name].loads(text)
                    except ValueError as problem:
                        raise ValueError(f"{path}: {problem}; it was probably written by another version") from problem

    @cached_property
    def settings(self) -> SettingsRecord:
        """The settings. Raises ValueError if the recording ends before them."""
        for record in self.of(SettingsRecord):
            return record
        raise ValueError(f"{self.path}: it holds no settings (it ends too early); use another session")

    @cached_property
    def ticks(self) -> list[TickRecord]:
        return list(self.of(TickRecord))

    @cached_property
    def plans(self) -> list[Plan]:
        return list(self.of(Plan))

    @cached_property
    def pairs(self) -> list[ChunkPair]:
        return list(self.of(ChunkPair))

    @cached_property
    def snapshots(self) -> list[SnapshotRecord]:
        return list(self.of(SnapshotRecord))

    @cached_property
    def events(self) -> list[EventRecord]:
        return list(self.of(EventRecord))

    @cached_property
    def swaps(self) -> list[SwapRecord]:
        """Every change of weights."""
        return list(self.of(SwapRecord))

    @cached_property
    def episodes(self) -> list[EpisodeRecord]:
        """Every finished episode."""
        return list(self.of(EpisodeRecord))

    @cached_property
    def statuses(self) -> list[LinkStatus]:
        """Every recorded status of link and learner."""
        return list(self.of(LinkStatus))

    def _scan(self) -> list[Notes]:
        counts: Counter[str] = Counter()
        scans = [Notes() for _ in self.paths]
        for path, notes in zip(self.paths, scans, strict=True):
            found = Counter(name for name, _ in _texts(path, notes))
            if not found and notes.damage:
                raise ValueError(f"{path}: nothing in it can be read ({notes.damage[0]}); use another session")
            counts += found
        self.counts = counts
        return scans


def _texts(path: Path, notes: Notes) -> Iterator[tuple[str, bytes]]:
    """Topic and JSON text of every intact record; fills `notes`."""
    channels: dict[int, str] = {}
    for record in intact_records(path, notes):
        if isinstance(record, Channel):
            channels[record.id] = record.topic
        elif isinstance(record, Message) and channels.get(record.channel_id) in BY_NAME:
            yield channels[record.channel_id], record.data
