"""Computed figures of the benchmarks, and episodes of the help request benchmark."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from benchmarks.help_request import DRIVES, Calls, Helped, episode
from benchmarks.window import Turn, compare, distance
from hitl_clic.tasks.registry import make_task, make_teacher
from hitl_clic.types.records import Array, Plan, Proposal

HORIZON, EXECUTE = 4, 2
numbers = st.lists(st.floats(0, 20, width=32), min_size=1, max_size=40)


class StandingStill:
    """A policy that stands still; its uncertainty grows with each plan."""

    version = newest_pair = 1

    def __init__(self) -> None:
        self.plans = 0

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        del observation, committed, previous
        self.plans += 1
        return Proposal(np.zeros((HORIZON, 2), np.float32), 0.0, uncertainty=float(self.plans))


@pytest.fixture(scope="module")
def unhelped() -> Helped:
    """An episode without help requests."""
    return _episode(lambda plan: False)


def _episode(calls: Calls) -> Helped:
    task, teacher = make_task("push_t"), make_teacher("push_t")
    try:
        return episode(StandingStill(), task, teacher, EXECUTE, calls, seed=3)
    finally:
        task.close()


def test_a_robot_that_never_asks_is_never_helped(unhelped: Helped) -> None:
    assert (unhelped.success, unhelped.calls, unhelped.driven) == (False, 0, 0)
    assert unhelped.plans == -(-unhelped.steps // EXECUTE), "it plans anew when the first half is done"


def test_a_robot_that_always_asks_is_driven_to_success_by_the_teacher() -> None:
    helped = _episode(lambda plan: True)
    assert helped.success
    assert helped.driven == helped.steps
    assert helped.calls == helped.plans == -(-helped.steps // DRIVES), "it asks again after each help"


def test_one_call_is_helped_for_so_many_steps_and_no_more(unhelped: Helped) -> None:
    fifth = _episode(lambda plan: plan.uncertainty == 5.0)
    assert (fifth.calls, fifth.driven) == (1, DRIVES)
    assert fifth.steps == unhelped.steps, "16 steps do not suffice"
    assert fifth.plans == -(-(fifth.steps - DRIVES) // EXECUTE) + 1, "the plan at which it asked was not executed"


def test_a_plan_carries_the_policys_uncertainty() -> None:
    seen: list[Plan] = []
    _episode(lambda plan: bool(seen.append(plan)))
    assert [plan.uncertainty for plan in seen[:3]] == [1.0, 2.0, 3.0]


@given(numbers, numbers)
@settings(max_examples=200, deadline=None)
def test_distance_of_two_samples_is_the_greatest_between_their_shares(one: list[float], other: list[float]) -> None:
    def share(sample: list[float], value: float) -> float:
        return sum(each <= value for each in sample) / len(sample)

    greatest = max(abs(share(one, value) - share(other, value)) for value in [*one, *other])
    assert distance(np.array(one), np.array(other)) == pytest.approx(greatest)


def test_compared_sessions_stand_by_kind_and_by_themselves() -> None:
    low, high = np.linspace(0, 1, 101), np.linspace(10, 11, 101)
    without = Turn(False, low, 0, 0.0, 0.0)
    turns = [Turn(True, high, 2, 20.0, 0.2), without, Turn(True, high, 1, 22.0, 0.4), without]
    found = compare(turns)
    assert found["with_ms"] == {"p50": 10.5, "p90": 10.9, "p99": 10.99, "max": 11.0}
    assert found["without_ms"]["max"] == 1.0
    assert (found["with_overruns"], found["without_overruns"]) == (3, 0)
    assert (found["with_ticks"], found["without_ticks"]) == (202, 202)
    assert (found["distance_across"], found["distance_within"]) == (1.0, 0.0)
    assert (found["pictures_per_s"], found["window_cpu"]) == (21.0, pytest.approx(0.3))
