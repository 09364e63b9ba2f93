"""What the planner thread asks of a policy, and the policy of a robot that stands still. Imports no torch."""

from __future__ import annotations

import math
from typing import Protocol

import numpy as np

from hitl_clic.types.records import Array, Proposal


class ChunkPolicy(Protocol):
    """What the planner thread asks. Immutable in its weights: a new version is a new object."""

    version: int
    """Weight version; 0 is untrained."""
    newest_pair: int
    """Newest pair id the weights were trained on; -1 if none."""

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        """Low-energy chunk for an observation.

        Args:
            observation: s_t, float32 [dim_o].
            committed: the first d steps of the chunk, already bound to be executed, float32 [d, dim_a], d >= 0.
            previous: what is left of the previous chunk, float32 [k, dim_a], for a warm start; None at first.

        Returns:
            the chunk, its energy, and how much in doubt it is.
        """
        ...


class StandStill:
    """A `ChunkPolicy` whose every action is zero: no motion, and grippers neither open nor close.

    Args:
        horizon, dim_a: sizes of its chunks. version, newest_pair: of the weights whose place it takes.
    """

    def __init__(self, horizon: int, dim_a: int, version: int = 0, newest_pair: int = -1) -> None:
        self.version, self.newest_pair = version, newest_pair
        self._nothing = np.zeros((horizon, dim_a), np.float32)

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        """Zeros [H, dim_a] after the committed steps; it compares no chunks, so energy and doubt are NaN."""
        del observation, previous
        chunk = self._nothing.copy()
        chunk[: len(committed)] = committed
        return Proposal(chunk, math.nan)
