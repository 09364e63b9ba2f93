"""The base of all networks: it standardises states and holds the statistics as buffers.

Pure torch, any thread; no I/O.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn


class ChunkShape(NamedTuple):
    """Size of an action chunk: H steps of dim_a numbers."""

    horizon: int
    dim_a: int

    @property
    def dim(self) -> int:
        """D = H * dim_a."""
        return self.horizon * self.dim_a


class StateNetwork(nn.Module):
    """A network that reads states [B, dim_o]. The trainer sets `shift` and `spread` from the taught states.

    Args:
        dim_o: size of a state. fourier_frequencies: see `read`.
    """

    shift: Tensor
    spread: Tensor

    def __init__(self, dim_o: int, fourier_frequencies: Sequence[float] = ()) -> None:
        super().__init__()
        self.fourier_frequencies = tuple(fourier_frequencies)
        self.dim_read = dim_o * (1 + 2 * len(self.fourier_frequencies))
        """Size of the result of `read`."""
        self.register_buffer("shift", torch.zeros(dim_o))
        self.register_buffer("spread", torch.ones(dim_o))

    def standardised(self, state: Tensor) -> Tensor:
        """(s - shift) / spread, clipped to [-10, 10]; [B, dim_o]."""
        return ((state - self.shift) / self.spread).clamp(-10, 10)

    def read(self, state: Tensor) -> Tensor:
        """The standardised state and its Fourier features (Tancik et al., arXiv 2006.10739); [B, dim_read].

        The features are sin(f x) and cos(f x) for each number x and frequency f. With them a network learns faster what
        changes within a small part of the range of x.
        """
        numbers = self.standardised(state)
        features = (part(f * numbers) for f in self.fourier_frequencies for part in (torch.sin, torch.cos))
        return torch.cat([numbers, *features], -1)
