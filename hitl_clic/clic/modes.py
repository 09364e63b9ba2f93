"""State-dependent modes (basins) of the energy. Pure torch, any thread; no I/O. Shapes as in `energy`, and K modes."""

from __future__ import annotations

from typing import Any

import torch
from torch import Tensor, nn

from hitl_clic.clic.energy import Context

MODE_SLOPE = 2.0
"""Slope of an untrained mode far from its centre, energy per action unit."""
UNIT_SOFTPLUS = 0.5413
"""softplus(0.5413) = 1."""


class SquaredDistances(torch.autograd.Function):
    """(a, c) -> ||a_s - c_k||^2, [B, S, K] from [B, S, D] and [B, K, D]; differentiable any number of times.

    ||a||^2 + ||c||^2 - 2 a c would cancel near a centre, with an error that grows with D. `torch.cdist` takes the
    differences first and makes no tensor [B, S, K, D], but is differentiable once only. So the gradient is written
    here, with matrix products that do not cancel.
    """

    @staticmethod
    def forward(ctx: Any, a: Tensor, c: Tensor) -> Tensor:
        """[B, S, K]."""
        ctx.save_for_backward(a, c)
        return torch.cdist(a, c, compute_mode="donot_use_mm_for_euclid_dist").square()

    @staticmethod
    def backward(ctx: Any, back: Tensor) -> tuple[Tensor | None, Tensor | None]:
        """Gradients by a and by c."""
        a, c = ctx.saved_tensors
        twice, (by_a, by_c) = 2 * back, ctx.needs_input_grad
        return (
            weighted_differences(twice, a, c) if by_a else None,
            weighted_differences(twice.transpose(1, 2), c, a) if by_c else None,
        )


def weighted_differences(weights: Tensor, a: Tensor, c: Tensor) -> Tensor:
    """sum_k weights_sk (a_s - c_k): [B, S, D] from [B, S, K], [B, S, D] and [B, K, D]."""
    return weights.sum(-1, keepdim=True) * a - weights @ c


class Modes(nn.Module):
    """K modes whose centres, depths and slopes depend on the state.

    E_modes(s, a) = -log sum_k exp(-(depth_k + slope_k (sqrt(1 + ||a - centre_k||^2) - 1))). Each term is quadratic near
    its centre and linear far away, so its gradient is bounded and never vanishes. A network on [s; a] must learn the
    place of its minimum from contrasts; here the contrasts move the centre directly.

    No tensor is larger than [B, S, D] or [B, S, K].

    Args:
        width: number of state features. dim: D. count: K.
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
        return centres, depth, MODE_SLOPE * nn.functional.softplus(slope + UNIT_SOFTPLUS)

    def energy(self, context: Context, chunks: Tensor) -> Tensor:
        """E_modes, [B, S]."""
        return -torch.logsumexp(self._log_shares(context, chunks)[0], dim=-1)

    def shares(self, context: Context, chunks: Tensor) -> Tensor:
        """Share of each mode in exp(-E_modes), [B, S, K]."""
        return torch.softmax(self._log_shares(context, chunks)[0], dim=-1)

    def energy_and_gradient(self, context: Context, chunks: Tensor) -> tuple[Tensor, Tensor]:
        """E_modes [B, S] and its gradient by the chunk [B, S, D]."""
        centres, _, slope = context
        log_share, root = self._log_shares(context, chunks)
        energy = -torch.logsumexp(log_share, dim=-1)
        pull = torch.softmax(log_share, dim=-1) * slope / root
        return energy, weighted_differences(pull, chunks, centres)

    def _log_shares(self, context: Context, chunks: Tensor) -> tuple[Tensor, Tensor]:
        """-E of each mode alone and sqrt(1 + ||a - centre||^2), both [B, S, K]."""
        centres, depth, slope = context
        squared: Tensor = SquaredDistances.apply(chunks, centres)
        root = (1 + squared).sqrt()
        return -(depth + slope * (root - 1)), root
