"""The state encoder of the baselines' networks. Pure torch, any thread; no I/O."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from torch import Tensor, nn


class Trunk(nn.Module):
    """Linear, LayerNorm, SiLU for each width.

    Args:
        dim_in: size of the input. widths: sizes of the layers, at least one.
    """

    def __init__(self, dim_in: int, widths: Sequence[int]) -> None:
        super().__init__()
        sizes = (dim_in, *widths)
        self.layers = nn.ModuleList(nn.Linear(i, o) for i, o in pairwise(sizes))
        self.norms = nn.ModuleList(nn.LayerNorm(o) for o in sizes[1:])

    def forward(self, state: Tensor) -> Tensor:
        """Features [B, widths[-1]] of inputs [B, dim_in]."""
        h = state
        for layer, norm in zip(self.layers, self.norms, strict=True):
            h = nn.functional.silu(norm(layer(h)))
        return h
