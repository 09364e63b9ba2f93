"""The interface of an energy E(s, a[t:t+H]); the policy is pi(a|s) ~ exp(-E(s, a)) ([CC] Eq. 4).

Pure torch, any thread; no I/O. `context` encodes a state once; then any number of chunks are evaluated with it.
Shapes: B states, S chunks for each state, D = H * dim_a.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from hitl_clic.clic.network import StateNetwork

Context = tuple[Tensor, ...]


class Energy(StateNetwork):
    """E(s, a): low for good chunks."""

    @abstractmethod
    def context(self, state: Tensor) -> Context:
        """The part of the computation that depends on the state only; state [B, dim_o], tensors [B, 1, width]."""

    @abstractmethod
    def energy(self, context: Context, chunks: Tensor) -> Tensor:
        """E(s, a), [B, S], for chunks [B, S, D]."""

    def centres(self, context: Context) -> Tensor | None:
        """Centres of the K modes, [B, K, D]; None for an energy without modes."""
        del context
        return None

    def shares(self, context: Context, chunks: Tensor) -> Tensor | None:
        """Responsibility of each mode for chunks [B, S, D]: [B, S, K], sums to 1 over K; None without modes."""
        del context, chunks
        return None

    def energy_and_gradient(self, context: Context, chunks: Tensor) -> tuple[Tensor, Tensor]:
        """E [B, S] and its gradient by the chunk [B, S, D]; differentiable by the parameters if grad is enabled."""
        training = torch.is_grad_enabled()
        with torch.enable_grad():
            leaf = chunks.detach().requires_grad_(True)
            energy = self.energy(context, leaf)
            (gradient,) = torch.autograd.grad(energy.sum(), leaf, create_graph=training)
        return (energy, gradient) if training else (energy.detach(), gradient.detach())
