"""Checkpoints of the learner: files `step-000123.safetensors`; the newest few are kept.

The learner process writes them; it and the evaluation read them. A write replaces its file as a whole. Tensors are
named "state/..." (trainer) and "weights/..." (policy); the header holds the rest as JSON. The journal holds the pairs.
"""

from __future__ import annotations

import os
import re
import time
import zlib
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save

from hitl_clic.aliases import current_flat_settings, current_weight
from hitl_clic.types.dates import utc_text
from hitl_clic.types.messages import Weights
from hitl_clic.types.schema import Index, Natural, Scalars, Schema

FORMAT = "hitl-clic-checkpoint-1"
KEEP = 3
_NAME = re.compile(r"step-(\d{6,})\.safetensors")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """The state of a learner.

    Attributes:
        weights: of the policy, as published.
        state: of the trainer.
        settings: agreed between actor and learner.
        entries: number of journal entries in this state.
        duplicated: number of pairs received more than once.
        written_at: set by `write`, ISO 8601 in UTC; empty in old files.
    """

    weights: Weights
    state: Mapping[str, np.ndarray]
    settings: Scalars
    entries: int
    duplicated: int = 0
    written_at: str = ""


@dataclass(frozen=True, slots=True)
class _Header:
    """The JSON in a checkpoint's header: all fields of `Checkpoint` but its tensors, and their checksum."""

    run_id: str
    version: Natural
    parent: Natural
    step: Natural
    newest_pair: Index
    entries: Natural
    duplicated: Natural
    settings: Scalars
    crc32: Natural
    written_at: str = ""


_HEADER: Schema[_Header] = Schema(_Header)


def write(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint, delete the oldest ones, and return the path.

    Raises:
        OSError: the file cannot be written; older checkpoints stay.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = checkpoint.weights
    tensors = {f"state/{name}": np.array(value, order="C") for name, value in checkpoint.state.items()}
    tensors |= {f"weights/{name}": np.array(value, order="C") for name, value in weights.tensors.items()}
    header = _Header(
        run_id=weights.run_id,
        version=weights.version,
        parent=weights.parent,
        step=weights.step,
        newest_pair=weights.newest_pair,
        entries=checkpoint.entries,
        duplicated=checkpoint.duplicated,
        settings=checkpoint.settings,
        crc32=_checksum(tensors),
        written_at=utc_text(time.time_ns()),
    )
    path = folder / f"step-{weights.step:06d}.safetensors"
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(save(tensors, {"format": FORMAT, "about": _HEADER.dumps(header).decode()}))
        file.flush()
        os.fsync(file.fileno())
    partial.replace(path)
    for old in paths(folder)[:-KEEP]:
        old.unlink(missing_ok=True)
    return path


def paths(folder: Path) -> list[Path]:
    """Checkpoints in a folder, oldest first."""
    found = [(int(match[1]), path) for path in folder.glob("step-*.safetensors") if (match := _NAME.match(path.name))]
    return [path for _, path in sorted(found)]


def latest(folder: Path) -> Path | None:
    """The newest checkpoint in a folder or in its subfolder `checkpoints`; None if there is none."""
    found = paths(folder) or paths(folder / "checkpoints")
    return found[-1] if found else None


def version(path: Path) -> int:
    """Version of a checkpoint's weights; reads the header alone.

    Raises:
        ValueError: as `read`.
    """
    with _opened(path) as (header, _):
        return header.version


def read(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        ValueError: no checkpoint, another format, or damaged; names the file and the reason.
    """
    with _opened(path) as (header, file):
        return _checkpoint(header, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (no mapping)


def read_weights(path: Path) -> tuple[Weights, Scalars]:
    """The policy's weights in a checkpoint, and their settings. Raises as `read`."""
    checkpoint = read(path)
    return checkpoint.weights, checkpoint.settings


@contextmanager
def _opened(path: Path) -> Iterator[tuple[_Header, Any]]:
    """The header and the file of a checkpoint. Every error becomes a ValueError that names the checkpoint."""
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise ValueError(f"its format is {metadata.get('format')!r}, not {FORMAT!r}")
            yield _HEADER.loads(metadata["about"]), file
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"checkpoint {path} cannot be read: {reason}") from error


def _checkpoint(header: _Header, tensors: Mapping[str, np.ndarray]) -> Checkpoint:
    if header.crc32 != _checksum(tensors):
        raise ValueError("its checksum is wrong")

    def part(prefix: str) -> dict[str, np.ndarray]:
        return {
            current_weight(name.removeprefix(prefix)): value
            for name, value in tensors.items()
            if name.startswith(prefix)
        }

    weights = Weights(header.run_id, header.version, header.parent, header.step, header.newest_pair, part("weights/"))
    settings = current_flat_settings(header.settings)
    return Checkpoint(weights, part("state/"), settings, header.entries, header.duplicated, header.written_at)


def _checksum(tensors: Mapping[str, np.ndarray]) -> int:
    crc = 0
    for name in sorted(tensors):
        crc = zlib.crc32(tensors[name].reshape(-1).view(np.uint8).data, zlib.crc32(name.encode(), crc))
    return crc
