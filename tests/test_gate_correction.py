"""From motion to the human's action, and the hand-over between drivers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl_clic.control.correction import HandOver, bind, blend, human_action
from hitl_clic.control.gate import GateSettings

unit = st.floats(-1, 1, width=32)
pairs = st.tuples(unit, unit)
SETTINGS = GateSettings(relative_step=0.2)


def test_bind_matches_by_name_not_by_place() -> None:
    binding = bind(("z", "y", "x"), ("x", "gripper", "y"))
    robot = np.array([0.1, 0.2, 0.3], np.float32)
    action, taught, _ = human_action(robot, (0.9, 0.8, 0.7), "absolute", SETTINGS, binding)
    assert np.allclose(action, [0.7, 0.2, 0.8])
    assert taught.tolist() == [1, 0, 1]
    assert action.dtype == taught.dtype == np.float32


def test_bind_refuses_in_words() -> None:
    with pytest.raises(ValueError, match=r"\(rx, ry\).*\(x, y\)"):
        bind(("rx", "ry"), ("x", "y"))
    with pytest.raises(ValueError, match="repeat"):
        bind(("x", "x"), ("x", "y"))


@given(pairs, pairs)
def test_absolute_is_the_motion(robot: tuple[float, float], motion: tuple[float, float]) -> None:
    action, taught, _ = human_action(robot, motion, "absolute", SETTINGS)
    assert action.tolist() == list(motion)
    assert taught.tolist() == [1, 1]


@given(st.tuples(st.floats(-0.7, 0.7), st.floats(-0.7, 0.7)), pairs)
def test_relative_is_a_step_of_length_e_along_the_motion(
    robot: tuple[float, float], motion: tuple[float, float]
) -> None:
    action, taught, _ = human_action(robot, motion, "relative", SETTINGS)
    moved = action.astype(np.float64) - np.asarray(robot)
    if np.linalg.norm(motion) == 0.0:
        assert np.allclose(moved, 0, atol=1e-6)
        assert taught.tolist() == [0, 0]
    else:
        assert np.linalg.norm(moved) == pytest.approx(0.2, abs=1e-5)
        assert moved @ motion == pytest.approx(0.2 * np.linalg.norm(motion), abs=1e-5)
        assert taught.tolist() == [1, 1]


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_a_partial_correction_keeps_the_robots_value_elsewhere(kind: str) -> None:
    """`teaches` goes by the device's axes; the action's are in another order, and one has no motion at all."""
    binding = bind(("z", "y", "x"), ("x", "gripper", "y", "z"))
    robot = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    action, taught, _ = human_action(robot, (0.9, 0.6, 0.8), kind, SETTINGS, binding, (False, True, True))  # type: ignore[arg-type]
    assert taught.tolist() == [1, 0, 1, 0]
    expected = [0.8, 0.2, 0.6, 0.4] if kind == "absolute" else [0.1 + 0.16, 0.2, 0.3 + 0.12, 0.4]
    assert np.allclose(action, expected), "a relative step has its length over what it is about"
    nothing, taught, _ = human_action(robot, (0.9, 0.6, 0.8), kind, SETTINGS, binding, (False,) * 3)  # type: ignore[arg-type]
    assert np.array_equal(nothing, robot)
    assert not taught.any()


def test_relative_stays_in_bounds_and_leaves_uncontrolled_axes() -> None:
    binding = bind(("y",), ("x", "y"))
    action, taught, _ = human_action([0.5, 0.95], (0.3,), "relative", SETTINGS, binding)
    assert action.tolist() == [0.5, 1.0]
    assert taught.tolist() == [0, 1]


def test_lengths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        human_action([0.0, 0.0, 0.0], (1.0, 1.0), "absolute", SETTINGS)


def test_the_robots_action_is_not_written_to() -> None:
    robot = np.zeros(2, np.float32)
    human_action(robot, (1.0, 1.0), "absolute", SETTINGS)
    assert not robot.any()


@given(pairs, pairs, st.floats(0.01, 2.0))
def test_blend_is_bounded_and_exact_when_near(
    before: tuple[float, float], wanted: tuple[float, float], limit: float
) -> None:
    action = blend(before, wanted, limit)
    assert np.all(np.abs(action - np.asarray(before, np.float32)) <= limit + 1e-6)
    if np.max(np.abs(np.subtract(wanted, before))) < limit - 1e-6:
        assert np.allclose(action, wanted, atol=1e-7)


def test_hand_over_is_limited_until_it_has_caught_up_and_free_afterwards() -> None:
    hand_over = HandOver(max_step=0.5, dim=1)
    assert hand_over.step("robot", [0.4]) == pytest.approx(0.4)
    jumps = [float(hand_over.step("human", [-1.0])[0]) for _ in range(4)]
    assert jumps == pytest.approx([-0.1, -0.6, -1.0, -1.0])
    assert hand_over.step("human", [1.0]) == pytest.approx(1.0), "the same driver may jump"
    assert hand_over.step("robot", [0.0]) == pytest.approx(0.5), "and back"


def test_stopping_is_never_smoothed_and_the_default_changes_nothing() -> None:
    hand_over = HandOver(max_step=0.1, dim=2)
    for _ in range(30):
        hand_over.step("human", [1.0, 1.0])
    assert hand_over.step("nobody", [1.0, 1.0]).tolist() == [0.0, 0.0]
    free = HandOver(max_step=GateSettings().max_step, dim=1)
    free.step("robot", [1.0])
    assert free.step("human", [-1.0]).tolist() == [-1.0]
