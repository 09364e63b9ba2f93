"""A trainer that regularly replaces its network by one trained from scratch in the background.

Pure torch and numpy, no I/O, no threads; runs in the learner process. A network that trains while pairs arrive overfits
to the first pairs and ends worse than one trained from scratch on all pairs. This is the primacy bias (Nikishin et al.,
arXiv 2205.07802). So a background network trains on the same pairs and takes over.

With `every` = N: the first network trains alone for N updates. Then the acting network and the background network
train in turns until the background network has had N updates. The first replacement comes after about 3 N updates in
total; each later one after about 2 N more.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from hitl_clic.clic.buffer import Array
from hitl_clic.clic.trainer import ChunkTrainer

Make = Callable[[int], ChunkTrainer]


class ResettingTrainer:
    """The acting trainer, which gives the policy its weights, and the background trainer, which takes over.

    Args:
        make: gives the untrained trainer number 0, 1, 2, ...; the same trainer for the same number.
        every: N, updates. The first trainer has N updates before the background trainer starts. A background trainer
            takes over after N updates.
    """

    def __init__(self, make: Make, every: int) -> None:
        self._make, self._every = make, every
        self._acting_is_next = False
        self._begin(0)
        self.updates = 0
        """Updates of all networks together."""
        self.newest_pair = -1

    def __len__(self) -> int:
        return len(self.acting)

    def add(self, pair_id: int, correction_mode: str, state: Array, robot: Array, human: Array, mask: Array) -> None:
        """Store a pair; see `ChunkTrainer.add`."""
        for trainer in (self.acting, self.background):
            trainer.add(pair_id, correction_mode, state, robot, human, mask)

    def remove(self, pair_id: int) -> bool:
        """Remove a pair that its teacher withdrew. False if the id is not stored."""
        self.background.remove(pair_id)
        return self.acting.remove(pair_id)

    def ready(self) -> bool:
        """Whether there are enough pairs for an update."""
        return self.acting.ready()

    def update(self) -> dict[str, float]:
        """One update of one of the two trainers; its loss terms by name.

        The acting trainer comes first while it has pairs that were never drawn; otherwise the two take turns.
        """
        acts = bool(self.acting.buffer.fresh) or self._acting_is_next or self.acting.updates < self._every
        trainer = self.acting if acts else self.background
        terms = trainer.update()
        self.updates += 1
        self._acting_is_next = not acts
        if self.background.updates >= self._every:
            self._replace()
        self.newest_pair = max(self.newest_pair, self.acting.newest_pair)
        return terms

    def weights(self) -> dict[str, np.ndarray]:
        """See `ChunkTrainer.weights`."""
        return self.acting.weights()

    def state(self) -> dict[str, np.ndarray]:
        """Everything except the pairs, as arrays by name."""
        counts = [self.replacements, self.updates, self.newest_pair, self._acting_is_next]
        return {
            "network_reset_every": np.array(counts, np.int64),
            **{f"acting.{name}": value for name, value in self.acting.state().items()},
            **{f"background.{name}": value for name, value in self.background.state().items()},
        }

    def load_state(self, state: Mapping[str, np.ndarray]) -> None:
        """Restore a `state`. Its pairs must be added first.

        Raises:
            ValueError: the state belongs to another network, or to a trainer without network resets.
        """
        if "network_reset_every" not in state:
            raise ValueError("the checkpoint was written without policy.network_reset_every; resume with it set to 0")
        replacements, self.updates, self.newest_pair, acting_is_next = (int(n) for n in state["network_reset_every"])
        pairs = self.acting.buffer.pairs
        self._begin(replacements)
        for trainer, name in ((self.acting, "acting."), (self.background, "background.")):
            for pair in pairs.values():
                trainer.buffer.add(pair)
            trainer.load_state({key.removeprefix(name): value for key, value in state.items() if key.startswith(name)})
        self._acting_is_next = bool(acting_is_next)

    def _begin(self, replacements: int) -> None:
        self.replacements = replacements
        self.acting, self.background = self._make(replacements), self._make(replacements + 1)

    def _replace(self) -> None:
        """The background network takes over; a new background network starts."""
        self.replacements += 1
        self.acting, self.background = self.background, self._make(self.replacements + 1)
        for pair in self.acting.buffer.pairs.values():
            self.background.buffer.add(pair)
