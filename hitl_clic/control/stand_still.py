"""The policy of a robot that knows nothing: it stands still. Pure; planned by the planner thread. Knows no torch."""

from __future__ import annotations

import math

import numpy as np

from hitl_clic.types.records import Array, Proposal


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
