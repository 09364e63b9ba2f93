"""The parts of a tick: each is timed, the parts after the step too, and one that is slow makes an overrun."""

from __future__ import annotations

import itertools
import time

import numpy as np
import pytest
from loop_bench import Bench, hold

from hitl_clic.control.clock import RealTimeClock
from hitl_clic.control.section_timer import SECTIONS, SectionTimer
from hitl_clic.types.messages import ChunkPair


def test_each_part_begins_where_the_one_before_ended() -> None:
    times = iter([100, 103, 110, 130, 135])
    timer = SectionTimer(lambda: next(times))
    assert timer.start() == 100
    timer.end("observe")
    timer.end("step")
    timer.end("record")
    assert timer.sections_ns == {"observe": 3, "step": 7, "record": 20}
    assert timer.elapsed_ns == 30
    timer.end("observe")
    assert timer.sections_ns["observe"] == 8, "a part that ends twice has both times"


def test_one_call_of_the_clock_for_each_part() -> None:
    calls = itertools.count()
    timer = SectionTimer(lambda: next(calls))
    timer.start()
    for section in SECTIONS:
        timer.end(section)
    assert next(calls) == 1 + len(SECTIONS)


def test_a_tick_keeps_its_own_times() -> None:
    timer = SectionTimer(itertools.count().__next__)
    timer.start()
    timer.end("observe")
    first = timer.sections_ns
    timer.start()
    timer.end("step")
    assert (first, timer.sections_ns) == ({"observe": 1}, {"step": 1})


def test_every_tick_records_all_its_parts_and_they_add_up() -> None:
    bench = Bench(hold(3, 4))
    bench.run()
    *ticks, last = bench.ticks
    assert all(tuple(record.sections_ns) == SECTIONS for record in ticks)
    assert tuple(last.sections_ns) == SECTIONS[:6], "the last tick of an episode asks for nothing and shows nothing"
    assert all(record.work_ns == sum(record.sections_ns.values()) for record in bench.ticks)


SLOW_S = 0.06


@pytest.mark.parametrize("slow", ["record", "ask", "publish", "learner"])
def test_a_part_after_the_step_that_is_slow_is_an_overrun_of_its_tick(slow: str) -> None:
    """20 ms ticks. Before, the time of these parts was in no section, and the next tick was late without a reason."""
    bench = Bench(clock=RealTimeClock(50.0), longest=6, draws=True, snapshot_every=3)
    scene, snapshot, forecast, policy_of = (
        bench.task.scene,
        bench.task.snapshot,
        bench.loop.planning.request_next,
        bench.loop.outlets.fetch_policy,
    )

    def delayed(part: str) -> None:
        if slow == part and bench.loop.tick == 3:
            time.sleep(SLOW_S)

    bench.task.scene = lambda: (delayed("publish"), scene())[1]  # type: ignore[method-assign]
    bench.task.snapshot = lambda: (delayed("record"), snapshot())[1]  # type: ignore[method-assign]
    bench.loop.planning.request_next = lambda *given: (delayed("ask"), forecast(*given))[1]  # type: ignore[method-assign]
    object.__setattr__(bench.loop.outlets, "fetch_policy", lambda: (delayed("learner"), policy_of())[1])
    bench.run()
    tick = bench.ticks[2]
    assert tick.overrun
    assert tick.sections_ns[slow] >= SLOW_S * 1e9
    assert tick.work_ns >= SLOW_S * 1e9


def test_a_tick_whose_later_part_fails_is_recorded_all_the_same() -> None:
    """Its action was executed: a recording without it could not be simulated again."""

    class Breaks:
        def after_tick(self, ticks: int, pairs: list[ChunkPair]) -> None:
            if ticks == 3:
                raise TimeoutError("the learner is gone")

        def after_episode(self) -> None: ...

    bench = Bench(schedule=Breaks())
    with pytest.raises(TimeoutError):
        bench.run()
    assert [record.tick for record in bench.ticks] == [0, 1, 2]
    assert len(bench.task.executed) == 3
    assert np.array_equal(bench.ticks[-1].executed, bench.task.executed[-1])


@pytest.mark.parametrize("draws", [False, True])
def test_the_scene_is_computed_only_where_somebody_draws_it(draws: bool) -> None:
    bench = Bench(draws=draws, commands={4: ["pause"], 6: ["resume"]})
    asked = {"scene": 0, "progress": 0}
    scene, progress = bench.task.scene, bench.task.progress

    def counted(name: str) -> None:
        asked[name] += 1

    bench.task.scene = lambda: (counted("scene"), scene())[1]  # type: ignore[method-assign]
    bench.task.progress = lambda: (counted("progress"), progress())[1]  # type: ignore[method-assign]
    bench.run()
    view = bench.view.latest()
    assert view is not None
    assert (view.scene is not None) == draws
    assert (asked["scene"] > 0, asked["progress"] > 0) == (draws, draws)
