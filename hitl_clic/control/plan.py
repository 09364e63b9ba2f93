"""The policy protocol the planner thread calls. Knows no torch; implementations live in `clic`."""

from __future__ import annotations

from typing import Protocol

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
