"""The learner process: poll, journal, ingest, acknowledge, update, publish, checkpoint; one thread, one loop.

The loop polls the link before every update, so a new pair enters the next batch. It acknowledges a message only after
the journal holds it, so a kill loses nothing: a restart on the same folder continues from the newest checkpoint and
the later journal entries, and actors send the rest again.
"""

from __future__ import annotations

import errno
import json
import logging
import os
import signal
import threading
import time
import uuid
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from hitl_clic.aliases import current_flat_settings
from hitl_clic.learner.journal import Entry, Journal
from hitl_clic.learner.run import Run
from hitl_clic.learner.settings import TrainingSettings
from hitl_clic.learner.trainer import Trainer
from hitl_clic.link.learner import (
    ActorJoined,
    ActorLeft,
    Event,
    LearnerLink,
    PairArrived,
    SettingsMap,
    UpdatesRequested,
    Withdrawn,
    name_difference,
)
from hitl_clic.link.settings import LinkSettings
from hitl_clic.os_scheduling import lower_priority
from hitl_clic.types.messages import Hello, LearnerStatus, Weights

log = logging.getLogger(__name__)
MakeTrainer = Callable[[Mapping[str, str | int | float | bool]], Trainer]
IDLE_POLL_S = 0.05
BIND_PATIENCE_S = 5.0
RECOVER_EVERY_S = 10.0
LEARNER_FILE = "learner.json"


