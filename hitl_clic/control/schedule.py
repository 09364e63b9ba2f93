"""When the learner updates, seen from the loop. Actor's main thread.

`Schedule` never waits for the learner; sessions in real time use it. `PacedSchedule`, for `--pace max`, waits until the
learner has done as many updates as in real time. `LockstepSchedule` requests the updates of [CC] Algorithm 1 one by
one and waits for each, which makes a run reproducible.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Protocol

from hitl_clic.types.messages import ChunkPair, LinkStatus
from hitl_clic.waiting import SLICE_S


class Updates(Protocol):
    """The part of the actor's link that schedules need; see `ActorLink`."""

    def request_updates(self, updates: int) -> int: ...

    def wait_request(self, request: int, timeout_s: float) -> bool: ...

    def status(self) -> LinkStatus: ...


class Schedule:
    """What the loop calls between ticks and between episodes. This one never waits: the learner updates on its own."""

    def after_tick(self, ticks: int, pairs: list[ChunkPair]) -> None:
        """`ticks` ticks of the session are done; `pairs` were sent since the last call."""

    def after_episode(self) -> None:
        """An episode ended."""


class PacedSchedule(Schedule):
    """Waits while the learner has done fewer updates for each tick than required.

    Args:
        link: the actor's link. updates_per_tick: updates required for each tick after the learner's first update.
        first_after_pairs: pairs after which the learner can update; from then on the first update is waited for.
        patience_s: seconds without an update after which it stops waiting: the learner is lost or idle.
        now_s: the time, seconds. sleep: waits so many seconds. Tests give their own.
    """

    def __init__(
        self,
        link: Updates,
        updates_per_tick: float,
        first_after_pairs: int = 1,
        patience_s: float = 3.0,
        now_s: Callable[[], float] = time.perf_counter,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._now_s, self._sleep = now_s, sleep
        self._link, self._ratio, self._patience_s = link, updates_per_tick, patience_s
        self._first_after_pairs, self._pairs = first_after_pairs, 0
        self._begun: tuple[int, int] | None = None

    def after_tick(self, ticks: int, pairs: list[ChunkPair]) -> None:
        self._pairs += len(pairs)
        if self._begun is None:
            enough = self._ratio > 0 and self._pairs >= self._first_after_pairs
            done = self._wait_for(1 if enough else 0)
            if done > 0:
                self._begun = (ticks, done)
            elif enough:  # no learner answered: wait again only after as many new pairs
                self._pairs = 0
            return
        owed = self._begun[1] + (ticks - self._begun[0]) * self._ratio
        done = self._wait_for(owed)
        if done < owed:
            self._begun = (ticks, done)

    def _wait_for(self, updates: float) -> int:
        """Wait for so many updates in all, but no longer than `patience_s` for each; the updates done."""
        done = self._link.status().learner.updates
        waited_s, began_s = 0.0, self._now_s()
        while done < updates and waited_s <= self._patience_s:
            self._sleep(0.005)
            waited_s += min(self._now_s() - began_s, SLICE_S)  # a process that was stopped meanwhile did not wait
            began_s = self._now_s()
            now = self._link.status().learner.updates
            if now > done:
                done, waited_s = now, 0.0
        return done


class LockstepSchedule(Schedule):
    """One update on each feedback, one every b ticks, N_training at the end of an episode ([CC] Algorithm 1).

    Args:
        link: the actor's link. every: b, ticks. on_pairs: also one on each feedback, as published.
        episode_updates: N_training. timeout_s: longest wait for one request.
    """

    def __init__(
        self, link: Updates, every: int, on_pairs: bool, episode_updates: int, timeout_s: float = 600.0
    ) -> None:
        self._link, self._every, self._on_pairs = link, every, on_pairs
        self._episode_updates, self._timeout_s = episode_updates, timeout_s

    def after_tick(self, ticks: int, pairs: list[ChunkPair]) -> None:
        if (pairs and self._on_pairs) or ticks % self._every == 0:
            self._run_updates(1)

    def after_episode(self) -> None:
        self._run_updates(self._episode_updates)

    def _run_updates(self, updates: int) -> None:
        if updates and not self._link.wait_request(self._link.request_updates(updates), self._timeout_s):
            why = self._link.status().detail
            raise TimeoutError(f"the learner did not finish {updates} updates within {self._timeout_s:.0f} s: {why}")
