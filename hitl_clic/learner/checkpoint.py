"""Checkpoints of the learner: `step-000123.safetensors` files, whole or absent, the newest few kept.

The learner process writes them; it and the evaluation read them. Tensors are named "state/..." (the trainer) and
"weights/..." (the policy); the safetensors header holds everything else as JSON. The pairs are in the journal.
"""

from __future__ import annotations

import os
import re
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
from hitl_clic.types.messages import Weights
from hitl_clic.types.schema import Index, Natural, Scalars, Schema

FORMAT = "hitl-clic-checkpoint-1"
KEEP = 3
_NAME = re.compile(r"step-(\d{6,})\.safetensors")


@dataclass(frozen=True, slots=True)
class Checkpoint:
    """A learner at one moment.

    Attributes:
        weights: what the policy needs, equal in value to what was published.
        state: the trainer's state. settings: what actor and learner agreed on.
        entries: number of entries of the journal that this state contains. duplicated: pairs that came twice so far.
    """

    weights: Weights
    state: Mapping[str, np.ndarray]
    settings: Scalars
    entries: int
    duplicated: int = 0


@dataclass(frozen=True, slots=True)
class _Header:
    """The JSON in a checkpoint's header: what `Checkpoint` says beside its tensors, and their checksum."""

    run_id: str
    version: Natural
    parent: Natural
    step: Natural
    newest_pair: Index
    entries: Natural
    duplicated: Natural
    settings: Scalars
    crc32: Natural


_HEADER: Schema[_Header] = Schema(_Header)


def write(folder: Path, checkpoint: Checkpoint) -> Path:
    """Write a checkpoint and delete the oldest beyond the newest few; its path.

    Raises:
        OSError: it cannot be written; what was there before is still whole.
    """
    folder.mkdir(parents=True, exist_ok=True)
    weights = checkpoint.weights
    tensors = {f"state/{name}": np.array(value, order="C") for name, value in checkpoint.state.items()}
    tensors |= {f"weights/{name}": np.array(value, order="C") for name, value in weights.tensors.items()}
    about = _Header(
        run_id=weights.run_id,
        version=weights.version,
        parent=weights.parent,
        step=weights.step,
        newest_pair=weights.newest_pair,
        entries=checkpoint.entries,
        duplicated=checkpoint.duplicated,
        settings=checkpoint.settings,
        crc32=_checksum(tensors),
    )
    path = folder / f"step-{weights.step:06d}.safetensors"
    partial = path.with_suffix(".partial")
    with partial.open("wb") as file:
        file.write(save(tensors, {"format": FORMAT, "about": _HEADER.dumps(about).decode()}))
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
    """The newest checkpoint in a folder, or in the `checkpoints` folder of a session; None if there is none."""
    found = paths(folder) or paths(folder / "checkpoints")
    return found[-1] if found else None


def version(path: Path) -> int:
    """Version of a checkpoint's weights, from its header alone.

    Raises:
        ValueError: as `read`, as far as the header tells.
    """
    with _opened(path) as (about, _):
        return about.version


def read(path: Path) -> Checkpoint:
    """Read a checkpoint.

    Raises:
        ValueError: it is no checkpoint, of another format, or damaged; names the file and the reason.
    """
    with _opened(path) as (about, file):
        return _checkpoint(about, {name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (no mapping)


def read_weights(path: Path) -> tuple[Weights, Scalars]:
    """The policy's weights in a checkpoint, and the settings they were made with. Raises as `read` does."""
    checkpoint = read(path)
    return checkpoint.weights, checkpoint.settings


@contextmanager
def _opened(path: Path) -> Iterator[tuple[_Header, Any]]:
    """The header of a checkpoint, and its file. Every fault becomes a ValueError that names the checkpoint."""
    try:
        with safe_open(path, framework="numpy") as file:
            metadata = file.metadata() or {}
            if metadata.get("format") != FORMAT:
                raise ValueError(f"its format is {metadata.get('format')!r}, not {FORMAT!r}")
            yield _HEADER.loads(metadata["about"]), file
    except (OSError, SafetensorError, ValueError, KeyError, TypeError) as error:
        reason = f"{error} is missing" if isinstance(error, KeyError) else str(error)
        raise ValueError(f"checkpoint {path} cannot be read: {reason}") from error


def _checkpoint(about: _Header, tensors: Mapping[str, np.ndarray]) -> Checkpoint:
    if about.crc32 != _checksum(tensors):
        raise ValueError("its checksum is wrong")

    def part(prefix: str) -> dict[str, np.ndarray]:
        return {
            current_weight(name.removeprefix(prefix)): value
            for name, value in tensors.items()
            if name.startswith(prefix)
        }

    weights = Weights(about.run_id, about.version, about.parent, about.step, about.newest_pair, part("weights/"))
    settings = current_flat_settings(about.settings)
    return Checkpoint(weights, part("state/"), settings, about.entries, about.duplicated)


def _checksum(tensors: Mapping[str, np.ndarray]) -> int:
    crc = 0
    for name in sorted(tensors):
        crc = zlib.crc32(tensors[name].reshape(-1).view(np.uint8).data, zlib.crc32(name.encode(), crc))
    return crc
