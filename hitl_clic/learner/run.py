"""One learner run: trainer, ingested pairs, versions and checkpoints. No sockets; the clock serves the update rate
only.

Learner process. The journal and the checkpoints in the folder determine the run, so it resumes exactly.
"""

from __future__ import annotations

import logging
import time
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from hitl_clic.learner import checkpoint
from hitl_clic.learner.checkpoint import Checkpoint, Scalars
from hitl_clic.learner.ingest import Ingest
from hitl_clic.learner.journal import Entry, Journal
from hitl_clic.learner.trainer import Trainer
from hitl_clic.link.handshake import Published, Withdrawal
from hitl_clic.types.messages import ChunkPair, Hello, LearnerStatus, UpdateRequest, Weights

log = logging.getLogger(__name__)
RATE_WINDOW_S = 5.0


@dataclass(slots=True)
class Request:
    """A request of an actor for updates, and the number still to do."""

    run_id: str
    number: int
    remaining: int


class Run:
    """A trainer and its history.

    Args:
        journal: of this run's folder.
        folder: for checkpoints.
        trainer: untrained.
        settings: agreed between actor and learner.

    Attributes:
        ingest: received pairs and withdrawals.
        request: the request in progress, or None.
        answered: number of the last answered request, by the actor's run.
        tail: journal entries after the newest checkpoint; `apply` them in order before new messages.

    Raises:
        ValueError: the checkpoints in the folder belong to another run or network.
    """

    def __init__(self, journal: Journal, folder: Path, trainer: Trainer, settings: Scalars) -> None:
        self.trainer, self.settings = trainer, settings
        self.ingest = Ingest(trainer)
        self.request: Request | None = None
        self.answered: dict[str, int] = {}
        self.not_finite = 0
        self._journal, self._folder = journal, folder
        self._losses: dict[str, float] = {}
        self._times: deque[float] = deque()
        self._saved = (-1, -1)
        entries = journal.read()
        self.version = max((e.message.version for e in entries if isinstance(e.message, Published)), default=0)
        self._parent = 0
        self._actor_run = next((entry.run_id for entry in entries if isinstance(entry.message, Hello)), "")
        found = self._newest_checkpoint(len(entries))
        behind = found.entries if found is not None else 0
        for entry in entries[:behind]:
            self._restore(entry)
        self.tail = tuple(entries[behind:])
        if found is not None:
            trainer.load_state(found.state)
            self.ingest.duplicated = found.duplicated
            self._parent = found.weights.version
            self._saved = (trainer.updates, behind)
        self._good = self._weights()

    def introduce(self, hello: Hello) -> None:
        """Store the hello of the first actor, whose settings are the run's."""
        if not self._actor_run:
            self._actor_run = hello.run_id
            self._journal.append(Entry(hello.run_id, hello))

    def record(self, run_id: str, message: ChunkPair | Withdrawal | UpdateRequest) -> None:
        """Write a new message into the journal and apply it. A repeated pair or withdrawal has no effect."""
        if isinstance(message, ChunkPair) and self.ingest.has_pair(run_id, message.id):
            self.ingest.duplicated += 1
            return
        if isinstance(message, Withdrawal) and self.ingest.has_withdrawn(run_id, message.pair_id):
            return
        entry = Entry(run_id, message)
        self._journal.append(entry)
        self.apply(entry)

    def apply(self, entry: Entry) -> None:
        """Apply an entry. After an update request, apply nothing else until it is answered."""
        match entry.message:
            case ChunkPair():
                self.ingest.add(entry.run_id, entry.message)
            case Withdrawal():
                self.ingest.withdraw(entry.run_id, entry.message)
            case UpdateRequest(number, updates):
                self.request = Request(entry.run_id, number, updates)
            case Hello() | Published():
                return  # read at construction

    def update(self) -> None:
        """Do one update."""
        self._losses = dict(self.trainer.update())
        self._times.append(time.monotonic())

    def next_weights(self, must: bool) -> Weights | None:
        """The present weights as the next version, without `newest_pair`.

        Returns:
            None if the weights are not finite; with `must` the last finite weights instead.
        """
        weights = self._weights()
        if weights is None:
            self.not_finite += 1
            log.error("weights are not finite after %d updates: not published", self.trainer.updates)
            if not must or self._good is None:
                return None
            weights = self._good
        self.version += 1
        self._good = replace(weights, version=self.version, parent=self._parent)
        self._parent = self.version
        self._journal.append(Entry("", Published(self._good.version, self._good.step)))
        self._journal.flush()
        return self._good

    def published(self) -> Weights | None:
        """The newest version again; None if an earlier process published it."""
        return self._good if self._good is not None and self.version == self._good.version > 0 else None

    def checkpoint(self) -> Path | None:
        """Write a checkpoint; None if nothing changed or the weights are not finite.

        Do not call it during a request or before the tail is applied: such a state cannot be resumed.
        """
        moment = (self.trainer.updates, len(self._journal))
        if moment == self._saved:
            return None
        weights, state = self._weights(), self.trainer.state()
        if weights is None or not _finite(state):
            log.error("no checkpoint: the weights are not finite after %d updates", self.trainer.updates)
            return None
        newest = self.ingest.newest_trained().get(self._actor_run, -1)
        weights = replace(weights, version=self._parent, parent=self._parent, newest_pair=newest)
        self._journal.sync()
        path = checkpoint.write(
            self._folder, Checkpoint(weights, state, self.settings, len(self._journal), self.ingest.duplicated)
        )
        self._saved = moment
        return path

    def status(self) -> LearnerStatus:
        """The content of a heartbeat."""
        losses = dict(self._losses)
        if self.not_finite:
            losses["publications_not_finite"] = float(self.not_finite)
        return LearnerStatus(
            updates=self.trainer.updates,
            updates_per_s=self._updates_per_s(),
            pairs=len(self.trainer),
            ingested=self.ingest.ingested,
            duplicated=self.ingest.duplicated,
            withdrawn=self.ingest.withdrawn,
            version=self.version,
            losses=losses,
        )

    def _restore(self, entry: Entry) -> None:
        """Apply an entry that the checkpoint contains; its requested updates are done already."""
        if isinstance(entry.message, UpdateRequest):
            self.answered[entry.run_id] = entry.message.request
        else:
            self.apply(entry)

    def _newest_checkpoint(self, entries: int) -> Checkpoint | None:
        for path in reversed(checkpoint.paths(self._folder)):
            try:
                found = checkpoint.read(path)
            except ValueError as error:
                log.warning("%s; using the previous checkpoint", error)
                path.rename(path.with_suffix(".damaged"))
                continue
            if found.weights.run_id != self._journal.run_id:
                raise ValueError(
                    f"{path} is of run {found.weights.run_id}, but {self._journal.path} of another: "
                    "choose another folder, or restore that run's journal"
                )
            if found.entries > entries:
                log.warning("%s is ahead of the journal; using the previous checkpoint", path)
                path.rename(path.with_suffix(".ahead"))
                continue
            return found
        return None

    def _weights(self) -> Weights | None:
        tensors = self.trainer.weights()
        if not _finite(tensors):
            return None
        return Weights(self._journal.run_id, 0, 0, self.trainer.updates, -1, tensors)

    def _updates_per_s(self) -> float:
        now = time.monotonic()
        while self._times and now - self._times[0] > RATE_WINDOW_S:
            self._times.popleft()
        if len(self._times) < 2:
            return 0.0
        return len(self._times) / max(now - self._times[0], 1e-9)


def _finite(tensors: Mapping[str, np.ndarray]) -> bool:
    return all(bool(np.isfinite(t).all()) for t in tensors.values() if t.dtype.kind == "f")
