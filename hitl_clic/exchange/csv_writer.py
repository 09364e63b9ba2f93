"""Writes episodes as comma-separated values: frames.csv, pairs.csv and episodes.csv. Any thread.

One row a tick, a pair and an episode. Each number has the shortest text that gives the same float32 again.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any, TextIO

from hitl_clic.exchange.episode import PAIR, Column, Episode, Feature, Layout

_EPISODE = ("episode", "session", "session_episode", "seed", "success", "finished", "frames", "pairs")


class CsvWriter:
    """Writes episodes into a folder.

    Args:
        folder: empty. layout: of the episodes. about: what about.json holds.
    """

    def __init__(self, folder: Path, layout: Layout, about: dict[str, Any]) -> None:
        self._folder, self._about, self._rate_hz = folder, about, layout.rate_hz
        self._frames = [feature for feature in layout.features if not feature.name.startswith(PAIR)]
        self._pairs = [feature for feature in layout.features if feature.name.startswith(PAIR)]
        self._count = 0
        self._files: list[TextIO] = []
        self._frame_rows = self._open("frames.csv", ("episode", "frame", "timestamp", *_names(self._frames)))
        self._pair_rows = self._open("pairs.csv", ("episode", "frame", *_names(self._pairs)))
        self._episode_rows = self._open("episodes.csv", _EPISODE)

    def add(self, episode: Episode) -> None:
        """Write one episode."""
        columns, number = episode.columns, self._count
        pairs = 0
        for row in range(len(episode)):
            self._frame_rows.writerow([number, row, row / self._rate_hz, *_values(self._frames, columns, row)])
            if columns["pair.id"][row] >= 0:
                self._pair_rows.writerow([number, row, *_values(self._pairs, columns, row)])
                pairs += 1
        about = (episode.session, episode.number, episode.seed, int(episode.success), int(episode.finished))
        self._episode_rows.writerow([number, *about, len(episode), pairs])
        self._count += 1

    def finish(self) -> None:
        """Close the files, and write about.json."""
        for file in self._files:
            file.close()
        text = json.dumps(self._about, indent=4, ensure_ascii=False, allow_nan=False)
        (self._folder / "about.json").write_text(text, encoding="utf-8")

    def _open(self, name: str, header: tuple[str, ...]) -> Any:
        file = (self._folder / name).open("w", newline="", encoding="utf-8")
        self._files.append(file)
        rows = csv.writer(file)
        rows.writerow(header)
        return rows


def _names(features: list[Feature]) -> Iterator[str]:
    """The name of each number, for example action.x or pair.human.0.x."""
    for feature in features:
        *steps, width = feature.shape
        if feature.shape == (1,):
            yield feature.name
            continue
        last = [name.removeprefix("state_") for name in feature.names] or [str(index) for index in range(width)]
        for step in range(steps[0]) if steps else (None,):
            for name in last:
                yield f"{feature.name}.{name}" if step is None else f"{feature.name}.{step}.{name}"


def _values(features: list[Feature], columns: Any, row: int) -> Iterator[Any]:
    for feature in features:
        column: Column = columns[feature.name]
        if feature.shape == (1,):
            value = column[row]
            yield value if feature.dtype == "string" else (int(value) if feature.dtype == "bool" else str(value))
        else:
            yield from map(str, column[row].reshape(-1))
