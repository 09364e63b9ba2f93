"""What the readers of datasets have in common: what is asked of a file, and what is refused. Pure; any thread.

A file comes from somewhere else. Its shapes and types are checked before its numbers are read, nothing in it names a
path that is followed, and nothing in it is executed.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

import numpy as np

from hitl_clic.exchange.episode import ACTION, PAIR, STATE, Column, Layout

MOST_TICKS = 10_000_000
"""Greatest number of ticks of a dataset: 5 days at 20 Hz."""
LONGEST_EPISODE = 1_000_000
WIDEST = 4096
"""Greatest number of an observation's or an action's numbers."""
OURS = ("intervention", "robot_action", "human_action", "taught", "weights_version")
"""Our columns of a tick."""


class Refused(ValueError):
    """The dataset cannot be read; the text says why."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """What is read of a dataset.

    Attributes:
        layout: of the session that it becomes.
        state, action: names of the columns; several states are joined in this order. Empty: the format's usual names.
    """

    layout: Layout
    state: Sequence[str] = ()
    action: str = ""


class DatasetReader(Protocol):
    """Reads a dataset of one format, an episode at a time."""

    rate_hz: float | None
    """Ticks per second; None if the file does not say."""
    about: Mapping[str, Any]
    """What our export said about itself; empty in a dataset of others."""

    def episodes(self, wanted: Wanted) -> Iterator[tuple[dict[str, Column], bool]]:
        """The columns of each episode, and whether it was reached. Raises Refused."""
        ...

    def close(self) -> None:
        """Close the file."""
        ...


def inside(root: Path, path: Path) -> Path:
    """A file of a dataset. Raises Refused: it is a link to somewhere else, or no file."""
    real = path.resolve()
    if not real.is_relative_to(root.resolve()) or not real.is_file():
        raise Refused(f"{path.name} is not a file inside the dataset")
    return path


def checked(columns: dict[str, Column], layout: Layout, where: str) -> dict[str, Column]:
    """The columns of an episode, if they fit the task.

    Raises:
        Refused: a wrong shape, a number that is not finite, or an action outside [-1, 1].
    """
    length = len(columns[ACTION])
    if not 1 <= length <= LONGEST_EPISODE:
        raise Refused(f"{where} has {length} ticks; allowed: 1 to {LONGEST_EPISODE}")
    for name, wide in ((STATE, layout.dim_o), (ACTION, len(layout.axes))):
        found = columns[name] = np.ascontiguousarray(columns[name], np.float32).reshape(length, -1)
        if found.shape[1] != wide:
            raise Refused(f"{where}: {name} has {found.shape[1]} numbers, and {layout.task} has {wide}")
    for name, column in columns.items():
        if len(column) != length:
            raise Refused(f"{where}: {name} has {len(column)} rows, {ACTION} has {length}")
        if column.dtype.kind == "f" and not np.isfinite(column).all():
            raise Refused(f"{where}: {name} holds a value that is not finite")
    largest = float(np.abs(columns[ACTION]).max())
    if largest > 1:
        raise Refused(f"{where}: {ACTION} holds {largest:g}; the actions of {layout.task} lie in [-1, 1]")
    if f"{PAIR}id" in columns:
        _check_pairs(columns, layout, where)
    return columns


def _check_pairs(columns: Mapping[str, Column], layout: Layout, where: str) -> None:
    for feature in layout.features:
        if feature.name.startswith(PAIR):
            column = columns.get(feature.name)
            expected = () if feature.shape == (1,) else feature.shape
            if column is None or column.shape[1:] != expected:
                raise Refused(f"{where}: {feature.name} is missing or has another shape than {list(expected)}")
