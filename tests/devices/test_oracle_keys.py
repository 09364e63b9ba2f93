"""The scripted teacher at a keyboard: which keys it presses, for how long, and how often wrong ones."""

from __future__ import annotations

from itertools import product

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from oracle_rig import rig

from hitl_clic.devices.teacher.keypress_model import KeypressModel, nearest_keys, nearest_relative_keys
from hitl_clic.devices.teacher.oracle import Answer, Oracle, OracleSettings


@given(way=st.tuples(st.floats(-1, 1), st.floats(-1, 1)).filter(lambda w: np.hypot(*w) > 1e-3))
def test_pressed_keys_are_the_nearest_of_eight_directions(way: tuple[float, float]) -> None:
    keys = nearest_keys(np.array(way))
    assert set(keys) <= {-1.0, 0.0, 1.0}
    cosine = keys @ np.array(way) / np.linalg.norm(keys) / np.linalg.norm(way)
    assert cosine >= np.cos(np.pi / 8) - 1e-9


def test_a_press_lasts_and_the_next_one_follows_the_wanted_keys() -> None:
    fingers, generator = KeypressModel(keep=3, wrong=0.0), np.random.default_rng(0)
    ways = [np.array([1.0, 0.1]), np.array([-1.0, 0.0]), np.array([0.0, 1.0]), np.array([0.6, 0.7])]
    downs = [tuple(fingers.press(step, nearest_keys(way), generator)) for step, way in enumerate(ways)]
    assert downs == [(1.0, 0.0), (1.0, 0.0), (1.0, 0.0), (1.0, 1.0)]
    fingers.release_all()
    assert tuple(fingers.press(4, np.array([0.0, -1.0]), generator)) == (0.0, -1.0)


def test_the_share_of_wrong_presses_is_the_one_asked_for() -> None:
    fingers, generator = KeypressModel(keep=1, wrong=0.2), np.random.default_rng(1)
    way = np.array([1.0, 0.0])
    wrong = np.mean([tuple(fingers.press(step, way, generator)) != (1.0, 0.0) for step in range(4000)])
    assert abs(wrong - 0.2 * 7 / 8) < 0.03  # one of eight random directions is the wanted one


@pytest.mark.parametrize("correction_mode", ["absolute", "relative"])
def test_an_oracle_with_press_steps_presses_keys(correction_mode: str) -> None:
    with rig(press_steps=2, persist_steps=6) as r:
        motions = [
            r.answer(tick, np.array([0.8, -0.1 * tick]), correction_mode=correction_mode).motion for tick in range(6)
        ]
    sharp = [tuple(np.sign(np.round(motion, 6))) for motion in motions]
    # half-way to the other end no key helps; straight ahead is no longer the nearest direction
    assert sharp == [(1.0, 0.0)] * 4 + [(1.0, -1.0) if correction_mode == "absolute" else (1.0, 0.0)] * 2
    assert all(np.linalg.norm(motion) == pytest.approx(1.0) for motion in motions[:4])


@pytest.mark.parametrize("correction_mode", ["absolute", "relative"])
def test_a_button_switches_the_gripper_whatever_keys_are_down(correction_mode: str) -> None:
    oracle = Oracle(OracleSettings(press_steps=1, threshold=0.3), execute=1, axes=("x", "y", "gripper2"))
    oracle.begin(0)
    robot = np.array([0.1, 0.1, 0.4])
    pushed = oracle.decide(0, 0, np.array([0.8, 0.1, 1.0]), robot, correction_mode)  # type: ignore[arg-type]
    assert pushed == Answer((1.0, 0.0, 1.0), True)
    content = oracle.decide(1, 0, np.array([0.1, 0.2, -1.0]), robot, correction_mode)  # type: ignore[arg-type]
    assert content.engage
    assert content.motion[2] == -1.0
    if correction_mode == "relative":
        assert content.motion[:2] == (0.0, 0.0), "only the gripper was wrong"
    assert oracle.decide(9, 0, robot, robot, correction_mode).motion == (0.0, 0.0, 0.0), (
        "the button is the robot's when it drives"
    )  # type: ignore[arg-type]


