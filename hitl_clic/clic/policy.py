"""The chunk policy: find a chunk of low energy for an observation ([CC] Eq. 8).

Pure torch; `plan` runs in the planner thread (or in an evaluation), one caller at a time. A policy's weights never
change: new weights make a new policy, which the loop swaps in between two ticks.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from hitl_clic.clic.energy import make_energy
from hitl_clic.clic.sampler import clamp_prefix, langevin, step_sizes, uniform
from hitl_clic.clic.settings import MethodSettings

Array = NDArray[np.float32]


class EnergyPolicy:
    """Plans by searching the energy for its least chunk.

    Args:
        weights: tensors by name, as `ChunkTrainer.weights` gives them.
        dim_o, dim_a, horizon: sizes. settings: the method's numbers. generator: of the search.
        version, newest_pair: of the weights.
        breathe: called again and again within `plan`, at most some milliseconds apart; it may hold the plan up for a
            moment in which something more urgent runs. None never.

    Raises:
        ValueError: the weights do not fit these sizes, or hold numbers that are not finite.
    """

    def __init__(
        self,
        weights: Mapping[str, np.ndarray],
        dim_o: int,
        dim_a: int,
        horizon: int,
        settings: MethodSettings,
        generator: torch.Generator,
        version: int = 0,
        newest_pair: int = -1,
        breathe: Callable[[], None] | None = None,
    ) -> None:
        self.breathe = breathe
        self.version, self.newest_pair = version, newest_pair
        self.dim_a, self.horizon, self.settings, self.generator = dim_a, horizon, settings, generator
        self.device = generator.device
        for name, value in weights.items():
            if not np.isfinite(value).all():
                raise ValueError(f"weights {name!r} of version {version} hold numbers that are not finite")
        with torch.device("meta"):  # no numbers drawn only to be overwritten: this happens beside a running loop
            self.energy = make_energy(dim_o, horizon * dim_a, settings.energy)
        try:
            tensors = {name: torch.tensor(value) for name, value in weights.items() if name != "bank"}
            self.energy.load_state_dict(tensors, assign=True)
            self.bank = torch.tensor(weights["bank"], device=self.device).reshape(-1, horizon * dim_a)
        except (RuntimeError, KeyError) as error:
            raise ValueError(f"weights of version {version} do not fit this network: {error}") from error
        self.energy.to(self.device).requires_grad_(False)

    @torch.no_grad()
    def plan(self, observation: Array, committed: Array, previous: Array | None) -> tuple[Array, float]:
        """A low-energy chunk [H, dim_a] and its energy.

        Args:
            observation: s_t, [dim_o]. committed: first steps already bound to be executed, [d, dim_a].
            previous: rest of the previous chunk from this tick on, [k, dim_a], or None.
        """
        inference = self.settings.inference
        state = torch.from_numpy(np.ascontiguousarray(observation, np.float32)).to(self.device)[None]
        bound = torch.from_numpy(np.ascontiguousarray(committed, np.float32)).to(self.device).reshape(-1)
        context = self.energy.context(state)
        warm = self._warm(previous)
        if inference.start == "uniform":
            chunks = uniform(1, inference.chains, self.horizon * self.dim_a, self.generator)
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
                self.energy, context, chunks, sizes, negatives.noise, negatives.clip, generator, bound, self.breathe
            )
        energies = self.energy.energy(context, chunks)[0]
        best = int(energies.argmin())
        if warm is not None and inference.start == "screened" and inference.commitment > 0:
            # chain 0 is the refined rest of the previous plan: kept unless another is clearly better
            best = 0 if float(energies[0] - energies[best]) < inference.commitment else best
        chunk = chunks[0, best].reshape(self.horizon, self.dim_a).cpu().numpy()
        return np.ascontiguousarray(chunk), float(energies[best])

    @torch.no_grad()
    def probe(self) -> None:
        """Check the energy at a few far-apart states and chunks.

        Raises:
            ValueError: an energy there is not finite.
        """
        states = torch.linspace(-1, 1, 3, device=self.device)[:, None].expand(3, self.energy.shift.numel())
        chunks = torch.linspace(-1, 1, 5, device=self.device)[None, :, None]
        chunks = chunks.expand(3, 5, self.horizon * self.dim_a)
        if not torch.isfinite(self.energy.energy(self.energy.context(states), chunks)).all():
            raise ValueError(f"weights of version {self.version} give energies that are not finite")

    def _warm(self, previous: Array | None) -> Tensor | None:
        """The rest of the previous chunk, its last step repeated to H steps; [D]."""
        if previous is None or len(previous) == 0:
            return None
        rest = np.concatenate([previous, np.repeat(previous[-1:], self.horizon - len(previous), axis=0)])
        return torch.from_numpy(np.ascontiguousarray(rest, np.float32)).to(self.device).reshape(-1)

    def _screened(self, context: tuple[Tensor, ...], committed: Tensor, warm: Tensor | None) -> Tensor:
        """The best `chains` of many candidates by energy; the warm start comes first whatever its energy."""
        inference = self.settings.inference
        dim = self.horizon * self.dim_a
        parts = [self.bank[None]]
        if (centres := self.energy.centres(context)) is not None:
            parts.append(centres.clamp(-1, 1))
        if warm is not None:
            near = 0.2 * torch.randn(inference.candidates // 8, dim, generator=self.generator, device=self.device)
            parts.append((warm + near).clamp(-1, 1)[None])
        missing = max(inference.candidates - sum(p.shape[1] for p in parts), inference.candidates // 4)
        parts.append(uniform(1, missing, dim, self.generator))
        candidates = torch.cat(parts, dim=1)
        if len(committed):
            candidates = clamp_prefix(candidates, committed)
        keep = min(inference.chains, candidates.shape[1])
        chosen = self.energy.energy(context, candidates)[0].topk(keep, largest=False).indices
        best = candidates[:, chosen]
        if warm is not None:
            best = torch.cat([warm[None, None], best[:, :-1]], dim=1)
        return best


def untrained_weights(dim_o: int, dim_a: int, horizon: int, settings: MethodSettings) -> dict[str, np.ndarray]:
    """Weights of version 0: a network that knows nothing, and an empty bank."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        energy = make_energy(dim_o, horizon * dim_a, settings.energy)
    tensors = {name: value.numpy().copy() for name, value in energy.state_dict().items()}
    tensors["bank"] = np.zeros((0, horizon * dim_a), np.float32)
    return tensors
