"""The pairs the learner keeps: at most so many, oldest out first, walked in shuffled epochs.

Pure numpy, learner process only. A pair can be withdrawn at any time by its id.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class StoredPair:
    """One (s, a^r, a^h): state [dim_o]; robot, human, mask [H, dim_a]."""

    id: int
    relative: bool
    state: Array
    robot: Array
    human: Array
    mask: Array


class PairBuffer:
    """Pairs by id, drawn without replacement in shuffled epochs, new ones first.

    Args:
        capacity: greatest number of pairs. generator: shuffles the epochs.
    """

    def __init__(self, capacity: int, generator: np.random.Generator) -> None:
        self.capacity = capacity
        self.generator = generator
        self.pairs: dict[int, StoredPair] = {}
        self.fresh: list[int] = []
        """Ids never drawn yet, oldest first: they enter the very next batch."""
        self.epoch: list[int] = []
        """Ids still to be drawn in this epoch, last first."""
        self.newest_drawn = -1

    def __len__(self) -> int:
        return len(self.pairs)

    def add(self, pair: StoredPair) -> bool:
        """Keep a pair; the oldest leaves when there are too many. False if its id is already here."""
        if pair.id in self.pairs:
            return False
        self.pairs[pair.id] = pair
        self.fresh.append(pair.id)
        while len(self.pairs) > self.capacity:
            self.remove(next(iter(self.pairs)))
        return True

    def remove(self, pair_id: int) -> bool:
        """Forget a pair. False if it is not here."""
        if self.pairs.pop(pair_id, None) is None:
            return False
        if pair_id in self.fresh:
            self.fresh.remove(pair_id)
        return True

    def draw(self, count: int) -> list[StoredPair]:
        """`count` pairs: those never drawn first, then the epoch's; fewer only if the buffer holds fewer."""
        count = min(count, len(self.pairs))
        chosen = dict.fromkeys(self.fresh[:count])
        self.fresh = self.fresh[len(chosen) :]
        twice: list[int] = []
        while len(chosen) < count:
            if not self.epoch:
                self.epoch = [int(i) for i in self.generator.permutation(list(self.pairs))]
            candidate = self.epoch.pop()
            if candidate in chosen:
                twice.append(candidate)
            elif candidate in self.pairs:
                chosen[candidate] = None
        self.epoch += reversed(twice)  # a batch across two epochs: their turn in the new one is the next batch
        self.newest_drawn = max([self.newest_drawn, *chosen])
        return [self.pairs[i] for i in chosen]
