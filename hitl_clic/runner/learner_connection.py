"""A session's connection to its learner: the child process if the session starts one, the link, the newest policy.

`open`, `changes` and `close` run in the actor's main thread; new weights arrive in the link's thread.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Iterator, Mapping
from contextlib import ExitStack
from pathlib import Path

from hitl_clic.devices.core.slot import Slot
from hitl_clic.learner import checkpoint
from hitl_clic.learner.launcher import LearnerChild
from hitl_clic.link.actor import ActorLink
from hitl_clic.runner.policy_inbox import PolicyInbox
from hitl_clic.settings import SessionSettings
from hitl_clic.types.errors import UserError
from hitl_clic.types.messages import Hello, LinkStatus, Weights
from hitl_clic.types.records import EventRecord

STATUS_EVERY_NS = 1_000_000_000
CONNECT_S = 60.0
DRAIN_S = 10.0


class LearnerConnection:
    """Link and learner of one session.

    Args:
        settings: of the session. folder: its folder. agreed: see `handshake_settings`.
        inbox: makes policies of the weights that arrive.
        child: the learner's process, begun by `own_learner`; None: the settings have the address of a learner.

    Attributes:
        link: to the learner, after `open`. newest: the newest weights that arrived.
    """

    link: ActorLink

    def __init__(
        self,
        settings: SessionSettings,
        folder: Path,
        agreed: Mapping[str, str | int | float | bool],
        inbox: PolicyInbox,
        child: LearnerChild | None,
    ) -> None:
        self._settings, self._folder, self._agreed, self._inbox = settings, folder, agreed, inbox
        self.newest: Slot[Weights] = Slot()
        self._child = child
        self._state, self._checked_ns, self._refused = "connected", 0, 0

    def open(self, stack: ExitStack) -> None:
        """Wait until the learner has started, and connect; the stack closes the link.

        Raises:
            UserError: the learner refuses the session, or no learner answers at the address of the settings.
            RuntimeError: the child process did not start.
        """
        settings = self._settings
        address = self._child.start() if self._child is not None else settings.learner
        hello = Hello(run_id=uuid.uuid4().hex, actor_id=f"{settings.task}-{settings.seed}", settings=self._agreed)
        try:
            self.link = ActorLink(address, hello, settings.link, self._receive)
        except ValueError as error:
            raise UserError(str(error)) from error
        self.link.start()
        stack.callback(lambda: self.link.close(DRAIN_S))
        self._wait()

    def begin_with(self, weights: Weights) -> None:
        """Act on these weights until the learner publishes newer ones. Call it before `open`."""
        self._receive(weights)

    def changes(self, tick: int, now_ns: int) -> Iterator[LinkStatus | EventRecord]:
        """At most once a second: the learner's status, and an event for each change of it."""
        if now_ns - self._checked_ns < STATUS_EVERY_NS:
            return
        self._checked_ns = now_ns
        status = self.link.status()
        yield status
        if (status.state == "connected") != (self._state == "connected"):
            name = "learner_back" if status.state == "connected" else "learner_lost"
            yield EventRecord(tick, now_ns, name, {"detail": status.detail})
        self._state = status.state
        if self._inbox.refused != self._refused:
            self._refused = self._inbox.refused
            yield EventRecord(tick, now_ns, "weights_refused", {"why": self._inbox.why_refused})

    def drain(self) -> LinkStatus:
        """Wait up to `DRAIN_S` until the learner has all pairs, and close the link; the last status."""
        self.link.close(DRAIN_S)
        return self.link.status()

    def stop(self) -> None:
        """End the child process, and write a policy to the session's folder if the learner wrote none there."""
        if self._child is not None:
            self._child.stop()
        if checkpoint.latest(self._folder / "checkpoints") is None:
            self.keep_policy(self._folder / "checkpoints")

    def keep_policy(self, folder: Path) -> None:
        """Write the newest weights as a checkpoint without a learner's state; `evaluate` needs no more."""
        weights = self.newest.latest()
        if weights is not None:
            folder.mkdir(parents=True, exist_ok=True)
            checkpoint.write(folder, checkpoint.Checkpoint(weights=weights, state={}, settings=self._agreed, entries=0))

    def _wait(self) -> None:
        """Wait until the link is connected. Later the learner may be lost and come back."""
        deadline = time.monotonic() + CONNECT_S
        while (status := self.link.status()).state != "connected":
            if status.state == "refused":
                raise UserError(f"the learner refuses this session: {status.detail}")
            if not self.link.alive:
                raise UserError(f"no connection to the learner: {status.detail}")
            if time.monotonic() > deadline:
                where = f"learner = {self._settings.learner}: " if self._settings.learner else ""
                raise UserError(f"{where}no learner answered within {CONNECT_S:.0f} s ({status.detail}); start one")
            time.sleep(0.02)

    def _receive(self, weights: Weights) -> None:
        """Link thread."""
        self.newest.publish(weights)
        self._inbox.receive(weights)
