"""Reads a local LeRobotDataset v3. Any thread; needs pyarrow, not LeRobot. Nothing is downloaded.

The file names of its metadata are not followed: the files of data/ are read in the order of their names.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hitl_clic.exchange.dataset import LONGEST_EPISODE, MOST_TICKS, OURS, Refused, Wanted, checked, inside
from hitl_clic.exchange.episode import ACTION, PAIR, STATE, Column, Layout

_INFO, _ABOUT = "meta/info.json", "meta/hitl_clic.json"
_LARGEST_JSON = 16_000_000
_LARGEST_GROUP = 1 << 30
"""Greatest size of a row group, uncompressed, bytes."""
_MOST_VALUES = 1 << 28
"""Greatest number of values of a column in a row group."""
_ROWS = 4096
"""Rows that are read at a time."""


class LeRobotReader:
    """A dataset in a folder.

    Raises:
        Refused: no dataset of this version, or metadata that cannot be read.
    """

    def __init__(self, root: Path) -> None:
        self._root = root
        info = self._json(_INFO)
        version = info.get("codebase_version")
        if not isinstance(version, str) or not version.startswith("v3."):
            raise Refused(f"its codebase_version is {version!r}; allowed: v3.0 (LeRobot converts older datasets)")
        rate_hz = info.get("fps")
        if not isinstance(rate_hz, int | float) or not 0 < rate_hz <= 10_000:
            raise Refused(f"its fps is {rate_hz!r}; allowed: a number above 0")
        self.rate_hz: float | None = float(rate_hz)
        self.about: Mapping[str, Any] = self._json(_ABOUT) if (root / _ABOUT).exists() else {}
        self._files = [inside(root, path) for path in sorted((root / "data").glob("chunk-*/file-*.parquet"))]
        if not self._files:
            raise Refused("there is no data/chunk-000/file-000.parquet in it")

    def episodes(self, wanted: Wanted) -> Iterator[tuple[dict[str, Column], bool]]:
        """The columns of each episode, and whether it was reached: its last next.success, or true without one."""
        states, action = tuple(wanted.state) or (STATE,), wanted.action or ACTION
        parts: list[dict[str, Column]] = []
        number, length, rows = -1, 0, 0
        for part in self._parts(states, action, wanted.layout):
            for begin, end, episode in _runs(part["episode_index"]):
                piece = {name: column[begin:end] for name, column in part.items()}
                rows += end - begin
                if rows > MOST_TICKS:
                    raise Refused(f"it has more than {MOST_TICKS} rows")
                if episode != number:
                    if parts:
                        yield self._episode(parts, number, states, action, wanted.layout)
                    if episode < number:
                        raise Refused(f"episode {episode} comes after episode {number}")
                    parts, number, length = [], episode, 0
                parts.append(piece)
                length += end - begin
                if length > LONGEST_EPISODE:
                    raise Refused(f"episode {number} has more than {LONGEST_EPISODE} rows")
        if parts:
            yield self._episode(parts, number, states, action, wanted.layout)

    def close(self) -> None:
        """Nothing stays open."""

    def _episode(
        self, parts: list[dict[str, Column]], number: int, states: tuple[str, ...], action: str, layout: Layout
    ) -> tuple[dict[str, Column], bool]:
        found = {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        frames = found.pop("frame_index", None)
        if frames is not None and not np.array_equal(frames, np.arange(len(frames))):
            raise Refused(f"the frames of episode {number} are not numbered 0, 1, 2 and so on")
        length = len(found.pop("episode_index"))
        joined = np.concatenate([found[name].reshape(length, -1) for name in states], axis=1)
        columns = {name: column for name, column in found.items() if name not in (*states, action)}
        columns = checked({**columns, STATE: joined, ACTION: found[action]}, layout, f"episode {number}")
        reached = columns.pop("next.success", None)
        return columns, bool(reached[-1]) if reached is not None else True

    def _parts(self, states: tuple[str, ...], action: str, layout: Layout) -> Iterator[dict[str, Column]]:
        """The needed columns, some rows at a time."""
        for path in self._files:
            try:
                with pq.ParquetFile(path) as file:
                    names = self._names(file, (*states, action), layout)
                    for batch in file.iter_batches(batch_size=_ROWS, columns=names):
                        yield {name: _numbers(name, batch.column(name)) for name in names}
            except (pa.ArrowException, OSError) as problem:
                reason = " ".join(str(problem).split())[:200]
                raise Refused(f"{path.relative_to(self._root)} cannot be read ({reason})") from problem

    def _names(self, file: pq.ParquetFile, needed: tuple[str, ...], layout: Layout) -> list[str]:
        """The columns to read. Raises Refused: one is missing, or the file claims an impossible size."""
        metadata, there = file.metadata, set(file.schema_arrow.names)
        largest = max((metadata.row_group(i).total_byte_size for i in range(metadata.num_row_groups)), default=0)
        values = [
            metadata.row_group(i).column(j).num_values
            for i in range(metadata.num_row_groups)
            for j in range(metadata.num_columns)
        ]
        if max(values, default=0) > _MOST_VALUES:
            raise Refused(f"a file claims {max(values)} values in a group of rows")
        if metadata.num_rows > MOST_TICKS or largest > _LARGEST_GROUP:
            raise Refused(f"a file claims {metadata.num_rows} rows and row groups of {largest} bytes")
        for name in (*needed, "episode_index"):
            if name not in there:
                raise Refused(f"it has no column {name}; it has {', '.join(sorted(there))[:300]}")
        extra = ["frame_index", "next.success", "next.reward"]
        if self.about and needed == (STATE, ACTION):
            extra += [*OURS, *(one.name for one in layout.features if one.name.startswith(PAIR))]
        return [*dict.fromkeys([*needed, "episode_index", *(name for name in extra if name in there)])]

    def _json(self, name: str) -> dict[str, Any]:
        path = inside(self._root, self._root / name)
        if path.stat().st_size > _LARGEST_JSON:
            raise Refused(f"{name} is larger than {_LARGEST_JSON} bytes")
        try:
            found = json.loads(path.read_text(encoding="utf-8"))
        except (ValueError, OSError, RecursionError) as problem:
            raise Refused(f"{name} cannot be read") from problem
        if not isinstance(found, dict):
            raise Refused(f"{name} does not hold a table")
        return found


def _runs(numbers: Column) -> Iterator[tuple[int, int, int]]:
    """Begin, end and value of each stretch of equal numbers."""
    edges = [0, *(np.flatnonzero(np.diff(numbers)) + 1).tolist(), len(numbers)]
    for begin, end in pairwise(edges):
        if end > begin:
            yield begin, end, int(numbers[begin])


def _numbers(name: str, array: pa.Array) -> Column:
    """A column as an array, [rows, ...]. Raises Refused: not numbers, or rows of different lengths."""
    kind, shape, flat = array.type, [len(array)], array
    if isinstance(kind, pa.BaseExtensionType):
        flat = flat.storage
        kind = flat.type
    if array.null_count:
        raise Refused(f"column {name} has empty values")
    while pa.types.is_list(kind) or pa.types.is_large_list(kind) or pa.types.is_fixed_size_list(kind):
        if pa.types.is_fixed_size_list(kind):
            wide = kind.list_size
        else:
            lengths = np.diff(flat.offsets.to_numpy())
            wide = int(lengths[0]) if len(lengths) else 0
            if (lengths != wide).any():
                raise Refused(f"column {name} has rows of different lengths")
        if flat.null_count:
            raise Refused(f"column {name} has empty values")
        flat = flat.flatten()
        shape.append(wide)
        kind = flat.type
    if flat.null_count:
        raise Refused(f"column {name} has empty values")
    if pa.types.is_string(kind) and len(shape) == 1:
        return np.array(flat.to_pylist(), object)
    if not (pa.types.is_floating(kind) or pa.types.is_integer(kind) or pa.types.is_boolean(kind)):
        raise Refused(f"column {name} holds {kind}; allowed: numbers")
    return np.asarray(flat.to_numpy(zero_copy_only=False)).reshape(shape)
