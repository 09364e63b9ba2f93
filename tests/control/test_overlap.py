"""Which plan the loop runs: overlap and lead, late plans, none from before a correction, a pause or an episode."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable

import numpy as np
import pytest
from loop_bench import Bench, TellTale, Track, hold, near

from hitl_clic.control.clock import Clock
from hitl_clic.control.overlap import OverlapName
from hitl_clic.evaluation import Execution, run_episode
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.records import (
    Array,
    Plan,
    Proposal,
)


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize(
    ("overlap", "lead"), [("sync", 0), ("async", 1), ("prefix_conditioned", 2), ("future_state", 2)]
)
def test_after_release_nothing_stale_is_executed(stride: int, overlap: OverlapName, lead: int) -> None:
    """The chunk in flight belongs to a scene that the human has changed; only plans from the release on may run."""
    bench = Bench(hold(3, 4, 5, 6), horizon=8, execute=6, stride=stride, lead=lead, overlap=overlap)
    bench.run()
    after = [record for record in bench.ticks if record.tick >= 7]
    for record in after:
        assert record.plan_tick >= 7 or (record.plan_tick == -1 and not record.executed.any())
    assert all(record.plan_tick >= 7 for record in after[1:]), "and it stands still for one tick at most"
    if stride == 1:
        assert after[0].plan_tick == 7, "asked every tick, the plan is there at once"


@pytest.mark.parametrize("how", ["pause", "stop"])
@pytest.mark.parametrize("stride", [1, 4])
def test_nor_after_a_pause_in_a_correction(stride: int, how: str) -> None:
    on = {"pause": ["pause"], "stop": ["stop"]}[how]
    off = {"pause": ["resume"], "stop": ["clear_stop", "resume"]}[how]
    bench = Bench(hold(2, 3, 4), commands={5: on, 8: off}, horizon=8, execute=6, stride=stride)
    bench.run()
    assert bench.states.startswith("aaccca")
    for record in bench.ticks[5:]:
        assert record.plan_tick >= 5 or not record.executed.any()
    assert bench.ticks[6].plan_tick >= 5


@pytest.mark.parametrize("execute", [2, 3])
def test_with_a_lead_what_is_committed_is_what_is_executed(execute: int) -> None:
    """Asked for one tick ahead: the new chunk begins with the step that the old one will still do."""
    bench = Bench(horizon=4, execute=execute, lead=1, overlap="prefix_conditioned", longest=16)
    bench.run()
    assert bench.policy is not None
    later = [(obs, committed, previous) for obs, committed, previous in bench.policy.asked if len(committed)]
    assert len(later) >= 4
    for observation, committed, previous in later:
        assert committed.shape == (1, 2)
        assert previous is not None
        assert np.array_equal(previous[:1], committed)
        assert near(bench.task.executed[round(float(observation[2]))], *committed[0])


AHEAD: list[tuple[OverlapName, int]] = [
    (overlap, lead) for overlap in ("async", "prefix_conditioned", "future_state") for lead in (1, 2, 4)
]


@pytest.mark.parametrize(("overlap", "lead"), [("sync", 0), *AHEAD])
def test_whatever_the_overlap_a_chunk_runs_its_steps(overlap: OverlapName, lead: int) -> None:
    """H = 8, Ta = 4: seams at 4, 8, 12, ...; the plan that takes over there was asked for `lead` ticks before."""
    bench = Bench(horizon=8, execute=4, lead=lead, overlap=overlap, longest=20)
    bench.run()
    assert bench.policy is not None
    seams = [b.tick for a, b in itertools.pairwise(bench.ticks) if a.plan_tick != b.plan_tick]
    assert seams == [4, 8, 12, 16]
    assert [bench.ticks[seam].step_in_chunk for seam in seams[1:]] == [0 if overlap == "future_state" else lead] * 3
    assert [plan.tick for plan in bench.of(Plan)][2:] == [seam - lead for seam in seams[1:]]
    assert len(bench.policy.asked) <= 6, "nothing is planned twice"
    for seam in seams[1:]:
        asked_at = seam if overlap == "future_state" else seam - lead
        observation, committed, previous = next(
            entry for entry in bench.policy.asked if round(float(entry[0][2])) == asked_at
        )
        assert np.array_equal(observation, bench.ticks[asked_at].observation), "seen then, or forecast exactly"
        executed = np.stack(bench.task.executed[seam - lead : seam]) if lead else np.zeros((0, 2), np.float32)
        assert np.array_equal(committed, executed if overlap == "prefix_conditioned" else executed[:0])
        if overlap == "future_state":
            assert previous is None or near(previous[0], bench.ticks[seam - 1].robot_action[0], 0.04)
        elif lead:
            assert previous is not None
            assert np.array_equal(previous[:lead], executed)
        for tick in range(seam, seam + 4):
            expected = asked_at / 100, (tick - asked_at) / 100
            assert near(bench.task.executed[tick], *expected)


@pytest.mark.parametrize(("overlap", "lead"), [("sync", 0), *AHEAD])
def test_evaluation_executes_as_the_loop_does(overlap: OverlapName, lead: int) -> None:
    class Nobody(Teacher):
        def reset(self) -> None: ...

        def action(self, observation: Array) -> Array:
            return np.zeros(2, np.float32)

        def snapshot(self) -> bytes:
            return b""

        def restore(self, snapshot: bytes) -> None: ...

    bench = Bench(horizon=8, execute=4, lead=lead, overlap=overlap, longest=20)
    bench.run()
    task = Track(20)
    run_episode(TellTale(8), task, Nobody(), Execution(4, overlap, lead), 10)
    assert np.array_equal(np.stack(task.executed), np.stack(bench.task.executed))


@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize(("overlap", "lead"), AHEAD)
def test_what_was_planned_ahead_is_forgotten_when_the_human_takes_over(
    overlap: OverlapName, lead: int, stride: int
) -> None:
    """Asked for before tick 3, to begin at 4, for a state that the human's tick 3 led away from."""
    bench = Bench(hold(3, 4, 5, 6), horizon=8, execute=4, lead=lead, overlap=overlap, stride=stride)
    bench.run()
    assert bench.policy is not None
    for record in bench.ticks[3:7]:
        assert record.plan_tick == 0 or record.plan_tick > 3
    assert bench.sent
    for pair in bench.sent:
        record = bench.ticks[pair.tick]
        assert near(pair.robot[0], *record.robot_action)
        if pair.tick > 3:
            assert np.array_equal(pair.robot, bench.policy.made[record.observation.tobytes()])


