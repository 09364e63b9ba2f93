"""The schedules of the learner's updates."""

from __future__ import annotations

import numpy as np
import pytest
from fake_time import Time

from hitl_clic.control.schedule import LockstepSchedule, PacedSchedule, Schedule
from hitl_clic.types.messages import ChunkPair, LearnerStatus, LinkStatus


class FakeLink:
    """A learner that does `speed` updates every time its status is read, until `limit`."""

    def __init__(self, speed: float = 0.0, limit: float = float("inf"), answers: bool = True) -> None:
        self.speed, self.limit, self.answers = speed, limit, answers
        self.done = 0.0
        self.orders: list[int] = []
        self.waited: list[int] = []

    def request_updates(self, updates: int) -> int:
        self.orders.append(updates)
        return len(self.orders)

    def wait_request(self, request: int, timeout_s: float) -> bool:
        del timeout_s
        self.waited.append(request)
        return self.answers

    def status(self) -> LinkStatus:
        self.done = min(self.limit, self.done + self.speed)
        return LinkStatus("connected", "all is well", learner=LearnerStatus(updates=int(self.done)))


def some_pair() -> ChunkPair:
    one = np.zeros((1, 1), np.float32)
    return ChunkPair(0, 0, 0, "absolute", np.zeros(1, np.float32), one, one, one, 0, 0, 0)


def test_paper_schedule_orders_on_each_feedback_and_every_b_ticks() -> None:
    link = FakeLink()
    schedule = LockstepSchedule(link, every=5, on_pairs=True, episode_updates=30)
    counts = []
    for tick in range(1, 13):
        pairs = {2: 1, 5: 3}.get(tick, 0)
        schedule.after_tick(tick, [some_pair()] * pairs)
        counts.append(len(link.orders))
    assert counts == [0, 1, 1, 1, 2, 2, 2, 2, 2, 3, 3, 3], "at 2 for the pair, at 5 once for both reasons, at 10"
    schedule.after_episode()
    assert link.orders == [1, 1, 1, 30]
    assert link.waited == [1, 2, 3, 4], "every order is waited for"


def test_the_update_on_each_feedback_can_be_left_out() -> None:
    link = FakeLink()
    schedule = LockstepSchedule(link, every=3, on_pairs=False, episode_updates=0)
    for tick in range(1, 8):
        schedule.after_tick(tick, [some_pair()])
    assert link.orders == [1, 1], "at 3 and 6"


def test_paper_schedule_without_episode_updates_orders_none() -> None:
    link = FakeLink()
    LockstepSchedule(link, every=5, on_pairs=True, episode_updates=0).after_episode()
    assert link.orders == []


def test_paper_schedule_says_what_did_not_come() -> None:
    schedule = LockstepSchedule(FakeLink(answers=False), every=5, on_pairs=True, episode_updates=30, timeout_s=2.0)
    with pytest.raises(TimeoutError, match=r"30 updates within 2 s: all is well"):
        schedule.after_episode()


def test_live_schedule_touches_nothing() -> None:
    schedule = Schedule()
    schedule.after_tick(1, [some_pair()])
    schedule.after_episode()


def test_kept_up_waits_for_what_is_owed() -> None:
    link = FakeLink(speed=0.5)
    schedule = PacedSchedule(link, updates_per_tick=2.0, patience_s=30.0)
    while link.done < 1:
        schedule.after_tick(0, [])  # before its first update nothing is owed
    for ticks in range(1, 6):
        schedule.after_tick(ticks, [])
        assert link.done >= 1 + 2 * ticks
        assert link.done < 1 + 2 * ticks + 2, "and for no more"


def test_kept_up_does_not_wait_for_a_learner_that_has_not_begun() -> None:
    time = Time()
    schedule = PacedSchedule(FakeLink(), 100.0, 1, 30.0, time.seconds, time.sleep)
    before = time.now
    for ticks in range(20):
        schedule.after_tick(ticks, [])
    assert time.now == before


def test_kept_up_waits_for_the_first_update_once_there_are_pairs_enough() -> None:
    link, time = FakeLink(speed=0.1), Time()
    schedule = PacedSchedule(link, 1.0, 3, 30.0, time.seconds, time.sleep)
    schedule.after_tick(1, [some_pair(), some_pair()])
    assert link.done < 1, "two pairs are not enough"
    schedule.after_tick(2, [some_pair()])
    assert link.done >= 1


def test_kept_up_waits_again_for_a_mute_learner_only_after_new_pairs() -> None:
    time = Time()
    schedule = PacedSchedule(FakeLink(), 1.0, 2, 0.1, time.seconds, time.sleep)
    before = time.seconds()
    schedule.after_tick(1, [some_pair(), some_pair()])
    waited = time.seconds() - before
    assert 0.1 <= waited < 0.15
    for ticks in range(2, 20):
        schedule.after_tick(ticks, [])
    assert time.seconds() - before == waited


def test_kept_up_loses_patience_with_a_dead_learner_once() -> None:
    link, time = FakeLink(speed=1.0, limit=3), Time()
    schedule = PacedSchedule(link, 1.0, 1, 0.1, time.seconds, time.sleep)
    schedule.after_tick(1, [])
    before = time.seconds()
    schedule.after_tick(50, [])
    assert 0.1 <= time.seconds() - before < 0.15
    link.limit = 1000  # it is back: what it missed meanwhile is not owed, what comes is
    schedule.after_tick(60, [])
    assert 13 <= link.done < 16


def test_kept_up_keeps_its_patience_while_the_process_is_stopped() -> None:
    link, time = FakeLink(speed=0.1), Time()
    naps = iter([120.0])

    def stopped_once(seconds: float) -> None:
        time.sleep(next(naps, seconds))

    schedule = PacedSchedule(link, 1.0, 1, 3.0, time.seconds, stopped_once)
    schedule.after_tick(1, [some_pair()])
    assert time.seconds() >= 120.0
    assert link.done >= 1, "the stop counts as one short wait, so the update was still waited for"


def test_kept_up_with_no_debt_never_waits() -> None:
    link = FakeLink(speed=1.0, limit=1)
    schedule = PacedSchedule(link, updates_per_tick=0.0, patience_s=60.0)
    for ticks in range(50):
        schedule.after_tick(ticks, [])
