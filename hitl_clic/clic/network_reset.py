"""A trainer whose network is replaced from time to time by one that was trained from scratch.

Pure torch and numpy, no I/O, no threads; runs in the learner process. A network that is trained while its pairs arrive
one by one overfits to the first of them and does not fully recover: it ends worse than a network trained from scratch
on all pairs (primacy bias: Nikishin et al., arXiv 2205.07802). So a successor learns from the same pairs, in turn with
the acting network, and replaces it once it is mature.

With `every` = N: the first network learns alone for N updates, then the two take turns until the successor has had N.
The first replacement therefore comes after about 3 N updates in all, and each later one after about 2 N more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from hitl_clic.clic.buffer import Array
from hitl_clic.clic.trainer import ChunkTrainer

Make = Callable[[int], ChunkTrainer]


class ResettingTrainer:
    """The trainer whose weights count, and the one that will take over from it.

    Args:
        make: gives the untrained trainer of a generation, 0, 1, 2, ...; the same one for the same number.
        every: N, updates after which a trainer is mature. The first successor starts to learn when the first trainer is
            mature. A successor takes over when it is mature itself.
    """

    def __init__(self, make: Make, every: int) -> None:
        self._make, self._every = make, every
        self._acting_is_next = False
        self._begin(0)
        self.updates = 0
        """Of all generations together."""
        self.newest_pair = -1

    def __len__(self) -> int:
        return len(self.acting)

    def add(self, pair_id: int, correction_mode: str, state: Array, robot: Array, human: Array, mask: Array) -> None:
        """Keep a pair; see `ChunkTrainer.add`."""
        for trainer in (self.acting, self.successor):
            trainer.add(pair_id, correction_mode, state, robot, human, mask)

    def remove(self, pair_id: int) -> bool:
        """Forget a pair that its teacher withdrew. False if it is not here."""
        self.successor.remove(pair_id)
        return self.acting.remove(pair_id)

    def ready(self) -> bool:
        """Whether there are pairs enough for an update."""
        return self.acting.ready()

    def update(self) -> dict[str, float]:
        """One update, of the acting trainer if a new pair waits, else of both in turn; its loss terms by name."""
        acts = bool(self.acting.buffer.fresh) or self._acting_is_next or self.acting.updates < self._every
        trainer = self.acting if acts else self.successor
        terms = trainer.update()
        self.updates += 1
        self._acting_is_next = not acts
        if self.successor.updates >= self._every:
            self._renew()
        self.newest_pair = max(self.newest_pair, self.acting.newest_pair)
        return terms

    def weights(self) -> dict[str, np.ndarray]:
        """See `ChunkTrainer.weights`."""
        return self.acting.weights()

    def state(self) -> dict[str, np.ndarray]:
        """All but the pairs, as arrays by name."""
        counts = [self.generation, self.updates, self.newest_pair, self._acting_is_next]
        return {
            "network_reset_every": np.array(counts, np.int64),
            **{f"acting.{name}": value for name, value in self.acting.state().items()},
            **{f"successor.{name}": value for name, value in self.successor.state().items()},
        }

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Return to a `state`, after its pairs were added again.

        Raises:
            ValueError: the state is of another network, or of a trainer without successors.
        """
        if "network_reset_every" not in state:
            raise ValueError("the checkpoint is of a learner without policy.network_reset_every; go on as it was begun")
        generation, self.updates, self.newest_pair, acting_is_next = (int(n) for n in state["network_reset_every"])
        pairs = self.acting.buffer.pairs
        self._begin(generation)
        for trainer, name in ((self.acting, "acting."), (self.successor, "successor.")):
            for pair in pairs.values():
                trainer.buffer.add(pair)
            trainer.load_state({key.removeprefix(name): value for key, value in state.items() if key.startswith(name)})
        self._acting_is_next = bool(acting_is_next)

    def _begin(self, generation: int) -> None:
        self.generation = generation
        self.acting, self.successor = self._make(generation), self._make(generation + 1)

    def _renew(self) -> None:
        """The successor takes over, and another one begins."""
        self.generation += 1
        self.acting, self.successor = self.successor, self._make(self.generation + 1)
        for pair in self.acting.buffer.pairs.values():
            self.successor.buffer.add(pair)
