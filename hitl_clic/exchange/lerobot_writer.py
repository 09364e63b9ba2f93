"""Writes a LeRobotDataset v3.0: Parquet files and metadata. Any thread; needs pyarrow, not LeRobot.

Source of the layout: `lerobot.datasets` (huggingface/lerobot), codebase version v3.0. Our own extras are more columns;
what no column holds is in meta/hitl_clic.json, which LeRobot does not read. Memory holds one episode at a time.
"""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from hitl_clic.exchange.episode import Column, Episode, Feature, Layout
from hitl_clic.exchange.lerobot_stats import Stats, merged, stats_of

VERSION = "v3.0"
INFO, STATS, TASKS, OURS = "meta/info.json", "meta/stats.json", "meta/tasks.parquet", "meta/hitl_clic.json"
_FILE = "chunk-{chunk_index:03d}/file-{file_index:03d}"
DATA, EPISODES = f"data/{_FILE}.parquet", f"meta/episodes/{_FILE}.parquet"
_VIDEOS = "videos/{video_key}/" + _FILE + ".mp4"
_CHUNK_FILES, _FILE_MB, _VIDEO_MB = 1000, 100, 200
INDEX = (
    Feature("timestamp", "float32"),
    Feature("frame_index", "int64"),
    Feature("episode_index", "int64"),
    Feature("index", "int64"),
    Feature("task_index", "int64"),
)
"""The columns that every LeRobotDataset has."""
_ARROW = {"float32": pa.float32(), "int64": pa.int64(), "bool": pa.bool_(), "string": pa.string()}


