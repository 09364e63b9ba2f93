"""The interface of a method to the learner process. No torch here; `clic.trainer` implements it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from hitl_clic.types.records import Array


class Trainer(Protocol):
    """Stores pairs and improves a policy from them, one update at a time.

    Pair ids are the learner's own: 0, 1, 2, ... in order of arrival, over all actors.
    """

    updates: int
    """Number of updates."""
    newest_pair: int
    """Greatest pair id that has been in a batch; -1 before the first."""

    def add(self, pair_id: int, correction_mode: str, state: Array, robot: Array, human: Array, mask: Array) -> None:
        """Store a pair: state [dim_o]; robot, human, mask [H, dim_a].

        Raises:
            ValueError: a shape does not fit.
        """
        ...

    def remove(self, pair_id: int) -> bool:
        """Remove a pair; False if it is not stored."""
        ...

    def __len__(self) -> int:
        """Number of stored pairs."""
        ...

    def ready(self) -> bool:
        """Whether there are enough pairs for an update."""
        ...

    def update(self) -> Mapping[str, float]:
        """One gradient step, with new pairs first (oldest first) in its batch; returns loss terms by name."""
        ...

    def weights(self) -> dict[str, np.ndarray]:
        """Copies of all tensors that the policy needs, by name."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """The complete state except the pairs: network, optimiser, schedule, generators, order of the pairs."""
        ...

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Return to a `state`, after the same `add` and `remove` calls in the same order.

        Raises:
            ValueError: the state belongs to another method or network.
        """
        ...
