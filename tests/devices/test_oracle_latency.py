"""A scripted teacher with latency: anticipation, prediction, and the policy filter."""

from __future__ import annotations

from typing import Literal

import numpy as np
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st
from oracle_rig import FunctionTeacher, Stepped, rig

from hitl_clic.devices.teacher.channel import TeacherChannel, TeacherView
from hitl_clic.devices.teacher.oracle import Oracle, OracleSettings
from hitl_clic.devices.teacher.scripted import ScriptedDevice


@given(
    goal=st.floats(-30.0, 30.0),
    late=st.integers(0, 8),
    gain=st.floats(0.1, 0.4),
    correction_mode=st.sampled_from(["absolute", "relative"]),
)
def test_anticipation_prevents_an_overshoot(
    goal: float, late: int, gain: float, correction_mode: Literal["absolute", "relative"]
) -> None:
    """A late teacher with proportional control of a unit integrator oscillates. With anticipation it does not."""

    def farthest(anticipation: float) -> tuple[float, float]:
        settings = OracleSettings(delay_steps=late, anticipation=anticipation, threshold=0.0, persist_steps=1000)
        oracle = Oracle(settings, execute=1, relative_step=2.0)
        oracle.begin(0)
        place, most = 0.0, 0.0
        for step in range(400):
            wanted = np.clip([gain * (goal - place)], -1.0, 1.0)
            still = np.zeros(1, np.float32)
            motion = oracle.decide(step, 0, wanted, still, correction_mode).motion[0]
            place += 2.0 * motion if correction_mode == "relative" else motion
            most = max(most, (place - goal) * np.sign(goal))
        return most, place

    beyond, end = farthest(gain)
    assert beyond <= 1e-6 * abs(goal)
    assert end == pytest.approx(goal, abs=1e-3 * abs(goal) + 1e-9)
    if abs(goal) > 8 / gain and late * gain > 2.0:
        assert farthest(0.0)[0] > 1.0


def test_motions_in_the_reader_count_as_pending(monkeypatch: pytest.MonkeyPatch) -> None:
    r = Stepped(monkeypatch, latency_s=0.4, anticipation=0.25, persist=False)
    for tick in range(3):
        r.show(tick, np.array([0.5, 0.0]))
        r.read(10 * tick)
    given = [r.read(400 + 10 * tick).motion[0] for tick in range(3)]
    assert given == pytest.approx([0.5, 0.5 - 0.25 * 0.5, 0.5 - 0.25 * (0.5 + 0.375)])


@given(
    goal=st.floats(-30.0, 30.0),
    late=st.integers(0, 8),
    robot=st.floats(-1.0, 1.0),
    correction_mode=st.sampled_from(["absolute", "relative"]),
)
def test_foresight_equals_a_teacher_without_latency(
    goal: float, late: int, robot: float, correction_mode: Literal["absolute", "relative"]
) -> None:
    """The state integrates actions; the teacher slows down near its goal, and the robot has a constant action."""

    def wanted(place: float) -> np.ndarray:
        return np.clip([0.3 * (goal - place)], -1.0, 1.0)

    assume(abs(wanted(0.0)[0] - robot) > 1e-3)  # wrong from the start, so it corrects at every tick
    settings = OracleSettings(delay_steps=late, foresight=True, threshold=0.0, persist_steps=1000)
    oracle = Oracle(settings, execute=1, relative_step=2.0, behind=late)
    oracle.begin(0)
    place, plan = 0.0, np.array([[robot]])
    for step in range(60):
        coming = oracle.actions_until_executed(plan, correction_mode)
        assert coming.shape == (late, 1)
        then = wanted(place + float(coming.sum()))
        answer = oracle.decide(step, 0, wanted(place), plan[0], correction_mode, foreseen=then)
        action = robot
        if answer.engage:
            action = robot + 2.0 * answer.motion[0] if correction_mode == "relative" else answer.motion[0]
            assert action == pytest.approx(wanted(place)[0], abs=1e-9)
        assert answer.engage == (step >= late)
        place += action


def test_prediction_uses_the_plan_or_its_first_step_during_a_correction() -> None:
    oracle = Oracle(OracleSettings(threshold=0.5), execute=1, relative_step=2.0, behind=3)
    oracle.begin(0)
    plan = np.array([[0.1, 0.0], [0.2, 0.0]])
    np.testing.assert_allclose(oracle.actions_until_executed(plan, "relative"), [[0.1, 0.0], [0.2, 0.0], [0.2, 0.0]])
    assert not oracle.decide(0, 0, plan[0], plan[0], "relative").engage
    assert oracle.decide(1, 0, np.array([0.9, 0.0]), plan[0], "relative").motion == pytest.approx((0.4, 0.0))
    # two of three motions are decided; before the first, the robot's plan is used
    np.testing.assert_allclose(oracle.actions_until_executed(plan, "relative"), [[0.1, 0.0], [0.1, 0.0], [0.9, 0.0]])
    oracle.begin(1)
    np.testing.assert_allclose(oracle.actions_until_executed(plan, "relative"), [[0.1, 0.0], [0.2, 0.0], [0.2, 0.0]])


def test_the_device_corrects_for_the_future_state_and_engages_on_the_present_error() -> None:
    asked: list[np.ndarray] = []

    def foresee(observation: np.ndarray, actions: np.ndarray) -> np.ndarray:
        asked.append(actions)
        return np.array([0.0, 1.0])

    channel = TeacherChannel()
    settings = OracleSettings(foresight=True, persist=False)
    oracle = Oracle(settings, execute=4, axes=("x", "y"), behind=2)
    device = ScriptedDevice(FunctionTeacher(lambda seen: seen[:2]), oracle, channel, foresee)
    device.start()
    try:
        plan = np.zeros((4, 2), np.float32)
        for tick, wanted in enumerate([(1.0, 0.0), (0.0, 0.0)]):
            channel.show(TeacherView(tick, 0, tick, np.array([*wanted, 0.0], np.float32), plan, 0))
            assert channel.wait_answer(tick, 5.0)
            sample = device.latest()
            assert channel.wanted(tick) == wanted
            assert (sample.engage, sample.motion) == ((True, (0.0, 1.0)) if tick == 0 else (False, (0.0, 0.0)))
    finally:
        device.close()
    np.testing.assert_allclose(asked[1], [[0.0, 0.0], [0.0, 1.0]])


def test_foresight_needs_a_model() -> None:
    with pytest.raises(ValueError, match=r"oracle\.foresight"), rig(foresight=True):
        pass


def test_with_a_policy_filter_it_sees_the_filtered_action() -> None:
    """It corrects from the filtered action, not from that of the newest plan."""
    part, plan = np.array([0.4, 0.0], np.float32), np.array([-0.6, 0.0], np.float32)
    with rig(threshold=0.0) as oracle:
        answer = oracle.answer(0, np.array([0.2, 0.5]), robot=plan, correction_mode="relative", part=part, share=0.2)
        # the filtered action is 0.4 + 0.2 (-0.6 - 0.4) = 0.2; a full push adds 2
        np.testing.assert_allclose(answer.motion, [0.0, 0.25], atol=1e-6)
        answer = oracle.answer(1, np.array([0.2, 0.5]), robot=plan, correction_mode="relative")
        np.testing.assert_allclose(answer.motion, [0.4, 0.25], atol=1e-6)
