"""The base of all chunk policies: checks, loads and probes weights.

Pure torch; the link thread makes a policy, the planner thread calls `plan`, one caller at a time. The weights of a
policy never change: new weights make a new policy, and the loop swaps it in between two ticks.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Generic

import numpy as np
import torch
from torch import Tensor

from hitl_clic.clic.caution import CAUTION, STATES, Caution
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.objective import Network, Settings
from hitl_clic.types.records import Array, Proposal

NOT_OF_NETWORK = ("human_chunks", STATES, CAUTION)
"""Arrays among the weights that are no tensors of the network."""


class NetworkPolicy(ABC, Generic[Network, Settings]):
    """A `ChunkPolicy` around a network.

    Args:
        weights: tensors by name, as `ChunkTrainer.weights` gives them.
        dim_o: numbers in an observation. chunk: (H, dim_a). settings: the method's numbers.
        generator: draws all random numbers of a plan.
        version, newest_pair: of the weights.
        yield_hook: `plan` calls it every few milliseconds. It may block shortly, so that more urgent work runs. None:
            no calls.

    Raises:
        ValueError: the weights do not fit these sizes, or hold numbers that are not finite.
    """

    def __init__(
        self,
        weights: Mapping[str, np.ndarray],
        dim_o: int,
        chunk: ChunkShape,
        settings: Settings,
        generator: torch.Generator,
        version: int = 0,
        newest_pair: int = -1,
        yield_hook: Callable[[], None] | None = None,
    ) -> None:
        self.yield_hook = yield_hook
        self.version, self.newest_pair = version, newest_pair
        self.horizon, self.dim_a = chunk
        self.settings, self.generator = settings, generator
        self.device = generator.device
        for name, value in weights.items():
            if not np.isfinite(value).all():
                raise ValueError(f"weights {name!r} of version {version} hold numbers that are not finite")
        with torch.device("meta"):  # skips the initialisation, because the loop runs at the same time
            self.network = self._network(dim_o, chunk)
        try:
            tensors = {name: torch.tensor(value) for name, value in weights.items() if name not in NOT_OF_NETWORK}
            self.network.load_state_dict(tensors, assign=True)
            self._caution = Caution(weights, dim_o)
            self.human_chunks = torch.tensor(weights["human_chunks"], device=self.device).reshape(-1, self.dim)
        except (RuntimeError, KeyError) as error:
            raise ValueError(f"weights of version {version} do not fit this network: {error}") from error
        self.network.to(self.device).requires_grad_(False)

    @property
    def dim(self) -> int:
        """D = H * dim_a."""
        return self.horizon * self.dim_a

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        """A chunk [H, dim_a], its energy and its uncertainty; see `ChunkPolicy.plan`.

        Args:
            observation: s_t, [dim_o]. committed: first steps, which will be executed in any case, [d, dim_a].
            previous: the rest of the previous chunk from this tick on, [k, dim_a], or None.
        """
        return self._caution.applied(self.find_chunk(observation, committed, previous), observation, committed)

    @abstractmethod
    def find_chunk(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        """The method's own plan; see `plan`."""

    @abstractmethod
    def _network(self, dim_o: int, chunk: ChunkShape) -> Network:
        """The network that the weights belong to."""

    @abstractmethod
    def _answers(self, states: Tensor) -> Tensor:
        """Outputs of the network at states [B, dim_o], any shape. `probe` requires that all are finite."""

    def energy_slice(self, observation: Array, chunk: Array, axes: tuple[int, int], side: int) -> Array | None:
        """Energies [side, side] on a plane of two action axes, for display; None for a method without an energy.

        Args:
            observation: s, [dim_o]. chunk: [H, dim_a]. axes: the two action axes.
            side: points from -1 to 1 on each axis. The first index of the result belongs to the second axis.
        """
        del observation, chunk, axes, side
        return None

    def prepare(self) -> None:
        """Do now, in the thread that made the policy, what else would delay its first plan."""

    @torch.no_grad()
    def probe(self) -> None:
        """Check the network at a few distant states.

        Raises:
            ValueError: an output is not finite.
        """
        states = torch.linspace(-1, 1, 3, device=self.device)[:, None].expand(3, self.network.shift.numel())
        if not torch.isfinite(self._answers(states)).all():
            raise ValueError(f"weights of version {self.version} give numbers that are not finite")

    def _tensor(self, array: Array) -> Tensor:
        """An array as a flat tensor on the policy's device."""
        return torch.from_numpy(np.ascontiguousarray(array, np.float32)).to(self.device).reshape(-1)

    def _chunk(self, flat: Tensor) -> Array:
        """A flat chunk [D] as an array [H, dim_a]."""
        return np.ascontiguousarray(flat.reshape(self.horizon, self.dim_a).cpu().numpy())
