"""Repair of a recording that a kill cut off: a copy with all intact records, an index and an end.

Any thread; not during the recording. The copy replaces the original in one step, after the MCAP package's own indexed
reader has found every record in it. Until then, and after any error, the original is untouched.
"""

from __future__ import annotations

import contextlib
import hashlib
import os
import shutil
from dataclasses import dataclass, field
from pathlib import Path
from typing import BinaryIO

from mcap.exceptions import McapError
from mcap.reader import make_reader
from mcap.records import Attachment, Channel, McapRecord, Message, Metadata, Schema
from mcap.writer import CompressionType, Writer

from hitl_clic.session.lock import locked
from hitl_clic.session.scan import REPAIR, Notes, intact_records
from hitl_clic.session.topics import PROFILE

_SUFFIX = ".repair"
_COMPRESSION: dict[str | None, CompressionType] = {"lz4": CompressionType.LZ4, "": CompressionType.NONE}


class CannotRepair(ValueError):
    """The recording stays as it is; the text says why."""


@dataclass(frozen=True, slots=True)
class Repaired:
    """What a repair did.

    Attributes:
        records: number of records in the repaired file.
        span_s: time from its first to its last record, s.
        lost: what could not be recovered, as a sentence.
        kept: the damaged original, if more than its end was damaged; else None.
    """

    records: int
    span_s: float
    lost: str
    kept: Path | None


@dataclass(slots=True)
class _Content:
    """Number, order and text of messages, to compare two files."""

    count: int = 0
    first_ns: int = 0
    last_ns: int = 0
    digest: hashlib._Hash = field(default_factory=hashlib.sha256)

    def add(self, topic: str, message: Message) -> None:
        times = (message.log_time, message.publish_time, message.sequence)
        self.first_ns = min(self.first_ns, message.log_time) if self.count else message.log_time
        self.last_ns = max(self.last_ns, message.log_time)
        self.count += 1
        self.digest.update(f"{topic} {times} {len(message.data)} ".encode())
        self.digest.update(message.data)

    def same(self, other: _Content) -> bool:
        return self.count == other.count and self.digest.digest() == other.digest.digest()


def repair(path: Path) -> Repaired | None:
    """Give a recording its index and its end back; None if it has them.

    Args:
        path: the MCAP file.

    Raises:
        ValueError: not a recording, or nothing in it can be read.
        InUse: another process records or repairs it.
        CannotRepair: the copy is not equal to the original.
        OSError: the file or its folder cannot be written, for example because the disk is full.
    """
    path = path.resolve()
    if path.stat().st_size == 0:
        raise ValueError(f"{path}: the file is empty; there is nothing to repair")
    with locked(path):
        notes, content = Notes(), _Content()
        _Copier(None, content).take_all(path, notes)
        if not content.count and notes.damage:
            raise ValueError(f"{path}: nothing in it can be read ({notes.damage[0]})")
        if notes.finished and not notes.damaged_chunks and _indexed(path, content):
            return None
        copy = path.with_name(path.name + _SUFFIX)
        try:
            with copy.open("wb") as file:
                _write(path, file, notes)
            if not _indexed(copy, content):
                raise CannotRepair(f"{path} stays as it is: its repaired copy is not equal to it")
            shutil.copystat(path, copy)
            kept = _keep(path) if notes.damaged_chunks else None
            os.replace(copy, path)
        finally:
            copy.unlink(missing_ok=True)
    return Repaired(content.count, (content.last_ns - content.first_ns) * 1e-9, "; ".join(notes.damage), kept)


class _Copier:
    """Takes the records of a file in order: counts its messages, and copies them if there is a writer."""

    def __init__(self, writer: Writer | None, content: _Content) -> None:
        self._writer, self._content = writer, content
        self._schemas: dict[int, int] = {0: 0}  # ids in the original and in the copy
        self._channels: dict[int, tuple[int, str]] = {}

    def take_all(self, path: Path, notes: Notes) -> None:
        for record in intact_records(path, notes):
            self._take(record)

    def _take(self, record: McapRecord) -> None:
        # The index of a finished file repeats schemas and channels.
        match record:
            case Schema() if record.id not in self._schemas:
                self._schemas[record.id] = self._schema(record)
            case Channel() if record.id not in self._channels and record.schema_id in self._schemas:
                self._channels[record.id] = (self._channel(record), record.topic)
            case Message() if record.channel_id in self._channels:
                channel, topic = self._channels[record.channel_id]
                self._content.add(topic, record)
                if self._writer is not None:
                    self._writer.add_message(
                        channel, record.log_time, record.data, record.publish_time, record.sequence
                    )
            case Metadata() if self._writer is not None and record.name != REPAIR:
                self._writer.add_metadata(record.name, record.metadata)
            case Attachment() if self._writer is not None:
                self._writer.add_attachment(
                    record.create_time, record.log_time, record.name, record.media_type, record.data
                )

    def _schema(self, schema: Schema) -> int:
        if self._writer is None:
            return schema.id
        return self._writer.register_schema(schema.name, schema.encoding, schema.data)

    def _channel(self, channel: Channel) -> int:
        if self._writer is None:
            return channel.id
        schema = self._schemas[channel.schema_id]
        return self._writer.register_channel(channel.topic, channel.message_encoding, schema, channel.metadata)


def _write(path: Path, file: BinaryIO, notes: Notes) -> None:
    """Write a complete copy; `notes` of the original."""
    writer = Writer(file, compression=_COMPRESSION.get(notes.compression, CompressionType.ZSTD))
    writer.start(profile=PROFILE, library="hitl-clic")
    _Copier(writer, _Content()).take_all(path, Notes())
    truncated = "true" if notes.truncated else "false"
    writer.add_metadata(REPAIR, {"truncated": truncated, "lost": "; ".join(notes.damage)})
    writer.finish()
    file.flush()
    os.fsync(file.fileno())


def _indexed(path: Path, wanted: _Content) -> bool:
    """Whether the MCAP package's indexed reader finds exactly this content."""
    found = _Content()
    try:
        with path.open("rb") as file:
            reader = make_reader(file, validate_crcs=True)
            summary = reader.get_summary()
            if summary is None or summary.statistics is None or summary.statistics.message_count != wanted.count:
                return False
            for _, channel, message in reader.iter_messages(log_time_order=False):
                found.add(channel.topic, message)
    except (McapError, ValueError, KeyError):
        return False
    return found.same(wanted)


def _keep(path: Path) -> Path:
    """Give the damaged original a second name; a better tool may read more of it."""
    number, kept = 1, path.with_name(f"{path.stem}.damaged{path.suffix}")
    while kept.exists():
        number += 1
        kept = path.with_name(f"{path.stem}.damaged-{number}{path.suffix}")
    try:
        os.link(path, kept)
    except OSError:  # a file system without links
        with contextlib.ExitStack() as undo:
            undo.callback(kept.unlink, missing_ok=True)
            shutil.copy2(path, kept)
            undo.pop_all()
    return kept
