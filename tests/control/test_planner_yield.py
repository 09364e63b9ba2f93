"""The planner lets a due tick run first."""

from __future__ import annotations

import threading
import time

import pytest
from fake_time import MS, Time

from hitl_clic.control.clock import RealTimeClock


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
