"""Would the policy now do what the teacher asked? The newest policy is asked again at the newest corrections.

A thread of its own in the actor, once a second at most, with a policy of its own: the planner's is for the planner.
`add`, `start` and `close` are called by the actor's main thread, `receive` by the link thread, `verdict` by whoever
draws. Never stops the loop: it gives way to a due tick as the planner does.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable, Mapping

import numpy as np

from devices.slot import Slot
from hitl_clic.commands.policies import PolicyInbox
from hitl_clic.link.messages import ChunkPair, Weights
from hitl_clic.records import Array

PERIOD_S = 1.0


def follows(chunk: Array, pair: ChunkPair, radius_ratio: float) -> bool:
    """Whether a chunk [H, dim_a] is what a correction asked for, on the steps and axes that it taught.

    Absolute: it lies in the desired ball, gamma * ||a^r - a^h|| around a^h ([CC] Eq. 5). Relative: it lies beyond the
    robot's chunk, on the side to which the correction pointed.
    """
    asked = (pair.human - pair.robot) * pair.mask
    if pair.kind == "relative":
        return float(np.sum((chunk - pair.robot) * asked)) > 0.0
    away = float(np.linalg.norm((chunk - pair.human) * pair.mask))
    return away <= radius_ratio * float(np.linalg.norm(asked)) + 1e-6


class Examiner:
    """Keeps the first pair of each of the newest corrections and the newest policy's answer to it.

    Args:
        inbox: makes policies of weights; nobody else's. radius_ratio: gamma. keep: corrections.
        prepare: called once in the thread before all else.
    """

    def __init__(
        self, inbox: PolicyInbox, radius_ratio: float, keep: int, prepare: Callable[[], None] | None = None
    ) -> None:
        self._inbox, self._radius_ratio, self._prepare = inbox, radius_ratio, prepare
        self._newest: Slot[Weights] = Slot()
        self._pairs: deque[ChunkPair] = deque(maxlen=keep)
        self._last_tick = -(10**9)
        self._verdicts: Slot[Mapping[int, bool]] = Slot()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="examiner", daemon=True)
        self.error: Exception | None = None
        """What ended the thread, if anything did: the session goes on without its answers."""

    def add(self, pair: ChunkPair) -> None:
        """Take notice of a pair; the first of a correction is kept: there the teacher stepped in."""
        if pair.tick > self._last_tick + 1:
            self._pairs.append(pair)
        self._last_tick = pair.tick

    def receive(self, weights: Weights) -> None:
        """Take notice of new weights."""
        self._newest.publish(weights)

    def verdict(self, first: int) -> bool | None:
        """Whether the policy would now do what the correction asked whose first pair has this id; None: not known."""
        verdicts = self._verdicts.latest()
        return None if verdicts is None else verdicts.get(first)

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def close(self) -> None:
        """End the thread. Safe to call twice, and before `start`."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout=5.0)

    def _run(self) -> None:
        if self._prepare is not None:
            self._prepare()
        asked: tuple[int, int] = (-1, -1)
        try:
            while not self._closing.wait(PERIOD_S):
                weights, pairs = self._newest.latest(), tuple(self._pairs)
                if weights is None or not pairs or asked == (weights.version, pairs[-1].id):
                    continue
                asked = (weights.version, pairs[-1].id)
                self.examine(weights, pairs)
        except Exception as error:
            self.error = error
            self._verdicts.publish({})

    def examine(self, weights: Weights, pairs: tuple[ChunkPair, ...]) -> None:
        """Ask the policy of these weights at each pair's state; refused weights answer nothing."""
        self._inbox.receive(weights)
        fetched = self._inbox.fetch()
        if fetched is None:
            return
        policy, _ = fetched
        verdicts = {}
        for pair in pairs:
            if self._closing.is_set():
                return
            nothing = np.zeros((0, pair.human.shape[1]), np.float32)
            chunk = policy.plan(pair.state, nothing, None).chunk
            verdicts[pair.id] = follows(chunk, pair, self._radius_ratio)
        self._verdicts.publish(verdicts)
