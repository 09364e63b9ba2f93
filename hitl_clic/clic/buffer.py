"""The buffer of training pairs: limited size, first in first out, drawn in shuffled epochs.

Pure numpy; the learner process runs it. A pair can be removed at any time by its id.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class StoredPair:
    """One pair (s, a^r, a^h), float32: state [dim_o]; robot, human, mask [H, dim_a]."""

    id: int
    relative: bool
    state: Array
    robot: Array
    human: Array
    mask: Array


class PairBuffer:
    """Pairs by id, drawn without replacement in shuffled epochs, new pairs first.

    Args:
        capacity: greatest number of pairs. generator: shuffles the epochs.
    """

    def __init__(self, capacity: int, generator: np.random.Generator) -> None:
        self.capacity = capacity
        self.generator = generator
        self.pairs: dict[int, StoredPair] = {}
        self.fresh: list[int] = []
        """Ids that were never drawn, oldest first. They enter the next batch."""
        self.epoch: list[int] = []
        """Ids still to be drawn in this epoch; the last one is drawn next."""
        self.newest_drawn = -1

    def __len__(self) -> int:
        return len(self.pairs)

    def add(self, pair: StoredPair) -> bool:
        """Store a pair and drop the oldest if the buffer is full. False if the id is already stored."""
        if pair.id in self.pairs:
            return False
        self.pairs[pair.id] = pair
        self.fresh.append(pair.id)
        while len(self.pairs) > self.capacity:
            self.remove(next(iter(self.pairs)))
        return True

    def remove(self, pair_id: int) -> bool:
        """Remove a pair. False if the id is not stored."""
        if self.pairs.pop(pair_id, None) is None:
            return False
        if pair_id in self.fresh:
            self.fresh.remove(pair_id)
        return True

    def draw(self, count: int) -> list[StoredPair]:
        """`count` different pairs, new pairs first; fewer only if the buffer holds fewer."""
        count = min(count, len(self.pairs))
        chosen = dict.fromkeys(self.fresh[:count])
        self.fresh = self.fresh[len(chosen) :]
        postponed: list[int] = []
        while len(chosen) < count:
            if not self.epoch:
                self.epoch = [int(i) for i in self.generator.permutation(list(self.pairs))]
            candidate = self.epoch.pop()
            if candidate in chosen:
                postponed.append(candidate)
            elif candidate in self.pairs:
                chosen[candidate] = None
        self.epoch += reversed(postponed)  # a batch that spans two epochs: these come first in the next batch
        self.newest_drawn = max([self.newest_drawn, *chosen])
        return [self.pairs[i] for i in chosen]
