"""The robot's part while a person pushes it."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from hitl_clic.correction.policy_filter import PolicyFilter
from hitl_clic.types.records import Array

ROBOT = st.integers(1, 20).flatmap(lambda n: arrays(np.float32, (n, 3), elements=st.floats(-1, 1, width=32)))


@settings(deadline=None)
@given(ROBOT, st.floats(0.01, 5), st.sampled_from([10.0, 50.0]))
def test_it_lies_between_what_the_robot_did_since_the_push_began(robot: Array, seconds: float, rate_hz: float) -> None:
    policy_filter = PolicyFilter(seconds, rate_hz, commands=(2,))
    for tick, action in enumerate(robot):
        part = policy_filter.step(action, steered=True)
        since = robot[: tick + 1]
        assert (part >= since.min(axis=0) - 1e-6).all()
        assert (part <= since.max(axis=0) + 1e-6).all()
        assert part[2] == action[2], "a gripper is switched by the robot, not half shut"
    assert np.array_equal(policy_filter.step(-robot[0], steered=False), -robot[0]), (
        "let go, it is the robot's own at once"
    )
    assert np.array_equal(policy_filter.step(robot[0], steered=True), robot[0]), (
        "a new push begins with what the robot does now"
    )


def test_an_episode_knows_nothing_of_the_one_before() -> None:
    policy_filter = PolicyFilter(1.0, 10.0)
    policy_filter.step(np.ones(2, np.float32), steered=True)
    policy_filter.reset()
    assert policy_filter.step(-np.ones(2, np.float32), steered=True).tolist() == [-1.0, -1.0]


@settings(deadline=None)
@given(ROBOT)
def test_without_a_time_it_is_the_robot(robot: Array) -> None:
    policy_filter = PolicyFilter(0.0, 10.0)
    assert all(np.array_equal(policy_filter.step(action, steered=True), action) for action in robot)


@pytest.mark.parametrize("rate_hz", [10.0, 20.0, 500.0])
def test_the_time_is_in_seconds_at_any_rate(rate_hz: float) -> None:
    policy_filter = PolicyFilter(0.4, rate_hz)
    policy_filter.step(np.zeros(1, np.float32), steered=True)
    for _ in range(round(0.4 * rate_hz)):
        part = policy_filter.step(np.ones(1, np.float32), steered=True)
    assert part[0] == pytest.approx(1 - np.exp(-1), abs=1e-3)
