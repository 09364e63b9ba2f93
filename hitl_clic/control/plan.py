"""A planned chunk and the policy protocol the loop calls. Knows no torch; implementations live elsewhere."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Plan:
    """One chunk a[t:t+H] planned for the observation of tick t.

    Attributes:
        tick: t, the session tick whose observation it was planned for.
        chunk: float32 [H, dim_a] in [-1, 1].
        energy: E(s, chunk) under the weights used.
        weight_version: version of those weights. newest_pair: newest pair they were trained on, -1 if none.
        started_ns, finished_ns: `perf_counter_ns` around the inference.
    """

    tick: int
    chunk: Array
    energy: float
    weight_version: int
    newest_pair: int
    started_ns: int
    finished_ns: int


class ChunkPolicy(Protocol):
    """What the planner thread asks. Implementations are immutable in their weights: a new version is a new object."""

    version: int
    """Weight version; 0 is untrained."""
    newest_pair: int
    """Newest pair id the weights were trained on; -1 if none."""

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> tuple[Array, float]:
        """Low-energy chunk for an observation.

        Args:
            observation: s_t, float32 [dim_o].
            committed: the first d steps of the chunk, already bound to be executed, float32 [d, dim_a], d >= 0.
            previous: what is left of the previous chunk, float32 [k, dim_a], for a warm start; None at first.

        Returns:
            the chunk, float32 [H, dim_a], and its energy.
        """
