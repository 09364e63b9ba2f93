"""The chunk being executed, the clocks, and the schedules of updates."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitl_clic.control.chunk_queue import ChunkQueue
from hitl_clic.control.clock import MaxPaceClock, RealTimeClock
from hitl_clic.control.schedule import LockstepSchedule, PacedSchedule, Schedule
from hitl_clic.types.messages import ChunkPair, LearnerStatus, LinkStatus
from hitl_clic.types.records import Array, Plan

MS = 1_000_000


def plan(tick: int, horizon: int = 4, lead: int = 0, ahead: int = 0) -> Plan:
    """A chunk whose step i says 100 * tick + i on its first axis."""
    chunk = np.zeros((horizon, 2), np.float32)
    chunk[:, 0] = 100 * tick + np.arange(horizon)
    return Plan(tick, chunk, 0.0, 1, -1, 0, 0, lead, ahead)


def said(action: Array) -> float:
    return float(action[0])


# ---- queue


def test_zero_motion_without_a_plan() -> None:
    queue = ChunkQueue(4, 2, 0, 2)
    assert queue.action(7).tolist() == [0, 0]
    assert queue.action(7).dtype == np.float32
    assert queue.rest(7) is None
    assert queue.chunk_from(7) is None
    assert queue.index(7) == -1
    assert queue.due(7)
    assert not queue.take(None, 7)


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 100), st.integers(0, 8), st.integers(1, 8))
def test_a_late_plan_goes_on_where_it_should_be_by_now(tick: int, late: int, horizon: int) -> None:
    """A plan for tick t taken at t + late says its step `late` first: the ticks in between are over."""
    queue = ChunkQueue(horizon, horizon, 0, 2)
    made = plan(tick, horizon)
    assert queue.take(made, tick + late) == (late < horizon)
    for now in range(tick + late, tick + late + 12):
        step = now - tick
        if late < horizon and step < horizon:
            assert said(queue.action(now)) == 100 * tick + step
            assert queue.index(now) == step
            rest, whole = queue.rest(now), queue.chunk_from(now)
            assert rest is not None
            assert whole is not None
            assert np.array_equal(rest, made.chunk[step:])
            assert whole.shape == (horizon, 2)
            assert np.array_equal(whole[: horizon - step], rest)
            assert (whole[horizon - step :] == made.chunk[-1]).all()
        else:
            assert not queue.action(now).any(), "zero motion beyond the chunk"
            assert queue.rest(now) is None


def test_plans_of_the_future_and_older_ones_are_not_taken() -> None:
    queue = ChunkQueue(4, 4, 0, 2)
    assert not queue.take(plan(5), 4)
    assert queue.take(plan(5), 5)
    assert not queue.take(plan(5), 6), "it runs already"
    assert not queue.take(plan(4), 6)
    assert said(queue.action(6)) == 501
    assert queue.take(plan(6), 6)
    assert said(queue.action(6)) == 600


def test_a_drop_forgets_the_chunk_and_every_older_plan() -> None:
    queue = ChunkQueue(8, 4, 0, 2)
    queue.take(plan(2, 8), 2)
    queue.drop(5)
    assert not queue.action(5).any()
    assert queue.due(5)
    for stale in (2, 3, 4):
        assert not queue.take(plan(stale, 8), 6)
    assert queue.take(plan(5, 8), 6)
    assert said(queue.action(6)) == 501


@pytest.mark.parametrize(("lead", "first_due"), [(0, 4), (1, 3), (3, 1), (4, 0)])
def test_due_lead_ticks_before_the_steps_are_up(lead: int, first_due: int) -> None:
    queue = ChunkQueue(8, 4, lead, 2)
    queue.take(plan(10, 8), 10)
    assert [queue.due(10 + i) for i in range(8)] == [i >= first_due for i in range(8)]


def test_a_late_plan_still_runs_its_steps() -> None:
    """Taken 2 ticks late, its 4 steps count from then; its last steps are there because H is longer."""
    queue = ChunkQueue(8, 4, 0, 2)
    queue.take(plan(10, 8), 12)
    assert next(tick for tick in range(12, 20) if queue.due(tick)) == 16


@pytest.mark.parametrize("ahead", [0, 2])
def test_a_plan_made_ahead_waits_for_its_tick(ahead: int) -> None:
    """Asked for at 2, to begin at 4: there its third step is due, or its first if it was planned for then."""
    queue = ChunkQueue(8, 4, 2, 2)
    queue.take(plan(0, 8), 0)
    early = plan(2, 8, lead=2, ahead=ahead)
    assert not queue.take(early, 3)
    assert said(queue.action(3)) == 3
    assert queue.take(early, 4)
    assert queue.start_tick == 4
    assert (said(queue.action(4)), queue.index(4)) == (202 - ahead, 2 - ahead)
    rest = queue.rest(5)
    assert rest is not None
    assert len(rest) == 5 + ahead


@pytest.mark.parametrize("ahead", [0, 2])
def test_a_plan_made_ahead_that_comes_late_goes_on_where_it_should_be(ahead: int) -> None:
    queue = ChunkQueue(8, 4, 2, 2)
    queue.take(plan(0, 8), 0)
    assert queue.take(plan(2, 8, lead=2, ahead=ahead), 5)
    assert said(queue.action(5)) == 203 - ahead
    assert next(tick for tick in range(5, 20) if queue.due(tick)) == 7, "two ticks before its four are up"
    assert queue.remaining(7) == 2


def test_what_was_asked_for_ahead_is_asked_for_once() -> None:
    queue = ChunkQueue(8, 4, 2, 2)
    queue.take(plan(0, 8), 0)
    assert [queue.due(tick) for tick in range(4)] == [False, False, True, True]
    queue.requested(2)
    assert not any(queue.due(tick) for tick in range(2, 10)), "it may still come"
    assert queue.due(10), "all of it would have passed"
    assert queue.take(plan(2, 8, lead=2), 5)
    assert [queue.due(tick) for tick in (6, 7)] == [False, True]
    queue.requested(7)
    queue.drop(8)
    assert queue.due(8)


def test_a_chunk_that_began_too_late_for_all_its_steps_is_followed_sooner() -> None:
    queue = ChunkQueue(6, 4, 2, 2)
    queue.take(plan(0, 6), 4)  # two steps are left of it, not four
    assert queue.remaining(4) == 2
    assert queue.due(4)


def test_plans_made_ahead_can_be_dropped_alone() -> None:
    queue = ChunkQueue(8, 4, 2, 2)
    queue.take(plan(0, 8), 0)
    queue.requested(2)
    queue.drop_ahead(4)
    assert said(queue.action(4)) == 4, "the running chunk stays"
    assert not queue.take(plan(2, 8, lead=2), 4)
    assert not queue.take(plan(3, 8, lead=2), 5)
    assert queue.due(4)
    assert queue.take(plan(3, 8), 5), "one that was to run at once is only late"
    assert queue.take(plan(4, 8, lead=2), 6)


# ---- clocks


class Time:
    """Time that goes on only where somebody sleeps or works, nanoseconds; a sleep lasts a little longer than asked."""

    def __init__(self, late_ns: int = 0) -> None:
        self.now, self.late_ns = 7 * MS, late_ns

    def __call__(self) -> int:
        return self.now

    def seconds(self) -> float:
        return self.now * 1e-9

    def sleep(self, seconds: float) -> None:
        self.now += round(seconds * 1e9) + self.late_ns

    def clock(self, rate_hz: float) -> RealTimeClock:
        clock = RealTimeClock(rate_hz, self, self.sleep)
        clock.start()
        return clock


def test_deadlines_are_absolute() -> None:
    """Each tick works a different while; their begin stays on the grid, so errors do not add up."""
    time = Time(late_ns=MS // 10)
    clock = time.clock(100.0)
    first = clock.deadline_ns
    for tick in range(12):
        late = clock.wait()
        assert late == time.now - (first + tick * 10 * MS) == MS // 10, "never early"
        time.now += (tick % 4) * MS
        assert not clock.finish()
    assert clock.deadline_ns == first + 12 * 10 * MS


def test_wait_says_how_late_it_is() -> None:
    time = Time()
    clock = time.clock(50.0)
    assert clock.wait() == 0
    time.now += 30 * MS
    assert clock.wait() == 30 * MS


def test_after_an_overrun_it_begins_anew_and_does_not_rush() -> None:
    time = Time()
    clock = time.clock(50.0)
    clock.wait()
    time.now += 75 * MS  # almost four periods
    over = time.now
    assert clock.finish()
    clock.wait()
    assert time.now == over + 20 * MS, "missed ticks are not made up for"


def test_starting_again_after_a_pause_forgets_the_old_grid() -> None:
    time = Time()
    clock = time.clock(20.0)
    time.now += 10 * MS
    clock.start()
    assert clock.deadline_ns == time.now + 50 * MS


@pytest.mark.realtime
def test_a_real_clock_is_never_early_and_keeps_its_grid() -> None:
    clock = RealTimeClock(100.0)
    clock.start()
    first, begun = clock.deadline_ns, []
    for tick in range(12):
        clock.wait()
        begun.append(time.perf_counter_ns() - first - tick * 10 * MS)
        time.sleep(0.001 * (tick % 4))
        assert not clock.finish()
    assert min(begun) >= 0
    assert np.median(begun) < 5 * MS


def test_max_pace_waits_for_the_others_only() -> None:
    asked: list[int] = []
    clock = MaxPaceClock(lambda: asked.append(1))
    clock.start()
    assert [clock.wait(), clock.wait()] == [0, 0]
    assert not clock.finish()
    assert len(asked) == 2


def test_max_pace_lets_errors_through() -> None:
    def fail() -> None:
        raise RuntimeError("no plan")

    with pytest.raises(RuntimeError, match="no plan"):
        MaxPaceClock(fail).wait()


# ---- schedules


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


def test_kept_up_with_no_debt_never_waits() -> None:
    link = FakeLink(speed=1.0, limit=1)
    schedule = PacedSchedule(link, updates_per_tick=0.0, patience_s=60.0)
    for ticks in range(50):
        schedule.after_tick(ticks, [])


@pytest.mark.realtime
def test_the_planner_gives_way_while_a_tick_is_due_and_no_longer() -> None:
    clock = RealTimeClock(20.0)
    clock.start()
    begun: list[int] = []

    def tick() -> None:
        clock.wait()
        begun.append(time.perf_counter_ns())

    clock.yield_to_tick()  # nobody waits for a tick: returns at once
    assert time.perf_counter_ns() < clock.deadline_ns - 20_000_000
    thread = threading.Thread(target=tick)
    thread.start()
    time.sleep(0.01)
    asked = time.perf_counter_ns()
    clock.yield_to_tick()  # not due yet
    assert time.perf_counter_ns() < clock.deadline_ns - 10_000_000 or time.perf_counter_ns() - asked < 5_000_000
    while time.perf_counter_ns() < clock.deadline_ns - 100_000:
        pass
    clock.yield_to_tick()
    assert begun
    assert time.perf_counter_ns() >= clock.deadline_ns
    thread.join()


def test_the_planner_waits_only_where_a_tick_is_due() -> None:
    time = Time()
    clock = time.clock(20.0)
    before = time.now
    clock.yield_to_tick()  # nobody waits for a tick
    clock._waiting = True
    clock.yield_to_tick()  # not due yet
    assert time.now == before
    time.now = clock.deadline_ns - MS // 10

    def begins(seconds: float) -> None:
        time.sleep(seconds)
        clock._waiting = False

    clock._sleep = begins
    clock.yield_to_tick()
    assert clock.deadline_ns < time.now < clock.deadline_ns + MS, "past the begin of the tick"


def test_a_tick_that_never_begins_holds_the_planner_up_for_a_moment_only() -> None:
    time = Time()
    clock = time.clock(1000.0)
    clock._waiting = True
    time.now += 2 * MS
    before = time.now
    clock.yield_to_tick()
    assert MS < time.now - before < 10 * MS