class Learner:
    """The loop between a link and a run.

    Args:
        link: to the actors.
        journal: of this folder.
        folder: for checkpoints.
        make_trainer: makes an untrained trainer for the agreed settings; raises ValueError if it refuses them.
        expected: required settings of actors; None: those of the journal, or else of the first actor.
        training: times and limits.

    Raises:
        ValueError: the folder belongs to another run or other settings.
    """

    def __init__(
        self,
        link: LearnerLink,
        journal: Journal,
        folder: Path,
        make_trainer: MakeTrainer,
        expected: SettingsMap | None,
        training: TrainingSettings,
    ) -> None:
        self._link, self._journal, self._folder = link, journal, folder
        self._make_trainer, self._training = make_trainer, training
        self._backlog: deque[Event | Entry] = deque()
        self._published_s = float("-inf")
        self._published_step = self._published_pair = -1
        self._checkpoint_s = time.monotonic()
        self._recovered_s = float("-inf")
        self.run: Run | None = None
        """None until the settings are agreed."""

        hellos = (e.message for e in journal.read() if isinstance(e.message, Hello))
        recorded = next((current_flat_settings(hello.settings) for hello in hellos), None)
        if expected is not None and recorded is not None and (difference := name_difference(recorded, expected)):
            raise ValueError(f"{folder} was trained with other settings; choose another folder ({difference})")
        agreed = expected if expected is not None else recorded
        if agreed is not None:
            self._start_run(agreed)

    def run_once(self) -> None:
        """Handle all received messages, then do at most one update."""
        busy = self._backlog or (self.run is not None and (self.run.request or self._may_update(self.run)))
        self._backlog.extend(self._link.poll(0.0 if busy else IDLE_POLL_S))
        self._handle_events()
        if self.run is not None:
            if self.run.request is not None:
                self._update_as_requested(self.run)
            elif self._may_update(self.run):
                self.run.update()
            self._publish_if_due(self.run)
            if time.monotonic() - self._checkpoint_s >= self._training.checkpoint_every_s:
                self.checkpoint()
        self._link.heartbeat(self.status)

    def checkpoint(self) -> Path | None:
        """Write a checkpoint; None if nothing changed or the state is between two resumable states."""
        self._checkpoint_s = time.monotonic()
        replaying = any(isinstance(item, Entry) for item in self._backlog)
        if self.run is None or self.run.request is not None or replaying:
            return None
        return self.run.checkpoint()

    def status(self) -> LearnerStatus:
        """The content of the next heartbeat."""
        return self.run.status() if self.run is not None else LearnerStatus()

    def _start_run(self, settings: SettingsMap) -> Run:
        run = Run(self._journal, self._folder, self._make_trainer(settings), settings)
        self._link.expect(settings)
        self._backlog.extendleft(reversed(run.tail))
        self.run = run
        if self._training.idle_updates:
            self._publish(run)
        return run

    # ---- messages

    def _handle_events(self) -> None:
        """Handle received messages in order up to the next update request, then acknowledge what the journal holds."""
        pairs: dict[bytes, list[int]] = {}
        withdrawals: dict[bytes, list[int]] = {}
        while self._backlog and (self.run is None or self.run.request is None):
            item = self._backlog.popleft()
            if isinstance(item, ActorJoined):
                self._welcome_actor(item.actor, item.hello)
            elif isinstance(item, ActorLeft):
                log.info("actor of run %s %s", item.run_id, "fell silent" if item.silent else "left")
            elif self.run is not None:  # without a run, the actor was refused
                self._handle_event(self.run, item, pairs, withdrawals)
        self._journal.flush()
        for actor in {*pairs, *withdrawals}:
            self._link.acknowledge(actor, pairs.get(actor, ()), withdrawals.get(actor, ()))

    def _handle_event(
        self,
        run: Run,
        item: Entry | PairArrived | Withdrawn | UpdatesRequested,
        pairs: dict[bytes, list[int]],
        withdrawals: dict[bytes, list[int]],
    ) -> None:
        match item:
            case Entry():
                run.apply(item)
            case PairArrived(actor, run_id, pair):
                run.record(run_id, pair)
                pairs.setdefault(actor, []).append(pair.id)
            case Withdrawn(actor, run_id, withdrawal):
                run.record(run_id, withdrawal)
                withdrawals.setdefault(actor, []).append(withdrawal.pair_id)
            case UpdatesRequested(_, run_id, request):
                if request.request <= run.answered.get(run_id, -1):
                    self._resend_answer(run, run_id)
                else:
                    run.record(run_id, request)

    def _welcome_actor(self, actor: bytes, hello: Hello) -> None:
        run = self.run
        if run is None:
            try:
                run = self._start_run(hello.settings)
            except ValueError as error:
                self._link.refuse(actor, str(error))
                return
        elif difference := name_difference(hello.settings, run.settings):
            self._link.refuse(actor, difference)  # it connected before another actor set the settings
            return
        run.introduce(hello)
        self._journal.flush()
        self._link.welcome(actor, self._journal.run_id, run.ingest.known_ids(hello.run_id))
        log.info("actor %s of run %s joined", hello.actor_id, hello.run_id)

    # ---- updating and publishing

    def _may_update(self, run: Run) -> bool:
        return self._training.idle_updates and run.trainer.ready()

    def _update_as_requested(self, run: Run) -> None:
        request = run.request
        assert request is not None
        # With too few pairs no update is possible; the answer then carries the present weights.
        if request.remaining > 0 and run.trainer.ready():
            run.update()
            request.remaining -= 1
        if request.remaining <= 0 or not run.trainer.ready():
            run.request = None
            run.answered[request.run_id] = request.number
            self._publish(run, request.run_id)

    def _publish_if_due(self, run: Run) -> None:
        if not self._training.idle_updates or run.request is not None:
            return
        age_s = time.monotonic() - self._published_s
        new_pair = run.trainer.newest_pair > self._published_pair
        new_step = run.trainer.updates > self._published_step
        if (new_pair and age_s >= self._training.publish_min_s) or (
            new_step and age_s >= self._training.publish_every_s
        ):
            self._publish(run)

    def _publish(self, run: Run, asking_run: str = "") -> None:
        """Publish the present weights as a new version; they answer the request of `asking_run`."""
        self._published_s = time.monotonic()
        self._published_step, self._published_pair = run.trainer.updates, run.trainer.newest_pair
        weights = run.next_weights(must=bool(asking_run))
        if weights is None:
            self._recover(run)
            return
        self._send(run, weights, asking_run)

    def _resend_answer(self, run: Run, asking_run: str) -> None:
        """Repeat an answer that was late or lost. It keeps its version, so that repeats do not change a session."""
        weights = run.published()
        if weights is None:
            self._publish(run, asking_run)
        else:
            self._send(run, weights, asking_run)

    def _send(self, run: Run, weights: Weights, asking_run: str) -> None:
        newest, number = run.ingest.newest_trained(), run.answered.get(asking_run, -1)

        def per_actor(weights: Weights, run_id: str) -> Weights:
            request = number if run_id == asking_run else -1
            return replace(weights, newest_pair=newest.get(run_id, -1), request=request)

        self._link.publish(weights, per_actor)

    def _recover(self, run: Run) -> None:
        """Return to the newest checkpoint and the journal, because weights that are not finite cannot recover."""
        now = time.monotonic()
        if now - self._recovered_s < RECOVER_EVERY_S:
            return
        self._recovered_s = now
        log.warning("going back to the newest checkpoint")
        again = Run(self._journal, self._folder, self._make_trainer(run.settings), run.settings)
        again.not_finite = run.not_finite
        self._backlog.extendleft(reversed(again.tail))
        self._published_step = self._published_pair = -1
        self.run = again