class LeRobotWriter:
    """Writes episodes into a folder.

    Args:
        folder: empty. layout: of the episodes. instruction: the task in words, LeRobot's `task`.
        about: what meta/hitl_clic.json holds besides.
        file_mb: size at which a new file is begun, megabytes.
    """

    def __init__(
        self, folder: Path, layout: Layout, instruction: str, about: dict[str, Any], file_mb: int = _FILE_MB
    ) -> None:
        self._folder, self._layout, self._instruction, self._about = folder, layout, instruction, about
        self._file_mb = file_mb
        self._features = (*layout.features, *INDEX)
        self._schema = pa.schema([(feature.name, _arrow_type(feature)) for feature in self._features])
        self._data: pq.ParquetWriter | None = None
        self._rows: list[dict[str, Any]] = []
        self._stats: dict[str, Stats] = {}
        self._frames = self._file = 0

    def add(self, episode: Episode) -> None:
        """Write one episode."""
        length, number = len(episode), len(self._rows)
        columns: dict[str, Column] = {
            **episode.columns,
            "timestamp": (np.arange(length) / self._layout.rate_hz).astype(np.float32),
            "frame_index": np.arange(length),
            "episode_index": np.full(length, number),
            "index": np.arange(self._frames, self._frames + length),
            "task_index": np.zeros(length, np.int64),
        }
        self._open_file()
        assert self._data is not None
        arrays = [_arrow_array(feature, columns[feature.name]) for feature in self._features]
        self._data.write_table(pa.Table.from_arrays(arrays, schema=self._schema))
        stats = {one.name: stats_of(columns[one.name]) for one in self._features if one.dtype != "string"}
        self._stats = {
            name: merged(self._stats[name], found) if name in self._stats else found for name, found in stats.items()
        }
        self._rows.append(self._row(episode, stats))
        self._frames += length

    def finish(self) -> None:
        """Write the metadata."""
        if self._data is not None:
            self._data.close()
        self._write_tasks()
        episodes = self._path(EPISODES, 0)
        columns = {name: [row[name] for row in self._rows] for name in self._rows[0]}
        pq.write_table(pa.table(columns), episodes)
        self._write_json(
            STATS, {name: {key: value.tolist() for key, value in of.items()} for name, of in self._stats.items()}
        )
        self._write_json(OURS, self._about)
        self._write_json(INFO, self._info())

    def _open_file(self) -> None:
        """Begin the first data file, or the next one if this one is full."""
        if self._data is not None:
            if self._path(DATA, self._file).stat().st_size < self._file_mb * 1_000_000:
                return
            self._data.close()
            self._file += 1
        self._data = pq.ParquetWriter(self._path(DATA, self._file), self._schema, compression="snappy")

    def _row(self, episode: Episode, stats: dict[str, Stats]) -> dict[str, Any]:
        """The row of an episode in meta/episodes."""
        row: dict[str, Any] = {
            "episode_index": len(self._rows),
            "tasks": [self._instruction],
            "length": len(episode),
            "data/chunk_index": self._file // _CHUNK_FILES,
            "data/file_index": self._file % _CHUNK_FILES,
            "dataset_from_index": self._frames,
            "dataset_to_index": self._frames + len(episode),
            "meta/episodes/chunk_index": 0,
            "meta/episodes/file_index": 0,
            "success": episode.success,
            "finished": episode.finished,
            "seed": episode.seed,
            "session": episode.session,
            "session_episode": episode.number,
        }
        for name, of in stats.items():
            row |= {f"stats/{name}/{key}": value.tolist() for key, value in of.items()}
        return row

    def _write_tasks(self) -> None:
        """The table of tasks: the words are its index, as pandas writes one."""
        index = {
            "name": "task",
            "field_name": "task",
            "pandas_type": "unicode",
            "numpy_type": "object",
            "metadata": None,
        }
        number = {
            "name": "task_index",
            "field_name": "task_index",
            "pandas_type": "int64",
            "numpy_type": "int64",
            "metadata": None,
        }
        about = {"index_columns": ["task"], "column_indexes": [], "columns": [number, index], "pandas_version": "2.0.0"}
        table = pa.table({"task_index": pa.array([0], pa.int64()), "task": pa.array([self._instruction])})
        path = self._folder / TASKS
        path.parent.mkdir(parents=True, exist_ok=True)
        pq.write_table(table.replace_schema_metadata({"pandas": json.dumps(about)}), path)

    def _info(self) -> dict[str, Any]:
        rate_hz = self._layout.rate_hz
        return {
            "codebase_version": VERSION,
            "robot_type": self._layout.task,
            "total_episodes": len(self._rows),
            "total_frames": self._frames,
            "total_tasks": 1,
            "chunks_size": _CHUNK_FILES,
            "data_files_size_in_mb": self._file_mb,
            "video_files_size_in_mb": _VIDEO_MB,
            "fps": int(rate_hz) if rate_hz == math.floor(rate_hz) else rate_hz,
            "splits": {"train": f"0:{len(self._rows)}"},
            "data_path": DATA,
            "video_path": _VIDEOS,
            "features": {
                one.name: {"dtype": one.dtype, "shape": list(one.shape), "names": list(one.names) or None}
                for one in self._features
            },
        }

    def _path(self, pattern: str, file: int) -> Path:
        path = self._folder / pattern.format(chunk_index=file // _CHUNK_FILES, file_index=file % _CHUNK_FILES)
        path.parent.mkdir(parents=True, exist_ok=True)
        return path

    def _write_json(self, name: str, content: Any) -> None:
        text = json.dumps(content, indent=4, ensure_ascii=False, allow_nan=False)
        (self._folder / name).write_text(text, encoding="utf-8")


def _arrow_type(feature: Feature) -> pa.DataType:
    """LeRobot's: a number, a list of fixed length, or for a matrix a list of lists."""
    number = _ARROW[feature.dtype]
    match feature.shape:
        case (1,):
            return number
        case (length,):
            return pa.list_(number, length)
        case _:
            return pa.list_(pa.list_(number))


def _arrow_array(feature: Feature, column: Column) -> pa.Array:
    kind = _arrow_type(feature)
    if feature.shape == (1,):
        return pa.array(column if feature.dtype != "string" else column.tolist(), kind)
    flat = pa.array(np.ascontiguousarray(column).reshape(-1), _ARROW[feature.dtype])
    rows = len(column)
    if len(feature.shape) == 1:
        return pa.FixedSizeListArray.from_arrays(flat, type=kind)
    height, width = feature.shape
    inner = pa.ListArray.from_arrays(pa.array(np.arange(rows * height + 1, dtype=np.int32) * width), flat)
    return pa.ListArray.from_arrays(pa.array(np.arange(rows + 1, dtype=np.int32) * height), inner)
