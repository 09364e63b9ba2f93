"""A pass over the bytes of a recording that survives a missing end and damaged chunks. Any thread; reads only."""

from __future__ import annotations

import struct
from collections.abc import Iterator
from pathlib import Path

from mcap.exceptions import EndOfFile, InvalidMagic, McapError
from mcap.records import Chunk, Footer, Header, McapRecord, Metadata
from mcap.stream_reader import StreamReader, breakup_chunk
from zstandard import ZstdError

from hitl_clic.session.topics import FORMAT, PROFILE

FILE_NAME = "session.mcap"
_LATER = "session-[0-9][0-9][0-9].mcap"
REPAIR = "repair"
"""Name of the metadata record that a repair leaves: {truncated, lost}."""
_DAMAGE = (McapError, ValueError, KeyError, struct.error, ZstdError, MemoryError, RuntimeError)
"""Exceptions of the MCAP package for damaged bytes (lz4 raises RuntimeError)."""
_LARGEST_CHUNK = 1 << 30


def file_of(path: Path | str) -> Path:
    """The MCAP file of a session, given by its folder or file. Raises ValueError: there is none."""
    given = Path(path)
    file = given / FILE_NAME if given.is_dir() else given
    if not file.is_file():
        what = f"there is no {FILE_NAME} in it" if given.is_dir() else "there is no such file"
        raise ValueError(f"{given}: {what}; give a session folder or its {FILE_NAME}")
    return file


def files_of(path: Path | str) -> tuple[Path, ...]:
    """The MCAP files of a session, in order: the first, and one for each time that it went on.

    Args:
        path: its folder or its first file. A later file stands for itself alone.

    Raises:
        ValueError: there is none, or one between two others is missing.
    """
    first = file_of(path)
    if first.name != FILE_NAME:
        return (first,)
    later = sorted(first.parent.glob(_LATER))
    expected = [part_file(first.parent, part) for part in range(2, len(later) + 2)]
    if later != expected:
        missing = next(one for one in expected if one not in later)
        raise ValueError(f"{path}: {missing.name} is missing, but a later file of the session is there")
    return (first, *later)


def part_file(folder: Path, part: int) -> Path:
    """The file of a session's part, from 1: session.mcap, then session-002.mcap and so on."""
    return folder / (FILE_NAME if part == 1 else f"session-{part:03d}.mcap")


class Notes:
    """What a pass found out besides the records.

    Attributes:
        finished: the file has its index and its end.
        damage: what could not be read, each as a sentence.
        damaged_chunks: number of chunks that are left out.
        dropped: number of records that the recorder dropped; None if unknown.
        compression: of the first chunk.
        was_truncated: the file is the result of a repair, and its end was missing.
    """

    def __init__(self) -> None:
        self.finished = False
        self.damage: list[str] = []
        self.damaged_chunks = 0
        self.dropped: int | None = None
        self.compression: str | None = None
        self.was_truncated = False

    @property
    def truncated(self) -> bool:
        """Whether the end of the file is missing, or was before a repair."""
        return self.was_truncated or not self.finished

    def take(self, record: McapRecord, path: Path) -> None:
        """Read a file-level record. Raises ValueError for another profile or format."""
        match record:
            case Header() if record.profile != PROFILE:
                raise ValueError(
                    f"{path}: an MCAP file of profile {record.profile!r}, not a recorded session ({PROFILE!r}); "
                    f"give a session folder or its {FILE_NAME}"
                )
            case Metadata(name="session") if record.metadata.get("format") != FORMAT:
                raise ValueError(
                    f"{path}: written in format {record.metadata.get('format')!r}, this version reads {FORMAT!r}; "
                    "use the version that recorded it"
                )
            case Metadata(name="recording"):
                self.dropped = int(record.metadata["dropped"])
            case Metadata() if record.name == REPAIR:
                self.was_truncated = record.metadata["truncated"] == "true"
                if record.metadata["lost"]:
                    self.damage.append(record.metadata["lost"])
            case Chunk() if self.compression is None:
                self.compression = record.compression
            case Footer():
                self.finished = True


def intact_records(path: Path, notes: Notes) -> Iterator[McapRecord]:
    """Every intact record of a file in its order, chunks opened; fills `notes`.

    Raises:
        ValueError: empty, not an MCAP file, or not a session of this format.
    """
    with path.open("rb") as file:
        size = path.stat().st_size
        if size == 0:
            raise ValueError(f"{path}: the file is empty; use another session")
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
                        f"{path}: this is not an MCAP file; give a session folder or its {FILE_NAME}"
                    ) from problem
                notes.finished = False
                notes.damage.append(f"the end of the file is damaged at byte {position}")
                return
            except _DAMAGE as problem:
                cut = file.tell() >= size or isinstance(problem, EndOfFile)
                what = "the file ends" if cut else "the file is damaged"
                notes.damaged_chunks += not cut
                notes.damage.append(f"{what} at byte {position} without its proper end")
                return
            notes.take(record, path)
            if isinstance(record, Chunk):
                yield from _opened(record, position, notes)
            else:
                yield record


def _opened(chunk: Chunk, position: int, notes: Notes) -> list[McapRecord]:
    try:
        if chunk.uncompressed_size > _LARGEST_CHUNK:
            raise ValueError("it claims an impossible size")
        return breakup_chunk(chunk, validate_crc=True)
    except _DAMAGE as problem:
        reason = " ".join(str(problem).split()) or type(problem).__name__
        notes.damaged_chunks += 1
        notes.damage.append(f"the chunk at byte {position} is damaged and left out ({reason})")
        return []
