"""The clocks of the loop: absolute deadlines in real time, and the waits at full pace."""

from __future__ import annotations

import time

import numpy as np
import pytest
from fake_time import MS, Time

from hitl_clic.control.clock import MaxPaceClock, RealTimeClock


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
