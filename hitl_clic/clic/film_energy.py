"""An energy whose state features scale and shift the layers of a small network on the chunk.

This is FiLM (Perez et al., arXiv 1709.07871). Pure torch, any thread; no I/O. Shapes as in `energy`.
"""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import torch
from torch import Tensor, nn

from hitl_clic.clic.energy import Context, Energy
from hitl_clic.clic.modes import Modes
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.settings import EnergySettings


class SiluBackward(torch.autograd.Function):
    """(g, z) -> g silu'(z): backpropagates a gradient through a SiLU; differentiable once more.

    silu'(z) = p (1 + z (1 - p)) and silu''(z) = p (1 - p) (2 + z (1 - 2 p)) with p = sigmoid(z).
    """

    @staticmethod
    def forward(ctx: Any, gradient: Tensor, z: Tensor) -> Tensor:
        """g silu'(z), of the shape of g and z."""
        ctx.save_for_backward(gradient, z)
        return torch.ops.aten.silu_backward(gradient, z)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, back: Tensor) -> tuple[Tensor, Tensor]:
        """Gradients by g and by z."""
        gradient, z = ctx.saved_tensors
        gate = torch.sigmoid(z)
        curve = (1 - gate).mul_(gate).mul_((z + 2).addcmul_(z, gate, value=-2))
        return torch.ops.aten.silu_backward(back, z), curve.mul_(back * gradient)


class ScaleAndShift(torch.autograd.Function):
    """(x, scale, shift) -> scale x + shift, [B, S, W] from [B, S, W] and twice [B, 1, W]; differentiable again.

    The backward pass of `torch.addcmul` also multiplies x and scale by its `value`, 1; this one does not.
    """

    @staticmethod
    def forward(ctx: Any, x: Tensor, scale: Tensor, shift: Tensor) -> Tensor:
        """[B, S, W]."""
        ctx.save_for_backward(x, scale)
        return torch.addcmul(shift, x, scale)

    @staticmethod
    def backward(ctx: Any, back: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Gradients by x, scale and shift."""
        x, scale = ctx.saved_tensors
        return back * scale, (back * x).sum(1, keepdim=True), back.sum(1, keepdim=True)


class FilmEnergy(Energy):
    """A state trunk, a FiLM network on the chunk, and the energy of K modes added to its output.

    The trunk runs once a state; the FiLM network and the modes run for every sample and Langevin step. The gradient by
    the chunk is computed by explicit formulas. So chains need no autograd, and the penalty needs one backward pass.

    Args:
        dim_o: size of a state. chunk: size of a chunk. settings: `trunk`, `hidden` and `modes` set the sizes.
    """

    def __init__(self, dim_o: int, chunk: ChunkShape, settings: EnergySettings) -> None:
        super().__init__(dim_o, settings.fourier_frequencies)
        sizes, hidden = (self.dim_read, *settings.trunk), settings.hidden
        self.modes = Modes(sizes[-1], chunk.dim, settings.modes) if settings.modes else None
        self.trunk = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(sizes))
        self.norms = nn.ModuleList(nn.LayerNorm(o) for o in sizes[1:])
        self.heads = nn.ModuleList(nn.Linear(sizes[-1], 2 * width) for width in hidden)
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise((chunk.dim, *hidden)))
        self.out = nn.Linear(hidden[-1], 1)
        nn.init.zeros_(self.out.weight)
        nn.init.zeros_(self.out.bias)

    def centres(self, context: Context) -> Tensor | None:
        return None if self.modes is None else context[2 * len(self.layers)]

    def shares(self, context: Context, chunks: Tensor) -> Tensor | None:
        return None if self.modes is None else self.modes.shares(context[2 * len(self.layers) :], chunks)

    def context(self, state: Tensor) -> Context:
        h = self.read(state)
        for layer, norm in zip(self.trunk, self.norms, strict=True):
            h = nn.functional.silu(norm(layer(h)))
        parts: list[Tensor] = []
        for head in self.heads:  # scale and shift of each layer in turn
            scale, shift = head(h[:, None]).chunk(2, dim=-1)
            parts += [1 + scale, shift]
        return (*parts, *(() if self.modes is None else self.modes.context(h)))

    def energy(self, context: Context, chunks: Tensor) -> Tensor:
        h = chunks
        for i, layer in enumerate(self.layers):
            h = nn.functional.silu(ScaleAndShift.apply(layer(h), context[2 * i], context[2 * i + 1]))
        energy = self.out(h)[..., 0]
        if self.modes is not None:
            energy = energy + self.modes.energy(context[2 * len(self.layers) :], chunks)
        return energy

    def energy_and_gradient(self, context: Context, chunks: Tensor) -> tuple[Tensor, Tensor]:
        h, steps = chunks, []
        for i, layer in enumerate(self.layers):
            z = ScaleAndShift.apply(layer(h), context[2 * i], context[2 * i + 1])
            h = nn.functional.silu(z)
            steps.append((layer, context[2 * i], z))
        energy = self.out(h)[..., 0]
        gradient = self.out.weight[0].expand_as(h)
        for layer, scale, z in reversed(steps):
            gradient = torch.matmul(SiluBackward.apply(gradient, z) * scale, layer.get_parameter("weight"))
        if self.modes is not None:
            extra, pull = self.modes.energy_and_gradient(context[2 * len(self.layers) :], chunks)
            energy, gradient = energy + extra, gradient + pull
        return energy, gradient
