"""Energies E(s, a[t:t+H]): the paper's network, and one that reads the state once.

Pure torch, any thread; no I/O. A state is turned into a context once (`context`), then any number of chunks are
evaluated against it. Shapes: B states, S chunks for each, D = H * dim_a.
"""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from itertools import pairwise

import torch
from torch import Tensor, nn

from hitl_clic.clic.network import StateNetwork
from hitl_clic.clic.settings import EnergySettings

Context = tuple[Tensor, ...]
WELL_SLOPE = 2.0
"""Steepness of an untrained well far from its centre, energy per unit of action."""
UNIT_SOFTPLUS = 0.5413
"""softplus of it is 1."""


class Energy(StateNetwork):
    """E(s, a), low for chunks that are wanted."""

    @abstractmethod
    def context(self, state: Tensor) -> Context:
        """All that depends on the state alone; state [B, dim_o], every tensor [B, 1, width]."""

    @abstractmethod
    def energy(self, context: Context, chunks: Tensor) -> Tensor:
        """E(s, a); chunks [B, S, D]; gives [B, S]."""

    def centres(self, context: Context) -> Tensor | None:
        """Chunks that the state alone suggests, [B, K, D]; None where the energy has no such thing."""
        del context
        return None

    def energy_and_gradient(self, context: Context, chunks: Tensor) -> tuple[Tensor, Tensor]:
        """E [B, S] and its gradient by the chunk [B, S, D], both differentiable by the parameters if grad is on."""
        training = torch.is_grad_enabled()
        with torch.enable_grad():
            leaf = chunks.detach().requires_grad_(True)
            energy = self.energy(context, leaf)
            (gradient,) = torch.autograd.grad(energy.sum(), leaf, create_graph=training)
        return (energy, gradient) if training else (energy.detach(), gradient.detach())


