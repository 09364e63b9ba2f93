"""Where the negatives of each pair ended when it was drawn last, so that they can go on from there.

Pure numpy, learner process only. Bounded: 4 N_a D bytes for each of at most `capacity` pairs (16 negatives of D = 112
and 4096 pairs: 29 MB), which checkpoints hold too.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
Key = tuple[int, int]
"""A pair's id and which of its images it stood for: those have chains of their own."""


class ChainStore:
    """Chains [N_a, D] by key; those put in longest ago leave first.

    Args:
        capacity: keys kept. samples, dim: N_a and D.
    """

    def __init__(self, capacity: int, samples: int, dim: int) -> None:
        self.capacity, self.samples, self.dim = capacity, samples, dim
        self.chains: dict[Key, Array] = {}

    def __len__(self) -> int:
        return len(self.chains)

    def take(self, keys: Sequence[Key]) -> Array:
        """Copies, [len(keys), N_a, D]; NaN where nothing is kept."""
        none = np.full((self.samples, self.dim), np.nan, np.float32)
        return np.stack([self.chains.get(key, none) for key in keys])

    def put(self, keys: Sequence[Key], chains: Array) -> None:
        """Keep copies of chains [len(keys), N_a, D] in place of what was kept of these keys."""
        for key, chain in zip(keys, chains, strict=True):
            self.chains.pop(key, None)
            self.chains[key] = chain.copy()
        while len(self.chains) > self.capacity:
            del self.chains[next(iter(self.chains))]

    def state(self) -> dict[str, np.ndarray]:
        """All of it, as arrays by name."""
        keys = np.array(list(self.chains), np.int64).reshape(-1, 2)
        return {"chains.keys": keys, "chains": self.take(list(self.chains)) if len(self) else np.zeros(0, np.float32)}

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Return to a `state`.

        Raises:
            ValueError: its chains are of another size. KeyError: it has none.
        """
        keys = [(int(pair), int(image)) for pair, image in state["chains.keys"]]
        chains = state["chains"].reshape(len(keys), self.samples, self.dim)
        self.chains = {}
        self.put(keys, chains)
