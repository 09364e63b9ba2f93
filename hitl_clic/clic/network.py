"""What every network of a method has: it reads states, and holds their standardisation beside its weights.

Pure torch, any thread; no I/O.
"""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor, nn


class ChunkShape(NamedTuple):
    """H steps of dim_a numbers, D in all."""

    horizon: int
    dim_a: int

    @property
    def dim(self) -> int:
        """D = H * dim_a."""
        return self.horizon * self.dim_a


class StateNetwork(nn.Module):
    """Reads states [B, dim_o], shifted and scaled by buffers that the trainer sets from the taught states."""

    shift: Tensor
    spread: Tensor

    def __init__(self, dim_o: int) -> None:
        super().__init__()
        self.register_buffer("shift", torch.zeros(dim_o))
        self.register_buffer("spread", torch.ones(dim_o))

    def standardised(self, state: Tensor) -> Tensor:
        """(s - shift) / spread, clipped to +-10 so that a state far off stays finite; [B, dim_o]."""
        return ((state - self.shift) / self.spread).clamp(-10, 10)
