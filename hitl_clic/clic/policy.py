"""The chunk policy of an energy: find a chunk of low energy for an observation ([CC] Eq. 8).

Torch, or compiled code where `compiled_planner` applies; the planner thread or an evaluation calls `plan`, one caller
at a time.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import numpy as np
import torch
from torch import Tensor

from hitl_clic.clic.compiled_planner import CompiledPlanner, planner_for
from hitl_clic.clic.energies import make_energy
from hitl_clic.clic.energy import Energy
from hitl_clic.clic.network import ChunkShape, StateNetwork
from hitl_clic.clic.network_policy import NetworkPolicy
from hitl_clic.clic.sampler import clamp_prefix, langevin, step_sizes, uniform
from hitl_clic.clic.settings import EnergyMethodSettings, MethodSettings
from hitl_clic.types.records import Array, Proposal


class EnergyPolicy(NetworkPolicy[Energy, EnergyMethodSettings]):
    """Plans by minimising the energy ([CC] Eq. 8). Arguments as for `NetworkPolicy`.

    Attributes:
        search: see `SearchingPolicy`. It scales candidates, human chunks among them, and chains. The steps stay as they
            are, because they lower the energy most.
    """

    search: float = 1.0

    @cached_property
    def compiled(self) -> CompiledPlanner | None:
        """The compiled search of these weights; None where torch plans."""
        return planner_for(self.network, self.settings, self.device)

    def prepare(self) -> None:
        """Arrange the weights for the compiled search."""
        _ = self.compiled

    @torch.no_grad()
    def find_chunk(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        """A low-energy chunk [H, dim_a], its energy, and its uncertainty (see `_uncertainty`)."""
        if self.compiled is not None:
            return self._plan_compiled(self.compiled, observation, committed, previous)
        inference = self.settings.inference
        bound = self._tensor(committed)
        context = self.network.context(self._tensor(observation)[None])
        warm = self._warm(previous)
        if inference.start == "uniform":
            chunks = uniform(1, self._part(inference.chains), self.dim, self.generator)
        else:
            chunks = self._screened(context, bound, warm)
        negatives = self.settings.negatives
        explore = step_sizes(inference.explore_steps, negatives.step_start, negatives.step_end)
        refine = step_sizes(inference.refine_steps, inference.refine_start, 1e-5)
        for sizes, generator in (
            (explore, self.generator),
            (refine, self.generator if inference.refine_noise else None),
        ):
            chunks = langevin(
                self.network, context, chunks, sizes, negatives.noise, negatives.clip, generator, bound, self.yield_hook
            )
        energies = self.network.energy(context, chunks)[0]
        best = int(energies.argmin())
        if warm is not None and inference.start == "screened" and inference.plan_switch_margin > 0:
            # chain 0 is the refined rest of the previous plan; another plan must be better by the margin
            best = 0 if float(energies[0] - energies[best]) < inference.plan_switch_margin else best
        return Proposal(self._chunk(chunks[0, best]), float(energies[best]), self._uncertainty(chunks[0], energies))

    @torch.no_grad()
    def energy_slice(self, observation: Array, chunk: Array, axes: tuple[int, int], side: int) -> Array:
        """Energies [side, side] of the chunk, shifted so that its first action covers the plane of two axes.

        All steps shift equally and are clipped to [-1, 1]. Arguments as for `NetworkPolicy.energy_slice`.
        """
        context = self.network.context(self._tensor(observation)[None])
        along = torch.linspace(-1, 1, side, device=self.device)
        moved = self._tensor(chunk).reshape(1, 1, self.horizon, self.dim_a).repeat(side, side, 1, 1)
        first, second = axes
        moved[..., first] += (along[None, :] - moved[..., 0, first])[..., None]
        moved[..., second] += (along[:, None] - moved[..., 0, second])[..., None]
        energies = self.network.energy(context, moved.clamp(-1, 1).reshape(1, side * side, self.dim))
        return np.ascontiguousarray(energies.reshape(side, side).cpu().numpy())

    def _uncertainty(self, chunks: Tensor, energies: Tensor) -> float:
        """Root of the mean variance of chunks [K, D], weighted by exp(-E / tau); action units."""
        share = torch.softmax(-energies / self.settings.temperature, 0)[:, None]
        mean = (share * chunks).sum(0)
        return float((share * (chunks - mean) ** 2).sum(0).mean().sqrt())

    def _part(self, count: int) -> int:
        """The part of a count that `search` leaves, at least 1."""
        return max(1, round(count * self.search))

    @property
    def _bank(self) -> Tensor:
        """The human chunks in use, evenly spaced over all, [N, D]; contiguous, as the compiled search needs them."""
        return self.human_chunks[:: round(1 / self.search)].contiguous()

    def _network(self, dim_o: int, chunk: ChunkShape) -> Energy:
        return make_energy(dim_o, chunk, self.settings.network)

    def _answers(self, states: Tensor) -> Tensor:
        """Energies of five distant chunks."""
        chunks = torch.linspace(-1, 1, 5, device=self.device)[None, :, None].expand(len(states), 5, self.dim)
        return self.network.energy(self.network.context(states), chunks)

    def _warm(self, previous: Array | None) -> Tensor | None:
        """The rest of the previous chunk, with its last step repeated up to H steps; [D]."""
        if previous is None or len(previous) == 0:
            return None
        rest = np.concatenate([previous, np.repeat(previous[-1:], self.horizon - len(previous), axis=0)])
        return self._tensor(rest)

    def _screened(self, context: tuple[Tensor, ...], committed: Tensor, warm: Tensor | None) -> Tensor:
        """The `chains` candidates of lowest energy, [1, K, D]. The warm start always comes first."""
        parts = [self._bank[None]]
        if (centres := self.network.centres(context)) is not None:
            parts.append(centres.clamp(-1, 1))
        near, blind = self._drawn(warm, sum(part.shape[1] for part in parts))
        if near is not None:
            parts.append(near)
        candidates = torch.cat([*parts, blind], dim=1)
        if len(committed):
            candidates = clamp_prefix(candidates, committed)
        keep = min(self._part(self.settings.inference.chains), candidates.shape[1])
        energies = self.network.energy(context, candidates)[0]
        best = candidates[:, energies.topk(keep, largest=False).indices]
        if warm is not None:
            best = torch.cat([warm[None, None], best[:, :-1]], dim=1)
        return best

    def _drawn(self, warm: Tensor | None, others: int) -> tuple[Tensor | None, Tensor]:
        """The random candidates: those around the warm start, [1, N_w, D] or None, and uniform ones, [1, N_u, D].

        Args:
            others: number of the candidates that are not random.
        """
        count, near = self._part(self.settings.inference.candidates), None
        if warm is not None:
            jitter = 0.2 * torch.randn(count // 8, self.dim, generator=self.generator, device=self.device)
            near = (warm + jitter).clamp(-1, 1)[None]
            others += count // 8
        return near, uniform(1, max(count - others, count // 4), self.dim, self.generator)

    def _plan_compiled(
        self, compiled: CompiledPlanner, observation: Array, committed: Array, previous: Array | None
    ) -> Proposal:
        """`find_chunk` with the compiled search, from the same random candidates."""
        if self.yield_hook is not None:
            self.yield_hook()
        warm = self._warm(previous)
        bank = self._bank
        near, blind = self._drawn(warm, len(bank) + self.settings.network.modes)
        chunk, energy, spread = compiled.plan(
            self._tensor(observation).numpy(),
            self._tensor(committed).numpy(),
            None if warm is None else warm.numpy(),
            None if near is None else near[0].numpy(),
            blind[0].numpy(),
            bank.numpy(),
            self._part(self.settings.inference.chains),
        )
        return Proposal(chunk.reshape(self.horizon, self.dim_a), energy, spread)


def untrained_weights(
    dim_o: int,
    dim_a: int,
    horizon: int,
    settings: MethodSettings,
    network: Callable[[int, ChunkShape, Any], StateNetwork] = make_energy,
) -> dict[str, np.ndarray]:
    """Weights of version 0: an untrained network and no human chunks."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        untrained = network(dim_o, ChunkShape(horizon, dim_a), settings.network)
    tensors = {name: value.numpy().copy() for name, value in untrained.state_dict().items()}
    tensors["human_chunks"] = np.zeros((0, horizon * dim_a), np.float32)
    return tensors