@pytest.mark.parametrize(("overlap", "lead"), AHEAD)
def test_nothing_planned_ahead_outlives_its_episode(overlap: OverlapName, lead: int) -> None:
    bench = Bench(commands={3: ["reset"]}, horizon=8, execute=4, lead=lead, overlap=overlap)
    bench.run(2)
    new = [record for record in bench.ticks if record.episode == 1]
    assert new[0].tick == 3
    assert [record.plan_tick for record in new[:4]] == [3] * 4
    assert new[4].plan_tick >= 3
    assert near(new[4].executed, (new[4].tick - new[4].step_in_chunk - 3) / 100, new[4].step_in_chunk / 100)


def test_a_slow_plan_made_ahead_is_not_asked_for_again() -> None:
    """It takes more than two ticks where the lead is one: each chunk begins late, at the step that belongs there."""
    begun, due = 0, math.inf

    class Slow(TellTale):
        def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
            nonlocal due
            if self.asked:
                due = begun + 2
                while begun < due and not bench.planner._closing:
                    time.sleep(0.0005)
                due = math.inf
            return super().plan(observation, committed, previous)

    class Ticks(Clock):
        def start(self) -> None: ...

        def wait(self) -> int:
            nonlocal begun
            begun += 1
            while bench.planner._request is not None or due < begun:  # it is taken up at once, and is over in time
                time.sleep(0.0005)
            return 0

        def finish(self) -> bool:
            return False

        def set_speed(self, speed: float) -> float:
            return speed

    bench = Bench(horizon=8, execute=4, lead=1, overlap="prefix_conditioned", policy=Slow(8), clock=Ticks(), longest=24)
    bench.run()
    assert bench.policy is not None
    plans = bench.of(Plan)
    assert len(plans) >= 3
    assert len(bench.policy.asked) <= len(plans) + 1
    for record in bench.ticks[1:]:
        if record.plan_tick >= 0:
            assert record.step_in_chunk == record.tick - record.plan_tick


