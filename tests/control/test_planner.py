"""The planner thread: newest request wins, errors surface, swaps take effect between plans."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest

from hitl_clic.control.planner import LoopError, Planner, PlanRequest
from hitl_clic.types.records import Array, Proposal

WAIT_S = 20.0


class GatedPolicy:
    """Plans only when let: each `open` lets one plan through."""

    def __init__(self, version: int = 1, gated: bool = False) -> None:
        self.version, self.newest_pair = version, 10 * version
        self.seen: list[float] = []
        self.began = threading.Semaphore(0)
        self._gate = threading.Semaphore(0) if gated else None

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        self.seen.append(float(observation[0]))
        self.began.release()
        if self._gate is not None:
            assert self._gate.acquire(timeout=WAIT_S)
        return Proposal(np.full((3, 2), observation[0], np.float32), -float(observation[0]))

    def open(self) -> None:
        assert self._gate is not None
        self._gate.release()


class BrokenPolicy(GatedPolicy):
    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        raise ArithmeticError("no such chunk")


def request(tick: int) -> PlanRequest:
    return PlanRequest(tick, np.array([tick], np.float32), np.zeros((0, 2), np.float32), None)


@contextmanager
def running(policy: GatedPolicy) -> Iterator[Planner]:
    planner = Planner(policy)
    planner.start()
    try:
        yield planner
    finally:
        planner.close()


def test_a_plan_is_made_and_given() -> None:
    with running(GatedPolicy(version=4)) as planner:
        assert planner.latest() is None
        planner.request(request(7))
        assert planner.wait_idle(WAIT_S)
        plan = planner.latest()
    assert plan is not None
    assert (plan.tick, plan.energy, plan.weight_version, plan.newest_pair) == (7, -7.0, 4, 40)
    assert np.array_equal(plan.chunk, np.full((3, 2), 7, np.float32))
    assert 0 < plan.started_ns <= plan.finished_ns


def test_the_newest_request_wins() -> None:
    policy = GatedPolicy(gated=True)
    with running(policy) as planner:
        planner.request(request(1))
        assert policy.began.acquire(timeout=WAIT_S)
        for tick in (2, 3, 4):
            planner.request(request(tick))
        policy.open()
        assert policy.began.acquire(timeout=WAIT_S)
        policy.open()
        assert planner.wait_idle(WAIT_S)
        assert policy.seen == [1, 4], "2 and 3 were overtaken before they began"
        plan = planner.latest()
        assert plan is not None
        assert plan.tick == 4


def test_asking_and_looking_never_wait_for_a_plan() -> None:
    policy = GatedPolicy(gated=True)
    with running(policy) as planner:
        planner.request(request(1))
        assert policy.began.acquire(timeout=WAIT_S)
        planner.request(request(2))  # would hang here if it waited: the plan at hand goes on until it is let
        assert planner.latest() is None
        assert not planner.wait_idle(0.01), "not settled: one at work, one waiting"
        policy.open()
        policy.open()
        assert planner.wait_idle(WAIT_S)


def test_an_idle_planner_has_published_its_plan() -> None:
    with running(GatedPolicy()) as planner:
        for tick in range(50):
            planner.request(request(tick))
            assert planner.wait_idle(WAIT_S)
            plan = planner.latest()
            assert plan is not None
            assert plan.tick == tick


def test_a_swap_counts_from_the_next_plan_on() -> None:
    old, new = GatedPolicy(1, gated=True), GatedPolicy(2)
    with running(old) as planner:
        planner.request(request(1))
        assert old.began.acquire(timeout=WAIT_S)
        planner.swap(new)
        assert planner.policy is new
        old.open()
        assert planner.wait_idle(WAIT_S)
        plan = planner.latest()
        assert plan is not None
        assert plan.weight_version == 1, "begun with the old weights, and it says so"
        planner.request(request(2))
        assert planner.wait_idle(WAIT_S)
        plan = planner.latest()
        assert plan is not None
        assert (plan.weight_version, plan.newest_pair) == (2, 20)


def test_an_error_ends_waiting_and_is_kept() -> None:
    with running(BrokenPolicy()) as planner:
        assert planner.error is None
        planner.request(request(1))
        assert planner.wait_idle(WAIT_S), "no one waits for a thread that is gone"
        assert isinstance(planner.error, ArithmeticError)
        assert planner.latest() is None


def test_an_error_of_preparing_is_kept_and_raised_by_check() -> None:
    def fail() -> None:
        raise KeyError("threads")

    planner = Planner(GatedPolicy(), prepare=fail)
    planner.start()
    planner.request(request(1))
    assert planner.wait_idle(WAIT_S)
    assert isinstance(planner.error, KeyError)
    with pytest.raises(LoopError, match="the planner ended: 'threads'"):
        planner.check()
    planner.close()


def test_prepared_and_planned_in_its_own_thread() -> None:
    threads: dict[str, list[int]] = {"prepare": [], "plan": []}

    class Where(GatedPolicy):
        def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
            threads["plan"].append(threading.get_ident())
            return super().plan(observation, committed, previous)

    planner = Planner(Where(), lambda: threads["prepare"].append(threading.get_ident()))
    planner.start()
    planner.request(request(1))
    assert planner.wait_idle(WAIT_S)
    planner.close()
    (prepared,) = threads["prepare"]
    assert threads["plan"] == [prepared]
    assert prepared != threading.get_ident()


def test_closing_ends_the_thread_and_may_be_repeated() -> None:
    before = threading.active_count()
    with running(GatedPolicy()) as planner:
        planner.close()
    assert threading.active_count() == before
    Planner(GatedPolicy()).close()  # never started
    assert planner.error is None


def test_what_was_forgotten_is_never_given() -> None:
    """The scene is another: neither the newest plan, nor the one at work, nor the one waiting may still be used."""
    policy = GatedPolicy(gated=True)
    with running(policy) as planner:
        planner.request(request(1))
        policy.open()
        assert planner.wait_idle(WAIT_S)
        assert planner.latest() is not None
        policy.began.acquire(timeout=WAIT_S)
        planner.request(request(2))
        assert policy.began.acquire(timeout=WAIT_S)
        planner.request(request(3))
        planner.forget()
        assert planner.latest() is None
        policy.open()
        assert planner.wait_idle(WAIT_S)
        assert planner.latest() is None
        assert policy.seen == [1, 2]
        planner.request(request(2))
        policy.open()
        assert planner.wait_idle(WAIT_S)
        plan = planner.latest()
        assert plan is not None
        assert plan.tick == 2
