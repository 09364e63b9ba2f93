"""The learner's write-ahead journal: every received message, in order, before its acknowledgement.

Learner process only. Append-only. After `flush` an entry survives a crash of the process, after `sync` one of the
machine. A checkpoint and the later entries give the learner's state. A killed process may leave half an entry at the
end; opening the journal cuts it off and reports it.

File: 8 bytes of magic, then records of length (u32), crc32 (u32) and body; little-endian. The first body is a
MessagePack mapping {format, run_id, started_at}; the date is ISO 8601 in UTC. Each other body is a MessagePack list:
the actor's run id, then the frames of `link.codec`.
"""

from __future__ import annotations

import contextlib
import importlib
import io
import os
import struct
import time
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any, BinaryIO

import msgspec

from hitl_clic.link.codec import MalformedMessage, WrongProtocol, decode, encode
from hitl_clic.link.handshake import Published, Withdrawal
from hitl_clic.types.dates import utc_text
from hitl_clic.types.messages import ChunkPair, Hello, UpdateRequest

MAGIC = b"CLICJRN1"
FORMAT = 1
_PREFIX = struct.Struct("<II")
MAX_RECORD_BYTES = 64 * 1024 * 1024

Recorded = Hello | ChunkPair | Withdrawal | UpdateRequest | Published


@dataclass(frozen=True, slots=True)
class Entry:
    """One received message (or `Published`), and the actor's run."""

    run_id: str
    message: Recorded


class Journal:
    """A journal file opened for appending, with a lock against a second learner.

    Args:
        path: created if absent.
        run_id: for a new file; an existing one keeps its run id.

    Attributes:
        run_id: the learner's run.
        cut_bytes: length of the removed incomplete end; 0 if none.

    Raises:
        ValueError: no journal, another format, or in use by another learner.
        OSError: the file cannot be opened or written.
    """

    def __init__(self, path: Path, run_id: str) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._file = path.open("a+b")
        try:
            _lock(self._file, path)
            self._open(run_id)
        except BaseException:
            self._file.close()
            raise

    def __len__(self) -> int:
        """Number of entries, including those not flushed."""
        return self._count

    def read(self) -> list[Entry]:
        """All entries."""
        self._file.flush()
        return read_journal(self.path)[1]

    def append(self, entry: Entry) -> None:
        """Append an entry; it is safe only after `flush`."""
        self._write([entry.run_id, *encode(entry.message)])
        self._count += 1

    def flush(self) -> None:
        """Pass all entries to the operating system."""
        self._file.flush()

    def sync(self) -> None:
        """Force all entries onto the disk."""
        self._file.flush()
        os.fsync(self._file.fileno())

    def close(self) -> None:
        self._file.close()

    def _open(self, run_id: str) -> None:
        self._file.seek(0)
        content = self._file.read()
        # A file that ends within its first record holds nothing acknowledged.
        whole, bodies = _records(content, self.path)
        self.cut_bytes = len(content) - whole
        if self.cut_bytes:
            self._file.truncate(whole)
        if not bodies:
            self._file.truncate(0)
            self._file.write(MAGIC)
            self._write({"format": FORMAT, "run_id": run_id, "started_at": utc_text(time.time_ns())})
            self._file.flush()
            self.run_id = run_id
        else:
            self.run_id = _header(bodies[0], self.path)
        self._count = max(len(bodies) - 1, 0)

    def _write(self, body: Any) -> None:
        packed = msgspec.msgpack.encode(body)
        self._file.write(_PREFIX.pack(len(packed), zlib.crc32(packed)) + packed)


def read_journal(path: Path) -> tuple[str, list[Entry]]:
    """Run id and entries of a journal; the file stays unchanged and an incomplete end is skipped.

    Raises:
        ValueError: no journal, or another format.
        OSError: it cannot be read.
    """
    _, bodies = _records(path.read_bytes(), path)
    if not bodies:
        raise ValueError(f"journal {path} is empty")
    return _header(bodies[0], path), [_entry(body, path, number) for number, body in enumerate(bodies[1:])]


def _records(content: bytes, path: Path) -> tuple[int, list[Any]]:
    """Length of the complete part, and its bodies."""
    if not content.startswith(MAGIC):
        if MAGIC.startswith(content):
            return 0, []
        raise ValueError(f"{path} is not a learner's journal (it does not begin with {MAGIC.decode()})")
    bodies = []
    whole = len(MAGIC)
    for end, packed in _bodies(content):
        try:
            bodies.append(msgspec.msgpack.decode(packed))
        except (ValueError, RecursionError):
            break
        whole = end
    return whole, bodies


def _bodies(content: bytes) -> Iterator[tuple[int, bytes]]:
    stream = io.BytesIO(content)
    stream.seek(len(MAGIC))
    while len(prefix := stream.read(_PREFIX.size)) == _PREFIX.size:
        length, crc = _PREFIX.unpack(prefix)
        packed = stream.read(length) if length <= MAX_RECORD_BYTES else b""
        if len(packed) != length or zlib.crc32(packed) != crc:
            return
        yield stream.tell(), packed


def _header(body: Any, path: Path) -> str:
    if not isinstance(body, dict) or body.get("format") != FORMAT or not isinstance(body.get("run_id"), str):
        found = body.get("format") if isinstance(body, dict) else None
        raise ValueError(f"journal {path} is of format {found!r}; this version reads format {FORMAT}")
    run_id: str = body["run_id"]
    return run_id


def _entry(body: Any, path: Path, number: int) -> Entry:
    # The checksum is right, so a body that cannot be decoded comes from another version.
    try:
        run_id, *frames = body
        message = _message(frames)
    except (MalformedMessage, TypeError, ValueError) as error:
        raise ValueError(f"journal {path}: entry {number} cannot be decoded ({error})") from error
    if not isinstance(run_id, str) or not isinstance(message, Recorded):
        raise ValueError(f"journal {path}: entry {number} is a {type(message).__name__}, which journals do not hold")
    return Entry(run_id, message)


def _message(frames: list[bytes]) -> Any:
    try:
        return decode(frames, MAX_RECORD_BYTES)
    except WrongProtocol as error:
        raise ValueError(f"{error}; learn again from the session's recording: hitl-clic learn SESSION") from error


def _lock(file: BinaryIO, path: Path) -> None:
    # POSIX only. The lock ends with the process.
    with contextlib.suppress(ImportError):
        fcntl = importlib.import_module("fcntl")
        try:
            fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError as error:
            raise ValueError(f"journal {path} is used by another learner; end it or choose another folder") from error