def run_learner(
    address: str,
    out: Path,
    make_trainer: MakeTrainer,
    *,
    training: TrainingSettings,
    link: LinkSettings,
    expected: SettingsMap | None = None,
    exit_when_orphaned: bool = False,
    set_threads: Callable[[int], Any] | None = None,
    on_ready: Callable[[str], None] | None = None,
) -> None:
    """Run a learner until SIGTERM or Ctrl-C, then checkpoint and return. A child process ignores Ctrl-C.

    Args:
        address: where to listen; port * for any free one. `out/learner.json` then holds {address, pid}.
        out: session folder; checkpoints and journal are in `out/checkpoints`, from where the learner resumes.
        make_trainer: makes an untrained trainer for the agreed settings.
        training, link: settings.
        expected: required settings of actors; None: those of the first actor.
        exit_when_orphaned: exit when the parent has died and all actors have been silent for `training.orphan_after_s`.
        set_threads: called with `training.threads` before any computation (`torch.set_num_threads`).
        on_ready: called with the real address.

    Raises:
        ValueError: address, folder or settings are refused; the text says what to do.
        OSError: the address cannot be bound, or the folder cannot be written.
    """
    lower_priority(training.niceness)
    if set_threads is not None:
        set_threads(training.threads)
    parent = os.getppid()
    stop = threading.Event()
    if threading.current_thread() is threading.main_thread():
        signal.signal(signal.SIGTERM, lambda *_: stop.set())
        # Ctrl-C in a terminal reaches parent and child; the parent ends the child after the last messages.
        signal.signal(signal.SIGINT, signal.SIG_IGN if exit_when_orphaned else lambda *_: stop.set())
    socket = _bind(address, expected, link)
    try:
        folder = out / "checkpoints"
        journal = Journal(folder / "pairs.journal", uuid.uuid4().hex)
        try:
            if journal.cut_bytes:
                log.warning("%s: removed an incomplete entry of %d bytes", journal.path, journal.cut_bytes)
            learner = Learner(socket, journal, folder, make_trainer, expected, training)
            _announce(out / LEARNER_FILE, socket.address)
            if on_ready is not None:
                on_ready(socket.address)
            while not stop.is_set():
                learner.run_once()
                orphaned = exit_when_orphaned and os.getppid() != parent
                if orphaned and socket.silence_s > training.orphan_after_s:
                    log.info("the parent has exited and all actors are silent: exiting")
                    break
            learner.checkpoint()
        finally:
            journal.close()
    finally:
        socket.close()


def _bind(address: str, expected: SettingsMap | None, settings: LinkSettings) -> LearnerLink:
    deadline = time.monotonic() + BIND_PATIENCE_S
    while True:
        try:
            return LearnerLink(address, expected, settings)
        except OSError as error:
            # A restarted learner may run before the port of its killed predecessor is free.
            if error.errno != errno.EADDRINUSE or time.monotonic() > deadline:
                raise
            time.sleep(0.1)


def _announce(path: Path, address: str) -> None:
    partial = path.with_suffix(".partial")
    partial.write_text(json.dumps({"address": address, "pid": os.getpid()}), encoding="utf-8")
    partial.replace(path)
