"""What every network of a method has: it reads states, and holds their standardisation beside its weights.

Pure torch, any thread; no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
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
    """Reads states [B, dim_o], shifted and scaled by buffers that the trainer sets from the taught states.

    Args:
        dim_o: numbers of a state. waves: frequencies at which it is also seen, see `read`.
    """

    shift: Tensor
    spread: Tensor

    def __init__(self, dim_o: int, fourier_frequencies: Sequence[float] = ()) -> None:
        super().__init__()
        self.fourier_frequencies = tuple(fourier_frequencies)
        self.dim_read = dim_o * (1 + 2 * len(self.fourier_frequencies))
        """Numbers that `read` gives."""
        self.register_buffer("shift", torch.zeros(dim_o))
        self.register_buffer("spread", torch.ones(dim_o))

    def standardised(self, state: Tensor) -> Tensor:
        """(s - shift) / spread, clipped to +-10 so that a state far off stays finite; [B, dim_o]."""
        return ((state - self.shift) / self.spread).clamp(-10, 10)

    def read(self, state: Tensor) -> Tensor:
        """The standardised state, and sine and cosine of each number at each frequency; [B, dim_read].

        A network of plain numbers is slow to learn what changes within a small part of their spread (Fourier features:
        Tancik et al., arXiv 2006.10739).
        """
        numbers = self.standardised(state)
        return torch.cat(
            [numbers, *(wave(w * numbers) for w in self.fourier_frequencies for wave in (torch.sin, torch.cos))], -1
        )
