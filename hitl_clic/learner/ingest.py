"""Pairs and withdrawals that the learner has received, each once, numbered in order of arrival.

Pure bookkeeping over a trainer, in the learner process. `Run.apply` uses it for new messages and for journal entries
alike, so a resumed learner equals one that never stopped.
"""

from __future__ import annotations

import logging

from hitl_clic.learner.trainer import Trainer
from hitl_clic.link.handshake import Withdrawal, to_ranges
from hitl_clic.types.messages import ChunkPair

log = logging.getLogger(__name__)


class Ingest:
    """Passes pairs to a trainer under numbers 0, 1, 2, ... in order of arrival, over all actors.

    Attributes:
        ingested: number of different pairs.
        duplicated: number of repeated pairs.
        rejected: number of pairs that the trainer refused.
    """

    def __init__(self, trainer: Trainer) -> None:
        self._trainer = trainer
        self._numbers: dict[tuple[str, int], int] = {}
        self._origins: list[tuple[str, int]] = []
        self._withdrawn: set[tuple[str, int]] = set()
        self._counted = 0
        self._newest: dict[str, int] = {}
        self.ingested = self.duplicated = self.rejected = 0

    @property
    def withdrawn(self) -> int:
        """Number of different withdrawn pairs."""
        return len(self._withdrawn)

    def has_pair(self, run_id: str, pair_id: int) -> bool:
        """Whether this pair has been received."""
        return (run_id, pair_id) in self._numbers

    def has_withdrawn(self, run_id: str, pair_id: int) -> bool:
        """Whether this pair has been withdrawn."""
        return (run_id, pair_id) in self._withdrawn

    def known_ids(self, run_id: str) -> tuple[int, ...]:
        """Ids of a run's received pairs, as ranges."""
        return to_ranges(pair_id for run, pair_id in self._numbers if run == run_id)

    def add(self, run_id: str, pair: ChunkPair) -> None:
        """Take a new pair; a pair that is already withdrawn is only numbered."""
        key = (run_id, pair.id)
        number = len(self._origins)
        self._numbers[key] = number
        self._origins.append(key)
        self.ingested += 1
        if key in self._withdrawn:
            return
        try:
            self._trainer.add(number, pair.correction_mode, pair.state, pair.robot, pair.human, pair.mask)
        except ValueError as error:
            self.rejected += 1
            log.warning("pair %d of run %s cannot be learnt from: %s", pair.id, run_id, error)

    def withdraw(self, run_id: str, withdrawal: Withdrawal) -> None:
        """Remove a pair from the trainer, now or when it arrives."""
        key = (run_id, withdrawal.pair_id)
        self._withdrawn.add(key)
        number = self._numbers.get(key)
        if number is not None:
            self._trainer.remove(number)

    def newest_trained(self) -> dict[str, int]:
        """For each actor's run, the greatest id of its pairs that has been in a batch."""
        trained = self._trainer.newest_pair + 1
        for run_id, pair_id in self._origins[self._counted : trained]:
            self._newest[run_id] = max(self._newest.get(run_id, -1), pair_id)
        self._counted = max(self._counted, trained)
        return dict(self._newest)
