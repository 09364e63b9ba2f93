"""The chunk being executed: when plans are taken, due and dropped."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitl_clic.control.chunk_queue import ChunkQueue
from hitl_clic.types.records import Array, Plan


def plan(tick: int, horizon: int = 4, lead: int = 0, ahead: int = 0) -> Plan:
    """A chunk whose step i says 100 * tick + i on its first axis."""
    chunk = np.zeros((horizon, 2), np.float32)
    chunk[:, 0] = 100 * tick + np.arange(horizon)
    return Plan(tick, chunk, 0.0, 1, -1, 0, 0, lead, ahead)


def said(action: Array) -> float:
    return float(action[0])


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
