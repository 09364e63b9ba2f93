"""What an energy E(s, a[t:t+H]) is; `energies` has those there are.

Pure torch, any thread; no I/O. A state is turned into a context once (`context`), then any number of chunks are
evaluated against it. Shapes: B states, S chunks for each, D = H * dim_a.
"""

from __future__ import annotations

from abc import abstractmethod

import torch
from torch import Tensor

from hitl_clic.clic.network import StateNetwork

Context = tuple[Tensor, ...]


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

    def shares(self, context: Context, chunks: Tensor) -> Tensor | None:
        """How far each of the `centres` answers for each chunk [B, S, D]: [B, S, K], they sum to 1; None without."""
        del context, chunks
        return None

    def energy_and_gradient(self, context: Context, chunks: Tensor) -> tuple[Tensor, Tensor]:
        """E [B, S] and its gradient by the chunk [B, S, D], both differentiable by the parameters if grad is on."""
        training = torch.is_grad_enabled()
        with torch.enable_grad():
            leaf = chunks.detach().requires_grad_(True)
            energy = self.energy(context, leaf)
            (gradient,) = torch.autograd.grad(energy.sum(), leaf, create_graph=training)
        return (energy, gradient) if training else (energy.detach(), gradient.detach())
