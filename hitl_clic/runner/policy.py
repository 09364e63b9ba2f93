"""A learnt policy outside of a session: loads a checkpoint and plans chunks. Any thread, one caller at a time."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import ArrayLike

from hitl_clic.control.plan import ChunkPolicy
from hitl_clic.learner import checkpoint
from hitl_clic.runner.torch_devices import check_devices
from hitl_clic.settings import SessionSettings
from hitl_clic.types.errors import UserError
from hitl_clic.types.records import Array

EVALUATION_SEED = 1_000_000
"""Seed of the first evaluated start and of the policy's sampling; sessions use seed * 10,000 + episode."""


@dataclass(frozen=True, slots=True)
class Chunk:
    """A planned chunk.

    Attributes:
        actions: float32 [H, dim_a] in [-1, 1].
        energy: E(s, actions); its meaning is the method's.
        uncertainty: spread of the low-energy chunks, units of action; NaN if the method has none.
    """

    actions: Array
    energy: float
    uncertainty: float


class Policy:
    """A policy ready to plan. Make it with `Policy.load`.

    Attributes:
        path: of its checkpoint. settings: of the session it was learnt in. version: of its weights.
        updates: of the network. dim_o, dim_a: sizes of observation and action. horizon: H, steps of a chunk.
        execute: Ta, steps of a chunk to execute before the next plan.
    """

    def __init__(self, path: Path, settings: SessionSettings, seed: int) -> None:
        import torch

        from hitl_clic.clic.network import ChunkShape
        from hitl_clic.runner.policy_inbox import policy_of_weights

        self.path, self.settings = path, settings
        check_devices(settings.policy, learns=False, plans=True)
        try:
            weights, agreed = checkpoint.read_weights(path)
            self.dim_o, self.dim_a = int(agreed["dim_o"]), int(agreed["dim_a"])
            chunk = ChunkShape(int(agreed["horizon"]), self.dim_a)
            self._generator = torch.Generator(settings.policy.planner_device).manual_seed(seed)
            self.planner: ChunkPolicy = policy_of_weights(weights, self.dim_o, chunk, settings.policy, self._generator)
        except ValueError as error:
            raise UserError(str(error)) from error
        self.version, self.updates = weights.version, weights.step
        self.horizon, self.execute = settings.horizon, settings.execute

    @classmethod
    def load(cls, source: Path | str, *, seed: int = EVALUATION_SEED) -> Policy:
        """Load the newest policy of a session folder, or one checkpoint file.

        Args:
            seed: of the sampling in the search for a chunk.

        Raises:
            UserError: there is no checkpoint, no settings, or they do not fit.
        """
        path, settings = find_checkpoint(Path(source))
        return cls(path, settings, seed)

    def restart_sampling(self, seed: int) -> None:
        """Continue as a policy loaded with this seed."""
        self._generator.manual_seed(seed)

    def plan(
        self, observation: ArrayLike, committed: ArrayLike | None = None, previous: ArrayLike | None = None
    ) -> Chunk:
        """The next chunk of actions.

        Args:
            observation: [dim_o]. committed: [k, dim_a], first steps that are decided already, k < H.
            previous: [k, dim_a], the remaining steps of the last chunk, a second start of the search.

        Raises:
            UserError: an array has another shape, or is not finite.
        """
        state = _array("observation", observation, (self.dim_o,))
        nothing = np.zeros((0, self.dim_a), np.float32)
        decided = nothing if committed is None else _array("committed", committed, (-1, self.dim_a))
        rest = None if previous is None else _array("previous", previous, (-1, self.dim_a))
        found = self.planner.plan(state, decided, rest)
        return Chunk(found.chunk, found.energy, found.uncertainty)


def find_checkpoint(source: Path) -> tuple[Path, SessionSettings]:
    """The checkpoint of a session folder or file, and the session's settings.

    Raises:
        UserError: there is no checkpoint, or no settings.
    """
    path: Path | None = source
    if source.is_dir():
        path = checkpoint.latest(source / "checkpoints") or checkpoint.latest(source)
        if path is None:
            raise UserError(f"source = {source} holds no checkpoint; allowed: a session folder or a checkpoint")
    elif not source.exists():
        raise UserError(f"source = {source} does not exist; allowed: a session folder or a checkpoint")
    assert path is not None
    for folder in list(path.absolute().parents)[:3]:
        if (folder / "settings.toml").exists():
            return path, SessionSettings.from_toml(folder / "settings.toml")
    raise UserError(f"source = {source} has no settings.toml beside it or in a folder above; keep them together")


def _array(name: str, given: ArrayLike, shape: tuple[int, ...]) -> Array:
    try:
        array = np.asarray(given, np.float32)
    except (TypeError, ValueError) as error:
        raise UserError(f"{name} is not an array of numbers: {error}") from error
    fits = array.ndim == len(shape) and all(size in (-1, got) for size, got in zip(shape, array.shape, strict=True))
    if not fits or not np.isfinite(array).all():
        wanted = ", ".join("k" if size == -1 else str(size) for size in shape)
        raise UserError(f"{name} of shape {list(array.shape)} is not allowed; allowed: finite numbers [{wanted}]")
    return array