class MlpEnergy(Energy):
    """The paper's network on [s; a]: Linear, ReLU, LayerNorm for each width, a zero scalar output ([CC] 7.2.1).

    The first layer is kept as its state part and its chunk part, which is the same layer: the state part is then
    computed once for all chunks of a state.
    """

    def __init__(self, dim_o: int, dim: int, hidden: Sequence[int]) -> None:
        super().__init__(dim_o)
        joint = nn.Linear(dim_o + dim, hidden[0])  # initialised as one layer, as published, then split
        self.state_in = nn.Linear(dim_o, hidden[0])
        self.chunk_in = nn.Linear(dim, hidden[0], bias=False)
        with torch.no_grad():
            self.state_in.weight.copy_(joint.weight[:, :dim_o])
            assert joint.bias is not None
            self.state_in.bias.copy_(joint.bias)
            self.chunk_in.weight.copy_(joint.weight[:, dim_o:])
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(hidden))
        self.norms = nn.ModuleList(nn.LayerNorm(width) for width in hidden)
        self.out = nn.Linear(hidden[-1], 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def context(self, state: Tensor) -> Context:
        return (self.state_in(self.standardised(state))[:, None],)

    def energy(self, context: Context, chunks: Tensor) -> Tensor:
        h = self.norms[0](torch.relu(self.chunk_in(chunks) + context[0]))
        for layer, norm in zip(self.layers, self.norms[1:], strict=True):
            h = norm(torch.relu(layer(h)))
        return self.out(h)[..., 0]


class Wells(nn.Module):
    """K valleys in chunk space whose places, depths and steepness depend on the state.

    E_wells(s, a) = -log sum_k exp(-(depth_k + slope_k (sqrt(1 + ||a - centre_k||^2) - 1))): near a centre a bowl, far
    away a cone, so that the pull is bounded and reaches everywhere. A network on [s; a] alone has to learn from
    contrasts where its valley lies; here the contrasts move it there directly.

    Args:
        width: features of the state. dim: D. count: K.
    """

    def __init__(self, width: int, dim: int, count: int) -> None:
        super().__init__()
        self.count, self.dim = count, dim
        self.centres = nn.Linear(width, count * dim)
        self.shapes = nn.Linear(width, 2 * count)

    def context(self, features: Tensor) -> Context:
        """(centres [B, K, D], depths [B, 1, K], slopes [B, 1, K]) from the state's features [B, width]."""
        centres = 1.2 * torch.tanh(self.centres(features)).reshape(-1, self.count, self.dim)
        depth, slope = self.shapes(features)[:, None].chunk(2, dim=-1)
        return centres, depth, WELL_SLOPE * nn.functional.softplus(slope + UNIT_SOFTPLUS)

    def energy_and_gradient(self, context: Context, chunks: Tensor) -> tuple[Tensor, Tensor]:
        """E [B, S] and its gradient [B, S, D]."""
        centres, depth, slope = context
        apart = chunks[:, :, None] - centres[:, None]
        root = (1 + apart.square().sum(-1)).sqrt()
        log_share = -(depth + slope * (root - 1))
        energy = -torch.logsumexp(log_share, dim=-1)
        pull = torch.softmax(log_share, dim=-1) * slope / root
        return energy, torch.einsum("bsk,bskd->bsd", pull, apart)


class FilmEnergy(Energy):
    """A state trunk scales and shifts the layers of a small network on the chunk (feature-wise modulation).

    Only the small network runs for every sample and every Langevin step. Its gradient by the chunk is written out,
    which spares autograd's bookkeeping in chains and gives the penalty's second order by one ordinary backward.
    """

    def __init__(self, dim_o: int, dim: int, hidden: Sequence[int], trunk: Sequence[int], wells: int = 0) -> None:
        super().__init__(dim_o)
        self.wells = Wells(trunk[-1], dim, wells) if wells else None
        sizes = (dim_o, *trunk)
        self.trunk = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(sizes))
        self.norms = nn.ModuleList(nn.LayerNorm(o) for o in sizes[1:])
        self.heads = nn.ModuleList(nn.Linear(sizes[-1], 2 * width) for width in hidden)
        widths = (dim, *hidden)
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(widths))
        self.out = nn.Linear(hidden[-1], 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def context(self, state: Tensor) -> Context:
        h = self.standardised(state)
        for layer, norm in zip(self.trunk, self.norms, strict=True):
            h = nn.functional.silu(norm(layer(h)))
        parts: list[Tensor] = []
        for head in self.heads:
            scale, shift = head(h)[:, None].chunk(2, dim=-1)
            parts += [1 + scale, shift]
        if self.wells is not None:
            parts += self.wells.context(h)
        return tuple(parts)

    def centres(self, context: Context) -> Tensor | None:
        """The wells' centres [B, K, D], the first places to look for low energy; None without wells."""
        return None if self.wells is None else context[2 * len(self.layers)]

    def energy(self, context: Context, chunks: Tensor) -> Tensor:
        h = chunks
        for i, layer in enumerate(self.layers):
            h = nn.functional.silu(torch.addcmul(context[2 * i + 1], layer(h), context[2 * i]))
        energy = self.out(h)[..., 0]
        if self.wells is not None:
            energy = energy + self.wells.energy_and_gradient(context[2 * len(self.layers) :], chunks)[0]
        return energy

    def energy_and_gradient(self, context: Context, chunks: Tensor) -> tuple[Tensor, Tensor]:
        h, slopes = chunks, []
        for i, layer in enumerate(self.layers):
            z = torch.addcmul(context[2 * i + 1], layer(h), context[2 * i])
            gate = torch.sigmoid(z)
            h = z * gate
            slopes.append((gate + h * (1 - gate)) * context[2 * i])  # silu'(z) * dz/d(layer output)
        energy = self.out(h)[..., 0]
        gradient = self.out.weight[0].expand_as(h)
        for layer, slope in zip(reversed(self.layers), reversed(slopes), strict=True):
            gradient = torch.matmul(gradient * slope, layer.get_parameter("weight"))
        if self.wells is not None:
            extra, pull = self.wells.energy_and_gradient(context[2 * len(self.layers) :], chunks)
            energy, gradient = energy + extra, gradient + pull
        return energy, gradient


def make_energy(dim_o: int, dim: int, settings: EnergySettings) -> Energy:
    """The energy of the settings for states [dim_o] and flattened chunks [dim]."""
    if settings.kind == "mlp":
        return MlpEnergy(dim_o, dim, settings.hidden)
    return FilmEnergy(dim_o, dim, settings.hidden, settings.trunk, settings.wells)
