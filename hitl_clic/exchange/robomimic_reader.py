"""Reads robomimic's HDF5 file of demonstrations. Any thread; needs h5py, not robomimic.

Links to other files, data stored in other files and Python objects are refused, never followed.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hitl_clic.exchange.dataset import LONGEST_EPISODE, MOST_TICKS, OURS, WIDEST, Refused, Wanted, checked
from hitl_clic.exchange.episode import ACTION, PAIR, STATE, Column

_OURS = "hitl_clic"
_DAMAGE = (OSError, RuntimeError, KeyError, ValueError)
"""Exceptions of h5py for damaged bytes."""
_LARGEST_TEXT = 16_000_000


class RobomimicReader:
    """A file of demonstrations.

    Raises:
        Refused: not such a file, or one that is damaged.
    """

    def __init__(self, path: Path) -> None:
        try:
            self._file = h5py.File(path, "r")
        except OSError as problem:
            raise Refused(f"{path.name} is not an HDF5 file, or is damaged") from problem
        try:
            self._data = _group(self._file, "data")
            self.about: Mapping[str, Any] = self._text(_OURS)
            env_args = self._text("env_args").get("env_kwargs")
            rate_hz = env_args.get("control_freq") if isinstance(env_args, dict) else None
        except Refused:
            self._file.close()
            raise
        except _DAMAGE as problem:
            self._file.close()
            raise Refused(f"{path.name} is damaged ({' '.join(str(problem).split())[:200]})") from problem
        said = self.about.get("rate_hz", rate_hz)
        self.rate_hz: float | None = float(said) if isinstance(said, int | float) and 0 < said <= 10_000 else None

    def episodes(self, wanted: Wanted) -> Iterator[tuple[dict[str, Column], bool]]:
        """The columns of each demonstration, and whether it was reached: as our export says, or true."""
        try:
            ticks = 0
            for name in self._names():
                columns, reached = self._episode(_group(self._data, name), name, wanted)
                ticks += len(columns[ACTION])
                if ticks > MOST_TICKS:
                    raise Refused(f"it has more than {MOST_TICKS} rows")
                yield columns, reached
        except Refused:
            raise
        except _DAMAGE as problem:
            raise Refused(f"a demonstration is damaged ({' '.join(str(problem).split())[:200]})") from problem

    def close(self) -> None:
        """Close the file."""
        self._file.close()

    def _names(self) -> list[str]:
        numbered = [(name, name.removeprefix("demo_")) for name in self._data]
        if not numbered:
            raise Refused("it holds no demonstration")
        for name, number in numbered:
            if not number.isdecimal():
                raise Refused(f"group data holds {name!r}; allowed: demo_0, demo_1 and so on")
        return [name for name, _ in sorted(numbered, key=lambda one: int(one[1]))]

    def _episode(self, demo: h5py.Group, name: str, wanted: Wanted) -> tuple[dict[str, Column], bool]:
        ours = bool(self.about) and _OURS in demo and not wanted.state and not wanted.action
        if ours:
            group = _group(demo, _OURS)
            known = [STATE, ACTION, "next.reward", *OURS, *(key for key in group if key.startswith(PAIR))]
            columns = {key: _read(group, key) for key in known}
        else:
            observations = _group(demo, "obs")
            keys = tuple(wanted.state) or (("state",) if "state" in observations else ())
            if not keys:
                there = ", ".join(sorted(observations))[:300]
                raise Refused(f"say which observations to read with --state; it has {there}")
            parts = [_read(observations, key) for key in keys]
            columns = {
                STATE: np.concatenate([part.reshape(len(part), -1) for part in parts], axis=1),
                ACTION: _read(demo, wanted.action or "actions"),
            }
            if "rewards" in demo:
                columns["next.reward"] = _read(demo, "rewards").reshape(-1)
        reached = demo.attrs.get("success", True)
        return checked(columns, wanted.layout, name), bool(reached)

    def _text(self, name: str) -> dict[str, Any]:
        """An attribute that holds a table as JSON; empty without one. Raises Refused: it holds something else."""
        text = self._data.attrs.get(name, "{}")
        if not isinstance(text, str) or len(text) > _LARGEST_TEXT:
            raise Refused(f"its attribute {name} is not text")
        try:
            found = json.loads(text)
        except (ValueError, RecursionError) as problem:
            raise Refused(f"its attribute {name} is not JSON") from problem
        return found if isinstance(found, dict) else {}


def _member(group: h5py.Group, name: str) -> Any:
    """A member of a group. Raises Refused: it is missing, or a link that leaves its place."""
    link = group.get(name, getlink=True) if name in list(group) else None
    if link is None:
        raise Refused(f"{group.name} has no {name}; it has {', '.join(sorted(group))[:300]}")
    if not isinstance(link, h5py.HardLink):
        raise Refused(f"{group.name}/{name} is a link to another place, which is not followed")
    return group[name]


def _group(parent: h5py.Group, name: str) -> h5py.Group:
    found = _member(parent, name)
    if not isinstance(found, h5py.Group):
        raise Refused(f"{name} is not a group")
    return found


def _read(group: h5py.Group, name: str) -> Column:
    """A dataset's numbers or texts. Raises Refused: another type, an impossible shape, or data kept elsewhere."""
    found = _member(group, name)
    if not isinstance(found, h5py.Dataset):
        raise Refused(f"{name} is not a dataset")
    where = f"{group.name}/{name}"
    if found.is_virtual or found.external:
        raise Refused(f"{where} is kept in another file, which is not followed")
    shape = found.shape
    if shape is None or not 1 <= len(shape) <= 3 or shape[0] > LONGEST_EPISODE or np.prod(shape[1:]) > WIDEST * 64:
        raise Refused(f"{where} has the shape {shape}")
    if found.size > LONGEST_EPISODE * 64:
        raise Refused(f"{where} has the shape {shape}, more than is read at a time")
    if h5py.check_string_dtype(found.dtype) is not None and len(shape) == 1:
        return np.array(found.asstr()[()], object)
    if found.dtype.kind not in "fiub":
        raise Refused(f"{where} holds {found.dtype}; allowed: numbers")
    return np.asarray(found[()])