def test_the_rest_of_the_chunk_warms_the_next_plan_but_not_across_a_correction() -> None:
    bench = Bench(hold(4, 5))
    bench.run()
    assert bench.policy is not None
    rests = {round(float(obs[2])): previous for obs, _, previous in bench.policy.asked}
    assert rests[0] is None
    assert rests[2] is not None
    assert rests[2][:, 1].tolist() == pytest.approx([0.02, 0.03])
    assert rests[5] is None
    assert rests[6] is None


class NoWait:
    """A clock for which every tick is due: plans come when they come."""

    def __init__(self, before_tick: Callable[[], None]) -> None:
        self.before_tick = before_tick

    def start(self) -> None:
        pass

    def wait(self) -> int:
        self.before_tick()
        return 0

    def finish(self) -> bool:
        return False

    def set_speed(self, speed: float) -> float:
        return speed


def test_without_a_plan_it_stands_still_and_a_late_plan_is_joined_in_its_middle() -> None:
    bench = Bench(horizon=6, execute=6, longest=6)

    def before_tick() -> None:
        if bench.loop.tick == 2:
            bench.planner.start()
            bench.planner.wait_idle(20)

    bench.loop.clock = NoWait(before_tick)
    try:
        bench.loop.run_episode(0, 0)
    finally:
        bench.planner.close()
    assert [record.plan_tick for record in bench.ticks[:2]] == [-1, -1]
    assert not any(a.any() for a in bench.task.executed[:2])
    assert bench.ticks[2].plan_tick in (0, 1, 2)
    for record in bench.ticks[2:]:
        assert record.step_in_chunk == record.tick - record.plan_tick


def test_a_new_episode_never_runs_a_plan_of_the_old_one() -> None:
    """A person ends an episode while the plan for the coming tick is there already; that tick now begins another."""
    bench = Bench(commands={3: ["reset"]}, horizon=4, execute=1)
    hold_back = False
    plan = TellTale.plan

    class Late(TellTale):
        def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
            while hold_back:
                time.sleep(0.001)
            return plan(self, observation, committed, previous)

    bench.planner.swap(Late(4))

    def before_tick() -> None:
        if not hold_back:
            assert bench.planner.wait_idle(20)

    bench.loop.clock = NoWait(before_tick)
    bench.planner.start()
    try:
        bench.loop.run_episode(0, 0)
        assert [r.plan_tick for r in bench.ticks] == [0, 1, 2]
        hold_back = True  # from here on no plan comes before the tick
        reads = bench.hand.readings

        def let_go_later() -> None:
            nonlocal hold_back
            if bench.hand.readings == reads + 2:
                hold_back = False
            if not hold_back:
                assert bench.planner.wait_idle(20)

        bench.loop.clock = NoWait(let_go_later)
        bench.loop.run_episode(1, 1)
    finally:
        hold_back = False
        bench.planner.close()
    new = bench.ticks[3:]
    assert new[0].plan_tick == -1, "nothing is planned yet for the new scene"
    assert not new[0].executed.any()
    for record in new[2:]:
        planned_at = record.tick - record.step_in_chunk - 3
        assert round(float(record.robot_action[0]) * 100) == planned_at
