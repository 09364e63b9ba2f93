"""The energy network of [CC] on [s; a]. Pure torch, any thread; no I/O. Shapes as in `energy`."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from hitl_clic.clic.energy import Context, Energy
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.settings import EnergySettings


class MlpEnergy(Energy):
    """MLP on [s; a]: Linear, ReLU, LayerNorm for each width, scalar output initialised to zero ([CC] 7.2.1).

    The first layer is stored as a state part and a chunk part. The state part is computed once for all chunks.
    """

    def __init__(self, dim_o: int, chunk: ChunkShape, settings: EnergySettings) -> None:
        super().__init__(dim_o, settings.fourier_frequencies)
        dim, hidden = chunk.dim, settings.hidden
        joint = nn.Linear(self.dim_read + dim, hidden[0])  # initialised as one layer, as in [CC], then split
        self.state_in = nn.Linear(self.dim_read, hidden[0])
        self.chunk_in = nn.Linear(dim, hidden[0], bias=False)
        with torch.no_grad():
            self.state_in.weight.copy_(joint.weight[:, : self.dim_read])
            assert joint.bias is not None
            self.state_in.bias.copy_(joint.bias)
            self.chunk_in.weight.copy_(joint.weight[:, self.dim_read :])
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(hidden))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in hidden)
        self.out = nn.Linear(hidden[-1], 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def context(self, state: Tensor) -> Context:
        return (self.state_in(self.read(state))[:, None],)

    def energy(self, context: Context, chunks: Tensor) -> Tensor:
        h = self.norms[0](torch.relu(self.chunk_in(chunks) + context[0]))
        for layer, norm in zip(self.layers, self.norms[1:], strict=True):
            h = norm(torch.relu(layer(h)))
        return self.out(h)[..., 0]
