"""What the learner process asks of a method. Knows no torch; `clic.trainer` implements it for every method."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

import numpy as np

from hitl_clic.types.records import Array


class Trainer(Protocol):
    """Keeps pairs and improves a policy from them, one update at a time.

    The ids it is given are the learner's own: 0, 1, 2, ... in the order in which pairs arrived, over all actors.
    """

    updates: int
    """Updates done so far."""
    newest_pair: int
    """Greatest id that has been in a trained batch; -1 before the first."""

    def add(self, pair_id: int, correction_mode: str, state: Array, robot: Array, human: Array, mask: Array) -> None:
        """Keep a pair: state [dim_o]; robot, human, mask [H, dim_a].

        Raises:
            ValueError: a shape does not fit.
        """
        ...

    def remove(self, pair_id: int) -> bool:
        """Forget a pair. False if it is not here."""
        ...

    def __len__(self) -> int:
        """Pairs held."""
        ...

    def ready(self) -> bool:
        """Whether there are pairs enough for an update."""
        ...

    def update(self) -> Mapping[str, float]:
        """One gradient step; pairs never trained on enter its batch first, oldest first. Loss terms by name."""
        ...

    def weights(self) -> dict[str, np.ndarray]:
        """Everything the policy needs, by name; copies nobody writes to again."""
        ...

    def state(self) -> dict[str, np.ndarray]:
        """Everything but the pairs themselves: network, optimiser, schedule, generators, order of the pairs."""
        ...

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Return to a `state`. Called after the same `add` and `remove` calls in the same order as before it.

        Raises:
            ValueError: the state is of another method or network.
        """
        ...