@given(
    robot=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    wanted=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    reach=st.floats(0.1, 2.0),
    speeds=st.sampled_from([(1.0,), (1.0, 0.35)]),
)
def test_relative_keys_bring_the_robot_as_near_as_possible(
    robot: tuple[float, float], wanted: tuple[float, float], reach: float, speeds: tuple[float, ...]
) -> None:
    def apart(keys: np.ndarray) -> float:
        return float(np.linalg.norm(np.clip(np.array(robot) + reach * keys, -1, 1) - wanted))

    keys = nearest_relative_keys(np.array(robot), np.array(wanted), reach, speeds)
    assert len({abs(key) for key in keys} - {0.0}) <= 1, "one speed for all"
    best = min(apart(speed * np.array(each)) for each in product((-1.0, 0.0, 1.0), repeat=2) for speed in speeds)
    assert apart(keys) == pytest.approx(best, abs=1e-6)
    assert not nearest_relative_keys(np.array(wanted), np.array(wanted), reach, speeds).any(), (
        "where it is right no key is pressed"
    )


def test_small_corrections_use_the_precise_speed() -> None:
    assert nearest_keys(np.array([0.9, 0.1]), (1.0, 0.35)).tolist() == [1.0, 0.0]
    assert nearest_keys(np.array([0.3, -0.3]), (1.0, 0.35)).tolist() == [0.35, -0.35]
    assert nearest_relative_keys(np.zeros(2), np.array([0.5, 0.1]), 1.5, (1.0, 0.35)).tolist() == [0.35, 0.0]
    oracle = Oracle(OracleSettings(press_steps=2, precise_scale=0.35, threshold=0.2), 1, ("x", "y"), relative_step=1.5)
    oracle.begin(0)
    assert oracle.decide(0, 0, np.array([0.5, 0.1]), np.zeros(2), "relative").motion == (0.35, 0.0)


def test_relative_keys_act_against_the_error_and_back_after_an_overshoot() -> None:
    oracle = Oracle(OracleSettings(press_steps=1, threshold=0.2), 1, ("x", "y"), relative_step=1.5)
    oracle.begin(0)

    def pressed_at(step: int, robot: tuple[float, float], wanted: tuple[float, float]) -> tuple[float, ...]:
        return oracle.decide(step, 0, np.array(wanted), np.array(robot), "relative").motion

    assert pressed_at(0, (0.0, 0.0), (0.8, 0.1)) == (1.0, 0.0)
    assert pressed_at(1, (0.0, 1.0), (0.8, 0.1)) == (1.0, -1.0)
    assert pressed_at(2, (1.0, 0.0), (0.1, 0.0)) == (-1.0, 0.0)
    assert pressed_at(3, (0.5, 0.0), (0.7, 0.0)) == (0.0, 0.0), "a press would go too far"


def test_with_no_key_down_a_press_begins_at_any_time() -> None:
    fingers, generator = KeypressModel(keep=3, wrong=0.0), np.random.default_rng(0)
    nothing, right = np.zeros(2), np.array([1.0, 0.0])
    downs = [
        tuple(fingers.press(step, keys, generator)) for step, keys in enumerate([nothing, right, nothing, nothing])
    ]
    assert downs == [(0.0, 0.0), (1.0, 0.0), (1.0, 0.0), (1.0, 0.0)]
    assert tuple(fingers.press(4, nothing, generator)) == (0.0, 0.0)


def test_a_wrong_gripper_does_not_prevent_corrections_of_an_overshoot() -> None:
    oracle = Oracle(OracleSettings(press_steps=1, threshold=0.2), execute=1, axes=("x", "y", "gripper"))
    oracle.begin(0)
    wanted, robot = np.array([-0.3, 0.0, 1.0]), np.array([1.0, 0.0, -1.0])
    assert oracle.decide(0, 0, wanted, robot, "relative").motion == (-1.0, 0.0, 1.0)
