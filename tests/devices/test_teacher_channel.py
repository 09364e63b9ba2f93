"""The channel between loop and scripted teacher: the plan of a view, and waiting."""

from __future__ import annotations

import threading
import time

import numpy as np
import pytest

from hitl_clic.devices.teacher.channel import TeacherChannel, TeacherView
from hitl_clic.types.records import Plan


def view(tick: int, episode: int = 0, plan: np.ndarray | None = None) -> TeacherView:
    return TeacherView(tick, episode, tick, np.zeros(3, np.float32), plan, 5)


def plan(tick: int) -> Plan:
    return Plan(tick, np.full((4, 2), tick, np.float32), 0.0, 0, -1, 0, 0)


def test_a_view_without_a_plan_gets_the_plan_of_its_tick() -> None:
    newest: list[Plan | None] = [None]
    channel = TeacherChannel(lambda: newest[0])
    assert channel.view() is None
    channel.show(view(3))
    seen = channel.view()
    assert seen is not None
    assert seen.robot_action is None
    newest[0] = plan(2)
    seen = channel.view()
    assert seen is not None
    assert seen.plan is None, "a plan for another tick is not this view's"
    newest[0] = plan(3)
    seen = channel.view()
    assert seen is not None
    assert seen.plan is newest[0].chunk
    assert seen.step_in_chunk == 0


def test_a_view_with_a_plan_keeps_it() -> None:
    own = np.ones((2, 2), np.float32)
    channel = TeacherChannel(lambda: plan(3))
    channel.show(view(3, plan=own))
    seen = channel.view()
    assert seen is not None
    assert seen.plan is own
    assert seen.step_in_chunk == 5


def test_a_request_for_help_shows_the_same_instant_again() -> None:
    channel = TeacherChannel(lambda: plan(3))
    channel.ask_for_help()
    assert channel.view() is None, "nothing was shown yet"
    channel.show(view(3))
    channel.ask_for_help()
    seen = channel.view()
    assert seen is not None
    assert (seen.tick, seen.asks) == (3, True)
    assert seen.robot_action is not None


def test_no_waiting_if_a_person_teaches() -> None:
    channel = TeacherChannel()
    channel.show(view(0))
    began = time.perf_counter()
    assert channel.wait_answer(0, 5.0)
    assert time.perf_counter() - began < 1.0


def test_an_answer_of_an_ended_episode_does_not_answer_the_next() -> None:
    """An episode that a person ends before its tick 4 runs; the next episode also starts with tick 4."""
    channel = TeacherChannel()
    channel.join("oracle")
    channel.show(view(4, episode=0))
    channel.publish_wanted((0, 4), (1.0, 0.0))
    channel.answered((0, 4))
    assert channel.wait_answer(4, 0.0)
    assert channel.wanted(4) == (1.0, 0.0)
    channel.show(view(4, episode=1))
    assert not channel.wait_answer(4, 0.0)
    assert channel.wanted(4) is None


def test_an_answer_wakes_the_loop_and_the_loop_wakes_the_teacher() -> None:
    channel = TeacherChannel()
    channel.join("oracle")
    channel.show(view(0))

    def teach() -> None:
        channel.wait_for_view(20.0)
        seen = channel.view()
        assert seen is not None
        channel.answered(seen.instant)

    thread = threading.Thread(target=teach)
    thread.start()
    began = time.perf_counter()
    assert channel.wait_answer(0, 20.0)
    assert time.perf_counter() - began < 10.0
    thread.join()


@pytest.mark.parametrize("error", [None, ValueError("no such action")])
def test_the_end_of_the_teacher_wakes_the_loop(error: Exception | None) -> None:
    channel = TeacherChannel()
    channel.join("oracle")
    channel.show(view(0))
    threading.Timer(0.02, channel.end, [error]).start()
    if error is None:
        assert not channel.wait_answer(0, 20.0)
        return
    with pytest.raises(RuntimeError, match="no such action") as caught:
        channel.wait_answer(0, 20.0)
    assert caught.value.__cause__ is error
