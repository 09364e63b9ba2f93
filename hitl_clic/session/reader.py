"""Reader of recorded sessions, complete or incomplete. Any thread; reads records only on demand.

A file that ends early (kill -9, power failure) or has damaged chunks gives all other records; `lost` describes the
rest.
"""

from __future__ import annotations

import struct
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from mcap.exceptions import EndOfFile, InvalidMagic, McapError
from mcap.records import Channel, Chunk, Footer, Header, McapRecord, Message, Metadata
from mcap.stream_reader import StreamReader, breakup_chunk
from zstandard import ZstdError

from hitl_clic.session.topics import BY_NAME, BY_TYPE, FORMAT, PROFILE, SettingsRecord
from hitl_clic.types.messages import ChunkPair, LinkStatus
from hitl_clic.types.records import EpisodeRecord, EventRecord, Plan, SnapshotRecord, SwapRecord, TickRecord

T = TypeVar("T")

FILE_NAME = "session.mcap"
_DAMAGE = (McapError, ValueError, KeyError, struct.error, ZstdError, MemoryError, RuntimeError)
"""Exceptions of the MCAP package for damaged bytes (lz4 raises RuntimeError)."""
_LARGEST_CHUNK = 1 << 30


@dataclass(frozen=True, slots=True)
class _Scan:
    """Result of a pass over the file, besides the records."""

    complete: bool
    damage: tuple[str, ...]
    counts: Mapping[str, int]
    dropped: int | None


class Session:
    """One recorded session. Open it with `Session.open`.

    Attributes:
        path: the MCAP file.
        truncated: the end of the file is missing.
        lost: what could not be read, as a sentence; empty if nothing.
        counts: number of records by topic.
        dropped: number of records that the recorder dropped; None if unknown.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        scan = self._scan()
        self.truncated = not scan.complete
        self.lost = "; ".join(scan.damage)
        self.counts = scan.counts
        self.dropped = scan.dropped

    @classmethod
    def open(cls, path: Path | str) -> Session:
        """Open a session folder or its MCAP file.

        Raises:
            ValueError: no such file, not a session, or nothing readable in it.
        """
        given = Path(path)
        file = given / FILE_NAME if given.is_dir() else given
        if not file.is_file():
            what = f"there is no {FILE_NAME} in it" if given.is_dir() else "there is no such file"
            raise ValueError(f"{given}: {what}; give a session folder or its {FILE_NAME}")
        return cls(file)

    def of(self, kind: type[T]) -> Iterator[T]:
        """All records of one type in the order of the file, read lazily.

        Raises:
            ValueError: a record lacks a field or has a wrong one; names the file, topic and field.
        """
        return self.records(kind)

    def records(self, *kinds: type) -> Iterator[Any]:
        """Records of some types (without arguments: all), as `of`."""
        topics = {BY_TYPE[kind].name for kind in kinds} if kinds else set(BY_NAME)
        for name, text in self._texts(_Notes()):
            if name in topics:
                try:
                    yield BY_NAME[name].loads(text)
                except ValueError as problem:
                    raise ValueError(f"{self.path}: {problem}; it was probably written by another version") from problem

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

    def _scan(self) -> _Scan:
        notes = _Notes()
        counts = Counter(name for name, _ in self._texts(notes))
        if not counts and notes.damage:
            raise ValueError(f"{self.path}: nothing in it can be read ({notes.damage[0]}); use another session")
        return _Scan(notes.complete, tuple(notes.damage), counts, notes.dropped)

    def _texts(self, notes: _Notes) -> Iterator[tuple[str, bytes]]:
        """Topic and JSON text of every intact record; fills `notes`."""
        channels: dict[int, str] = {}
        with self.path.open("rb") as file:
            size = self.path.stat().st_size
            if size == 0:
                raise ValueError(f"{self.path}: the file is empty; use another session")
            # A damaged length must not make the reader allocate more memory than the file could fill.
            reader = StreamReader(file, emit_chunks=True, record_size_limit=max(size, 1))
            records = reader.records
            while True:
                position = file.tell()
                try:
                    record = next(records)
                except StopIteration:
                    return
                except InvalidMagic as problem:
                    if position == 0:
                        raise ValueError(
                            f"{self.path}: this is not an MCAP file; give a session folder or its {FILE_NAME}"
                        ) from problem
                    notes.complete = False
                    notes.damage.append(f"the end of the file is damaged at byte {position}")
                    return
                except _DAMAGE as problem:
                    cut = file.tell() >= size or isinstance(problem, EndOfFile)
                    what = "the file ends" if cut else "the file is damaged"
                    notes.damage.append(f"{what} at byte {position} without its proper end")
                    return
                notes.take(record, self.path)
                if isinstance(record, (Chunk, Channel, Message)):
                    yield from self._open_chunk(record, position, channels, notes)

    @staticmethod
    def _open_chunk(
        record: McapRecord, position: int, channels: dict[int, str], notes: _Notes
    ) -> Iterator[tuple[str, bytes]]:
        inner: list[McapRecord] = [record]
        if isinstance(record, Chunk):
            try:
                if record.uncompressed_size > _LARGEST_CHUNK:
                    raise ValueError("it claims an impossible size")
                inner = breakup_chunk(record, validate_crc=True)
            except _DAMAGE as problem:
                reason = " ".join(str(problem).split()) or type(problem).__name__
                notes.damage.append(f"the chunk at byte {position} is damaged and left out ({reason})")
                return
        for entry in inner:
            if isinstance(entry, Channel):
                channels[entry.id] = entry.topic
            elif isinstance(entry, Message) and channels.get(entry.channel_id) in BY_NAME:
                yield channels[entry.channel_id], entry.data


class _Notes:
    """State of a pass over the file."""

    def __init__(self) -> None:
        self.complete = False
        self.damage: list[str] = []
        self.dropped: int | None = None

    def take(self, record: McapRecord, path: Path) -> None:
        """Read a file-level record. Raises ValueError for another profile or format."""
        if isinstance(record, Header) and record.profile != PROFILE:
            raise ValueError(
                f"{path}: an MCAP file of profile {record.profile!r}, not a recorded session ({PROFILE!r}); "
                f"give a session folder or its {FILE_NAME}"
            )
        if isinstance(record, Metadata) and record.name == "session" and record.metadata.get("format") != FORMAT:
            raise ValueError(
                f"{path}: written in format {record.metadata.get('format')!r}, this version reads {FORMAT!r}; "
                "use the version that recorded it"
            )
        if isinstance(record, Metadata) and record.name == "recording":
            self.dropped = int(record.metadata["dropped"])
        self.complete = self.complete or isinstance(record, Footer)
