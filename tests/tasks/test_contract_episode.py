"""Tasks whose rate, end of an episode or refusals are wrong: `check_task` says what to mend."""

from __future__ import annotations

from typing import Any

import pytest

from hitl_clic.tasks.contract import check_task
from hitl_clic.tasks.line.line_following import LineFollowing

Step = tuple[Any, float, bool, bool, dict[str, Any]]


class Endless(LineFollowing):
    """Its episodes never end."""

    def step(self, action: Any) -> Step:
        observation, reward, _, _, info = super().step(action)
        return observation, reward, False, False, {**info, "success": False}


class Unending(LineFollowing):
    """It reports success without an end."""

    def step(self, action: Any) -> Step:
        observation, reward, _, _, info = super().step(action)
        return observation, reward, False, False, {**info, "success": True}


class Silent(LineFollowing):
    """It does not say whether the goal was reached."""

    def step(self, action: Any) -> Step:
        return (*super().step(action)[:4], {})


class Bare(LineFollowing):
    """Its `restore` checks nothing, and so fails inside on an empty snapshot."""

    def restore(self, snapshot: bytes) -> Any:
        if snapshot[0] < 0:
            return self.observe()
        return super().restore(snapshot)


class Careless(LineFollowing):
    """Its `restore` accepts an empty snapshot."""

    def restore(self, snapshot: bytes) -> Any:
        return super().restore(snapshot) if snapshot else self.observe()


@pytest.mark.parametrize(("task", "raised"), [(Bare, "IndexError"), (Careless, "nothing")])
def test_a_restore_without_a_check_is_told_what_to_raise(task: type[LineFollowing], raised: str) -> None:
    with pytest.raises(AssertionError, match=rf"^restore\(\) must refuse b'' with a ValueError, it raised {raised}$"):
        check_task(task, predict_within=1e-6)


@pytest.mark.parametrize("rate", [None, 0, 0.0, -10.0, float("nan"), float("inf"), "20"])
def test_a_task_without_a_rate_is_told_to_set_it(rate: Any) -> None:
    task = type("Rateless", (LineFollowing,), {"control_hz": rate})
    with pytest.raises(AssertionError, match=r"control_hz is .*; set it in the class to the steps per second"):
        check_task(task)


@pytest.mark.parametrize("most", [None, 0, -1, 2.5])
def test_a_task_without_a_limit_of_steps_is_told_to_set_it(most: Any) -> None:
    def make() -> LineFollowing:
        task = LineFollowing()
        task.max_steps = most
        return task

    with pytest.raises(AssertionError, match=r"max_steps is .*; set it in the class to the most steps of an episode"):
        check_task(make)


def test_a_task_that_never_ends_is_told_to_count_its_steps() -> None:
    with pytest.raises(AssertionError, match=r"no episode ends: .*return truncated = True from step max_steps = "):
        check_task(Endless)


def test_a_success_must_end_the_episode() -> None:
    with pytest.raises(AssertionError, match=r"step 1 returned info.*return terminated = True on success"):
        check_task(Unending)


def test_a_step_must_say_whether_it_succeeded() -> None:
    with pytest.raises(AssertionError, match=r"a bool under 'success', got None"):
        check_task(Silent)
