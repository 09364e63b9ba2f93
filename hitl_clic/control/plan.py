"""What the planner thread asks of a policy, and the policy of a robot that stands still. Imports no torch."""

from __future__ import annotations

import math
from typing import Protocol, runtime_checkable

import numpy as np

from hitl_clic.types.records import Array, Proposal


class ChunkPolicy(Protocol):
    """A policy. Its weights never change: a new version is a new object."""

    version: int
    """Weight version; 0 is untrained."""
    newest_pair: int
    """Newest pair id the weights were trained on; -1 if none."""

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        """Low-energy chunk for an observation.

        Args:
            observation: s_t, float32 [dim_o].
            committed: first steps of the chunk that are decided already, float32 [d, dim_a], d >= 0.
            previous: remaining steps of the previous chunk, float32 [k, dim_a], for a warm start; None at first.

        Returns:
            the chunk, its energy and its uncertainty.
        """
        ...


@runtime_checkable
class SearchingPolicy(Protocol):
    """A `ChunkPolicy` that searches for its chunk, and can search less.

    Attributes:
        search: share of the full search that the next plans do, above 0; 1 is the search of the settings. Set by the
            thread that calls `plan`.
    """

    search: float


class StandStill:
    """A `ChunkPolicy` whose actions are all zero: no motion, and no gripper opens or closes.

    Args:
        horizon, dim_a: sizes of its chunks. version, newest_pair: of the untrained weights.
    """

    def __init__(self, horizon: int, dim_a: int, version: int = 0, newest_pair: int = -1) -> None:
        self.version, self.newest_pair = version, newest_pair
        self._nothing = np.zeros((horizon, dim_a), np.float32)

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        """The committed steps, then zeros, [H, dim_a]; energy and uncertainty are NaN."""
        del observation, previous
        chunk = self._nothing.copy()
        chunk[: len(committed)] = committed
        return Proposal(chunk, math.nan)
