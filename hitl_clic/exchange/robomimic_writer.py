"""Writes robomimic's HDF5 file of demonstrations. Any thread; needs h5py, not robomimic.

Source of the layout: robomimic's documentation and `robomimic.utils.dataset`. Each demonstration holds our columns too,
in its group hitl_clic. Memory holds one episode at a time.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np

from hitl_clic.exchange.episode import ACTION, STATE, Episode, Layout
from hitl_clic.exchange.resimulation import resimulate
from hitl_clic.tasks.task import Task

FILE = "demos.hdf5"
OURS = "hitl_clic"
"""Attribute of group data that describes the export, and the group in each demonstration with all its columns."""
_GYM = 2
"""robomimic's number of gymnasium's environments (`EnvType.GYM_TYPE`)."""


class RobomimicWriter:
    """Writes episodes into demos.hdf5 in a folder.

    Args:
        folder: empty. layout: of the episodes. task: simulates each episode again.
        about: what the file's attribute hitl_clic holds.
    """

    def __init__(self, folder: Path, layout: Layout, task: Task, about: dict[str, Any]) -> None:
        self._layout, self._task, self._about = layout, task, about
        self._env_args: dict[str, Any] = {
            "env_name": layout.task,
            "type": _GYM,
            "env_version": None,
            "env_kwargs": {},
        }
        self._file = h5py.File(folder / FILE, "w")
        self._data = self._file.create_group("data")
        self._reached: list[bytes] = []
        self._count = self._total = 0

    def add(self, episode: Episode) -> None:
        """Write one episode. Raises ValueError: it does not simulate again as recorded."""
        again = resimulate(self._task, episode)
        length, columns = len(episode), episode.columns
        name = f"demo_{self._count}"
        demo = self._data.create_group(name)
        observations = columns[STATE].reshape(length, -1)
        actions = columns[ACTION].reshape(length, -1)
        demo["obs/state"] = observations
        demo["next_obs/state"] = np.concatenate([observations[1:], again.last[None]])
        demo["rewards"] = columns["next.reward"]
        demo["dones"] = columns["next.done"].astype(np.int64)
        if again.playback is None or again.states is None:
            demo["actions"] = actions
        else:
            demo["actions"] = actions * again.playback.action_scale
            demo["states"] = again.states
            demo.attrs["model_file"] = again.playback.model
            self._env_args = dict(again.playback.env_args)
        ours = demo.create_group(OURS)
        for feature in self._layout.features:
            column = columns[feature.name]
            kind = h5py.string_dtype() if feature.dtype == "string" else None
            ours.create_dataset(feature.name, data=column, dtype=kind)
        demo.attrs["num_samples"] = length
        for key in ("session", "number", "seed", "success", "finished"):
            demo.attrs[key] = getattr(episode, key)
        if episode.success:
            self._reached.append(name.encode())
        self._count += 1
        self._total += length

    def finish(self) -> None:
        """Write what describes the file, and close it."""
        self._data.attrs["total"] = self._total
        self._data.attrs["env_args"] = json.dumps(self._env_args)
        self._data.attrs[OURS] = json.dumps(self._about)
        self._file["mask/success"] = np.array(self._reached, "S")  # robomimic's filter key
        self._file.close()
