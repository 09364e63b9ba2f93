"""The size of the search follows the times of plans, slowly enough that single slow plans do not change it."""

from __future__ import annotations

import numpy as np

from hitl_clic.control.plan import SearchingPolicy
from hitl_clic.control.planner import Planner, PlanRequest
from hitl_clic.control.search_budget import FALL_AFTER, GROW_AFTER, LEVELS, SearchBudget
from hitl_clic.types.records import Array, Proposal

ALLOWED_S = 0.025


def budget(*plans: tuple[int, float]) -> SearchBudget:
    """After so many plans of so many seconds each."""
    made = SearchBudget(ALLOWED_S)
    for count, plan_s in plans:
        take(made, count, plan_s)
    return made


def take(made: SearchBudget, count: int, plan_s: float) -> None:
    for _ in range(count):
        made.took(plan_s)


def test_plans_within_the_budget_do_the_full_search() -> None:
    made = budget((500, ALLOWED_S))
    assert made.search == 1
    assert made.take_change() is None


def test_slow_plans_reduce_the_search_step_by_step_down_to_the_last() -> None:
    made = budget((FALL_AFTER - 1, 0.031))
    assert made.search == LEVELS[0]
    made.took(0.031)
    assert made.search == LEVELS[1]
    change = made.take_change()
    assert change is not None
    assert (change.search, change.direction, round(change.plan_ms, 6), change.allowed_ms) == (0.5, "reduced", 31, 25)
    assert made.take_change() is None, "a change is taken once"
    take(made, FALL_AFTER, 0.031)
    assert made.search == LEVELS[2]
    assert made.take_change() is not None
    take(made, 500, 0.031)
    assert made.search == LEVELS[-1]
    assert made.take_change() is None, "there is no smaller search, and nothing new to say"


def test_single_slow_plans_change_nothing() -> None:
    made = SearchBudget(ALLOWED_S)
    for _ in range(100):
        take(made, 2, 0.01)
        made.took(0.4)
    assert made.search == 1


def test_the_search_grows_when_the_larger_one_fits_too() -> None:
    made = budget((FALL_AFTER, 0.031), (GROW_AFTER - 1, 0.012))
    assert made.search == LEVELS[1]
    made.took(0.012)
    assert made.search == LEVELS[0]
    changes = made.take_change()
    assert changes is not None
    assert (changes.search, changes.direction) == (1.0, "raised")


def test_a_search_that_only_just_fits_does_not_grow() -> None:
    """Twice the search could take twice as long: 16 ms would become 32 of 25 allowed, and it would fall again."""
    assert budget((FALL_AFTER, 0.031), (500, 0.016)).search == LEVELS[1]


def test_plans_at_the_border_do_not_change_the_search_back_and_forth() -> None:
    """A machine on which the full search takes 28 ms and the half 15: it falls once and stays."""
    made, changes = SearchBudget(ALLOWED_S), 0
    for _ in range(2000):
        made.took(0.028 if made.search == 1 else 0.015)
        changes += made.take_change() is not None
    assert changes == 1


class Searcher:
    """Notes how much search each plan does."""

    def __init__(self) -> None:
        self.version, self.newest_pair, self.search = 1, 0, 1.0
        self.seen: list[float] = []

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        self.seen.append(self.search)
        return Proposal(np.zeros((3, 2), np.float32), 0.0)


def plan_once(planner: Planner) -> None:
    planner.request(PlanRequest(0, np.zeros(1, np.float32), np.zeros((0, 2), np.float32), None))
    assert planner.wait_idle(20.0)


def test_the_planner_tells_each_new_policy_its_search() -> None:
    made = SearchBudget(allowed_s=1e-9)  # every plan is over it
    first, second = Searcher(), Searcher()
    assert isinstance(first, SearchingPolicy)
    planner = Planner(first, budget=made)
    planner.start()
    try:
        for _ in range(FALL_AFTER):
            plan_once(planner)
        planner.swap(second)
        plan_once(planner)
    finally:
        planner.close()
    assert first.seen == [1.0] * FALL_AFTER
    assert second.seen == [0.5]


def test_without_a_budget_the_policy_is_left_alone() -> None:
    policy = Searcher()
    planner = Planner(policy)
    planner.start()
    try:
        for _ in range(FALL_AFTER + 1):
            plan_once(planner)
    finally:
        planner.close()
    assert set(policy.seen) == {1.0}
