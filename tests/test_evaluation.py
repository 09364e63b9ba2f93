"""Evaluation: figures against hand-counted ones, on a real task with policies made up for it."""

from __future__ import annotations

import numpy as np
import pytest

from hitl_clic.evaluation import evaluate
from hitl_clic.records import Array
from hitl_clic.tasks.registry import make_task, make_teacher


class Copycat:
    """Plans what the teacher would do now, H times over."""

    version, newest_pair = 0, -1

    def __init__(self, horizon: int, turn: float = 0.0) -> None:
        self.horizon, self.turn, self.previous = horizon, turn, list[object]()
        self.teacher = make_teacher("line_following")

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> tuple[Array, float]:
        self.previous.append(None if previous is None else len(previous))
        chunk = np.tile(self.teacher.action(observation), (self.horizon, 1))
        chunk[1::2] += self.turn
        return chunk.astype(np.float32), 0.0


def test_a_perfect_policy_has_no_error_and_reaches_the_end() -> None:
    found = evaluate(Copycat(1), make_task("line_following"), make_teacher("line_following"), 1, [5, 6])
    assert found.success_rate == 1.0
    assert found.l2_error_per_step == pytest.approx(0.0, abs=1e-6)
    assert [row.seed for row in found.episodes] == [5, 6]
    assert found.mean_timesteps == np.mean([row.timesteps for row in found.episodes])
    assert np.isnan(found.step_inside), "chunks of one step have no inside"


def test_steps_inside_chunks_and_at_seams_are_told_apart() -> None:
    found = evaluate(Copycat(4, turn=0.1), make_task("line_following"), make_teacher("line_following"), 2, [5])
    assert found.step_inside == pytest.approx(0.1 * 2**0.5, rel=1e-4), "each chunk's second step differs by 0.1 an axis"
    assert found.step_at_seam != pytest.approx(found.step_inside)
    assert found.l2_error_per_step > 0.05


def test_the_rest_of_a_chunk_is_handed_on_for_a_warm_start() -> None:
    policy = Copycat(4)
    evaluate(policy, make_task("line_following"), make_teacher("line_following"), 3, [5])
    assert policy.previous[0] is None
    assert set(policy.previous[1:]) == {1}


def test_no_episodes_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one episode"):
        evaluate(Copycat(1), make_task("line_following"), make_teacher("line_following"), 1, [])
