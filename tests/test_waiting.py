"""A wait ends when its condition holds, or after its time; time in which the process was stopped does not count."""

from __future__ import annotations

import threading

from hitl_clic.waiting import SLICE_S, wait_for


class Clocked:
    """A condition whose waits take the time that the test says, and are notified or not."""

    def __init__(self, *notified: bool) -> None:
        self.waits: list[float] = []
        self._notified = list(notified)

    def wait(self, timeout: float | None = None) -> bool:
        assert timeout is not None
        self.waits.append(timeout)
        return self._notified.pop(0) if self._notified else False


def test_what_holds_already_is_not_waited_for() -> None:
    condition = Clocked()
    assert wait_for(condition, lambda: True, 5.0)
    assert condition.waits == []


def test_the_wait_ends_after_its_time() -> None:
    condition = Clocked()
    assert not wait_for(condition, lambda: False, 1.2)
    assert sum(condition.waits) == 1.2
    assert max(condition.waits) == SLICE_S


def test_a_stopped_process_loses_at_most_one_slice() -> None:
    """Each wait counts as long as it was asked to take, so its real duration does not matter."""
    condition = Clocked()
    answered = iter([False, False, True])  # the answer comes after the second wait, which may have lasted for hours
    assert wait_for(condition, lambda: next(answered), 1.0)
    assert condition.waits == [SLICE_S, SLICE_S]


def test_notifications_cost_no_time() -> None:
    condition = Clocked(True, True, True)
    assert not wait_for(condition, lambda: False, SLICE_S)
    assert len(condition.waits) == 4


def test_a_real_condition_wakes_at_once() -> None:
    condition, ready = threading.Condition(), threading.Event()

    def answer() -> None:
        with condition:
            ready.set()
            condition.notify_all()

    with condition:
        threading.Timer(0.01, answer).start()
        assert wait_for(condition, ready.is_set, 30.0)
