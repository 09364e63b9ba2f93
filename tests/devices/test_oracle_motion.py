"""The motion of the scripted teacher: the axes it covers, its noise, and its relative corrections."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from oracle_rig import rig

from hitl_clic.devices.teacher import noise
from hitl_clic.devices.teacher.oracle import Oracle, OracleSettings

ARM = ("x", "y", "z", "roll", "pitch", "gripper")


@pytest.mark.parametrize("correction_mode", ["absolute", "relative"])
def test_partial_covers_the_group_with_the_largest_error_and_ungrouped_axes(correction_mode: str) -> None:
    oracle = Oracle(OracleSettings(partial=("x,y,z", "roll, pitch")), execute=1, axes=ARM)
    oracle.begin(0)
    robot = np.array([0.1, 0.1, 0.1, 0.2, 0.2, 0.0])
    place = oracle.decide(0, 0, robot + np.array([0.3, 0.3, 0.3, 0.5, 0.0, 0.0]), robot, correction_mode)  # type: ignore[arg-type]
    turn = oracle.decide(1, 0, robot + np.array([0.3, 0.3, 0.3, 0.0, 0.6, 0.8]), robot, correction_mode)  # type: ignore[arg-type]
    assert place.teaches == (True, True, True, False, False, True)
    assert turn.teaches == (False, False, False, True, True, True)
    if correction_mode == "relative":
        assert place.motion == pytest.approx([0.15] * 3 + [0, 0, 0])
        assert turn.motion == pytest.approx([0, 0, 0, 0, 0.3, 0.4]), "a push along what it is about"
    else:
        assert place.motion == pytest.approx([0.4, 0.4, 0.4, 0.2, 0.2, 0.0])
        assert turn.motion == pytest.approx([0.1, 0.1, 0.1, 0.2, 0.8, 0.8])


@settings(deadline=None)
@given(st.integers(0, 1000))
def test_noise_stays_out_of_uncovered_axes(seed: int) -> None:
    settings = OracleSettings(
        seed=seed, threshold=0.0, direction_noise_deg=40.0, gaussian_noise=True, partial=("x", "y", "z")
    )
    oracle = Oracle(settings, execute=1, axes=("x", "y", "z"))
    oracle.begin(0)
    robot, wanted = np.random.default_rng(seed).uniform(-1, 1, (2, 3))
    answer = oracle.decide(0, 0, wanted, robot, "absolute")
    assert answer.teaches is not None
    assert list(answer.teaches) == [axis == np.abs(wanted - robot).argmax() for axis in range(3)]
    left_alone = ~np.array(answer.teaches)
    assert np.array_equal(np.array(answer.motion)[left_alone], robot[left_alone])
    assert answer.motion[int(np.argmin(left_alone))] != wanted[int(np.argmin(left_alone))]


@pytest.mark.parametrize(
    ("partial", "words"), [(("x,grip",), "'grip'; allowed here: x, y"), (("x", "x,y"), "'x' twice"), (("",), "''")]
)
def test_partial_refuses_axes_by_name(partial: tuple[str, ...], words: str) -> None:
    with pytest.raises(ValueError, match=rf"oracle\.partial names the axis .*{words}"):
        Oracle(OracleSettings(partial=partial), execute=1, axes=("x", "y"))


def test_the_sample_names_the_covered_axes() -> None:
    with rig(partial=("x", "y"), persist=False) as r:
        sample = r.answer(0, np.array([0.3, -0.6]))
        idle = r.answer(1, np.array([0.0, 0.0]))
    assert sample.teaches == (False, True)
    assert sample.motion == pytest.approx((0.0, -0.6))
    assert idle.teaches is None


vectors = st.lists(st.floats(-1, 1), min_size=2, max_size=8).map(np.array).filter(lambda d: np.linalg.norm(d) > 1e-3)


@settings(deadline=None)
@given(vectors, st.floats(0, 180), st.integers(0, 100))
def test_rotation_keeps_the_length(d: np.ndarray, degrees: float, seed: int) -> None:
    turned = noise.rotate(d, degrees, np.random.default_rng(seed))
    length = np.linalg.norm(d)
    assert np.linalg.norm(turned) == pytest.approx(length)
    assert turned @ d / length**2 == pytest.approx(np.cos(np.deg2rad(degrees)), abs=1e-6)


def test_scaling_and_gaussian_noise_have_the_stated_size() -> None:
    generator = np.random.default_rng(0)
    d = np.array([0.6, 0.8])
    sizes = [np.linalg.norm(noise.scale(d, 0.5, generator)) for _ in range(2000)]
    assert 0.001 <= min(sizes) <= max(sizes) <= 0.5
    assert np.mean(sizes) == pytest.approx(0.25, abs=0.02)
    for correction_mode, deviation in (("absolute", 0.04), ("relative", 0.5)):
        shaken = np.array([noise.add_gaussian(d, correction_mode, generator) - d for _ in range(4000)])  # type: ignore[arg-type]
        assert shaken.std() == pytest.approx(deviation, rel=0.05)


@settings(deadline=None)
@given(st.integers(0, 1000), st.sampled_from(["absolute", "relative"]))
def test_noisy_motion_stays_in_bounds(seed: int, correction_mode: str) -> None:
    settings = OracleSettings(
        seed=seed, threshold=0.0, direction_noise_deg=90.0, magnitude_noise=5.0, gaussian_noise=True
    )
    oracle = Oracle(settings, execute=1)
    oracle.begin(0)
    motion, *_ = oracle.decide(0, 0, np.array([1.0, -1.0, 0.9]), np.array([-1.0, 1.0, 0.0]), correction_mode)  # type: ignore[arg-type]
    assert np.max(np.abs(motion)) <= 1.0


@given(
    wanted=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    robot=st.tuples(st.floats(-1, 1), st.floats(-1, 1)),
    reach=st.floats(0.1, 2.0),
)
def test_a_relative_push_points_at_the_wanted_action_and_reaches_it_if_possible(
    wanted: tuple[float, float], robot: tuple[float, float], reach: float
) -> None:
    oracle = Oracle(OracleSettings(threshold=0.0), 1, relative_step=reach)
    oracle.begin(0)
    away = np.array(wanted) - robot
    pushed = reach * np.array(oracle.decide(0, 0, np.array(wanted), np.array(robot), "relative").motion)
    share = min(1.0, reach / max(1e-12, float(np.abs(away).max())))
    assert pushed == pytest.approx(share * away, abs=1e-9)
