"""An energy that is a sum over stretches of the chunk. Pure torch, any thread; no I/O. Shapes as in `energy`."""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn

from hitl_clic.clic.energy import Context
from hitl_clic.clic.film_energy import ModulatedEnergy
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.settings import EnergySettings


class TemporalEnergy(ModulatedEnergy):
    """E(s, a) = sum_w f(s, w, a[blocks w and w + 1]) + E_wells(s, a): one small network slid along the chunk.

    The chunk is cut into blocks of `block` steps, the last filled up with zeros, and each window is two neighbouring
    blocks: windows overlap by half, which couples neighbouring steps; steps far apart are coupled by the state alone.
    What the network makes of a window depends on the state and on the window's place in the chunk, which is learnt.

    Args:
        dim_o, chunk, settings: as for every energy.
    """

    def __init__(self, dim_o: int, chunk: ChunkShape, settings: EnergySettings) -> None:
        self.stride, width = settings.block * chunk.dim_a, settings.hidden[0]
        super().__init__(dim_o, chunk, settings, 2 * self.stride, width)
        blocks = max(math.ceil(chunk.horizon / settings.block), 2)
        self.missing = blocks * self.stride - chunk.dim
        self.place = nn.Linear(settings.trunk[-1], width, bias=False)
        self.places = nn.Parameter(0.5 * torch.randn(blocks - 1, width))

    def context(self, state: Tensor) -> Context:
        features = self.features(state)
        modes = () if self.modes is None else self.modes.context(features)
        placed = nn.functional.silu(self.place(features)[:, None, None] + self.places)  # [B, 1, windows, width]
        return (*self.modulation(placed), *modes)

    def energy(self, context: Context, chunks: Tensor) -> Tensor:
        energy = self.network(context, self._windows(chunks)).sum(-1)
        if self.modes is not None:
            energy = energy + self.modes.energy(context[2 * len(self.layers) :], chunks)
        return energy

    def energy_and_gradient(self, context: Context, chunks: Tensor) -> tuple[Tensor, Tensor]:
        values, by_window = self.network_and_gradient(context, self._windows(chunks))
        first, second = by_window.split(self.stride, dim=-1)
        pad = nn.functional.pad
        gradient = pad(first.flatten(-2), (0, self.stride)) + pad(second.flatten(-2), (self.stride, 0))
        energy, gradient = values.sum(-1), gradient[..., : chunks.shape[-1]]
        if self.modes is not None:
            extra, pull = self.modes.energy_and_gradient(context[2 * len(self.layers) :], chunks)
            energy, gradient = energy + extra, gradient + pull
        return energy, gradient

    def _windows(self, chunks: Tensor) -> Tensor:
        """[B, S, windows, 2 block * dim_a] of chunks [B, S, D]."""
        return nn.functional.pad(chunks, (0, self.missing)).unfold(-1, 2 * self.stride, self.stride)
