"""From motion to the human's action, and the hand-over between drivers."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.typing import NDArray

from hitl_clic.correction.mapping import HandOver, bind, blend, human_action
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.tasks.frames import camera_axes

unit = st.floats(-1, 1, width=32)
pairs = st.tuples(unit, unit)
STEP = 0.2


def test_bind_matches_by_name_not_by_place() -> None:
    binding = bind(("z", "y", "x"), ("x", "gripper", "y"))
    robot = np.array([0.1, 0.2, 0.3], np.float32)
    action, taught, *_ = human_action(robot, (0.9, 0.8, 0.7), "absolute", STEP, binding)
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
    action, taught, *_ = human_action(robot, motion, "absolute", STEP)
    assert action.tolist() == list(motion)
    assert taught.tolist() == [1, 1]


@given(st.tuples(st.floats(-0.7, 0.7), st.floats(-0.7, 0.7)), pairs)
def test_relative_is_e_times_the_motion_on_top_of_the_robots(
    robot: tuple[float, float], motion: tuple[float, float]
) -> None:
    action, taught, *_ = human_action(robot, motion, "relative", STEP)
    moved = action.astype(np.float64) - np.asarray(robot)
    if np.linalg.norm(motion) == 0.0:
        assert np.allclose(moved, 0, atol=1e-6)
        assert taught.tolist() == [0, 0]
    else:
        assert np.allclose(moved, 0.2 * np.asarray(motion), atol=1e-6)
        assert taught.tolist() == [1, 1]


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_a_partial_correction_keeps_the_robots_value_elsewhere(kind: str) -> None:
    """`teaches` goes by the device's axes; the action's are in another order, and one has no motion at all."""
    binding = bind(("z", "y", "x"), ("x", "gripper", "y", "z"))
    robot = np.array([0.1, 0.2, 0.3, 0.4], np.float32)
    action, taught, *_ = human_action(robot, (0.9, 0.6, 0.8), kind, STEP, binding, (False, True, True))  # type: ignore[arg-type]
    assert taught.tolist() == [1, 0, 1, 0]
    expected = [0.8, 0.2, 0.6, 0.4] if kind == "absolute" else [0.1 + 0.16, 0.2, 0.3 + 0.12, 0.4]
    assert np.allclose(action, expected)
    nothing, taught, *_ = human_action(robot, (0.9, 0.6, 0.8), kind, STEP, binding, (False,) * 3)  # type: ignore[arg-type]
    assert np.array_equal(nothing, robot)
    assert not taught.any()


def test_relative_stays_in_bounds_and_leaves_uncontrolled_axes() -> None:
    binding = bind(("y",), ("x", "y"))
    action, taught, *_ = human_action([0.5, 0.95], (0.3,), "relative", STEP, binding)
    assert action.tolist() == [0.5, 1.0]
    assert taught.tolist() == [0, 1]


def test_lengths_that_do_not_fit_are_refused() -> None:
    with pytest.raises(ValueError, match="do not fit"):
        human_action([0.0, 0.0, 0.0], (1.0, 1.0), "absolute", STEP)


def test_the_robots_action_is_not_written_to() -> None:
    robot = np.zeros(2, np.float32)
    human_action(robot, (1.0, 1.0), "absolute", STEP)
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
    free = HandOver(max_step=CorrectionSettings().max_step, dim=1)
    free.step("robot", [1.0])
    assert free.step("human", [-1.0]).tolist() == [-1.0]


# ---- axes read absolutely among relative ones

ARM = ("x", "y", "z", "rx", "ry", "rz", "gripper")
ROBOT = np.full(7, 0.1, np.float32)


def test_a_gripper_is_obeyed_while_others_are_pushed_and_taught_when_none_is() -> None:
    binding = bind(ARM, ARM, ("gripper",))
    teaches = (True, True, True, False, False, False, True)
    pushing = human_action(ROBOT, (0, 0.5, 0, 0, 0, 0, -1), "relative", STEP, binding, teaches)
    assert np.allclose(pushing.action, [0.1, 0.2, 0.1, 0.1, 0.1, 0.1, -1])
    assert (pushing.taught.tolist(), pushing.correction_mode) == ([1, 1, 1, 0, 0, 0, 0], "relative")
    resting = human_action(ROBOT, (0, 0, 0, 0, 0, 0, -1), "relative", STEP, binding, teaches)
    assert np.allclose(resting.action, [*ROBOT[:6], -1])
    assert (resting.taught.tolist(), resting.correction_mode) == ([0, 0, 0, 0, 0, 0, 1], "absolute")
    absolute = human_action(ROBOT, (0, 0, 0, 0, 0, 0, -1), "absolute", STEP, binding, teaches)
    assert (absolute.taught.tolist(), absolute.correction_mode) == ([1, 1, 1, 0, 0, 0, 1], "absolute")


def test_of_moving_and_turning_a_relative_correction_is_about_what_is_pushed() -> None:
    lesson = human_action(ROBOT, (0, 0, 0, 0, 0, 0.2, 0), "relative", STEP, bind(ARM, ARM, ("gripper",)), [1] * 6 + [0])
    assert lesson.taught.tolist() == [0, 0, 0, 1, 1, 1, 0]
    assert np.allclose(lesson.action, [0.1, 0.1, 0.1, 0.1, 0.1, 0.14, 0.1])


def test_absolute_axes_are_those_of_every_arm() -> None:
    axes = (*ARM, *(axis + "2" for axis in ARM))
    assert bind(axes, axes, ("gripper", "rz")).absolute == (5, 6, 12, 13)


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_a_chosen_group_is_all_that_a_correction_is_about(kind: str) -> None:
    """Height of the world, also when the hand leans: what the motion would do to other axes is left out."""
    binding = bind(ARM, ARM, ("gripper",), {"height": ("z",), "gripper": ("gripper",)})
    leaning = rotation(1, 60.0)[None]
    motion = (0.5, 0.0, 0.0, 0.3, 0.0, 0.0, -1.0)

    def lesson(group: str):  # type: ignore[no-untyped-def]
        return human_action(ROBOT, motion, kind, STEP, binding, None, leaning, binding.groups[group])  # type: ignore[arg-type]

    height = lesson("height")
    assert height.taught.tolist() == [0, 0, 1, 0, 0, 0, 0]
    down = -0.5 * np.sin(np.deg2rad(60.0))
    z = down if kind == "absolute" else 0.1 + STEP * down
    assert np.allclose(height.action, [0.1, 0.1, z, 0.1, 0.1, 0.1, 0.1])
    grip = lesson("gripper")
    assert (grip.taught.tolist(), grip.correction_mode) == ([0, 0, 0, 0, 0, 0, 1], "absolute")
    assert np.allclose(grip.action, [*ROBOT[:6], -1.0])


# ---- frames


def rotation(axis: int, degrees: float) -> NDArray[np.float64]:
    """About x, y or z, written out."""
    c, s = np.cos(np.deg2rad(degrees)), np.sin(np.deg2rad(degrees))
    return np.array(
        [[[1, 0, 0], [0, c, -s], [0, s, c]], [[c, 0, s], [0, 1, 0], [-s, 0, c]], [[c, -s, 0], [s, c, 0], [0, 0, 1]]][
            axis
        ]
    )


vectors = st.tuples(*[st.floats(-1, 1).map(lambda value: round(value, 3))] * 3)


@given(vectors, vectors, st.floats(-180, 180), st.floats(-180, 180), st.floats(-180, 180))
def test_a_grippers_axes_turn_motion_into_the_worlds(
    move: tuple[float, ...], turn: tuple[float, ...], roll: float, pitch: float, yaw: float
) -> None:
    """Against rotations composed here: both moving and turning are vectors, kept in length as far as 1 allows."""
    hand = rotation(2, yaw) @ rotation(1, pitch) @ rotation(0, roll)
    lesson = human_action(np.zeros(7), (*move, *turn, 0.0), "absolute", STEP, bind(ARM, ARM), axes=hand[None])
    for part, given_ in ((lesson.action[:3], move), (lesson.action[3:6], turn)):
        world = rotation(2, yaw) @ (rotation(1, pitch) @ (rotation(0, roll) @ np.array(given_)))
        assert np.allclose(part, world / max(1.0, np.abs(world).max()), atol=1e-6)
    assert np.all(np.abs(lesson.action) <= 1.0)


@pytest.mark.parametrize("azimuth", [0.0, 37.0, 90.0, 180.0, -90.0])
def test_a_pictures_axes_lead_where_they_point_on_the_screen(azimuth: float) -> None:
    """A camera at a distance, built from its own rotations: motion along x goes right in its picture, and so on."""
    looks = rotation(2, azimuth) @ np.array([1.0, 0.0, 0.0])
    right = rotation(2, azimuth) @ np.array([0.0, -1.0, 0.0])
    x, y, z = camera_axes(azimuth).T
    assert np.allclose(x, right)
    assert np.allclose(y, -looks)
    assert np.allclose(z, [0, 0, 1])
    assert np.allclose(right, np.cross(looks, z))


@pytest.mark.parametrize("azimuth", [0.0, 37.0, 90.0, 180.0, -90.0])
def test_leaning_goes_the_way_of_the_picture(azimuth: float) -> None:
    """Whatever the view: a rod that stands up leans to the right under +ry, and away from the viewer under +rx."""
    axes = camera_axes(azimuth)
    for turn, towards in (((0, 1, 0), axes[:, 0]), ((1, 0, 0), -axes[:, 1])):
        binding = bind(ARM, ARM, left_handed=True)
        lesson = human_action(np.zeros(7), (0, 0, 0, *turn, 0), "absolute", STEP, binding, axes=axes[None])
        top = np.cross(lesson.action[3:6], [0, 0, 1])  # how the rod's upper end moves
        assert np.allclose(top, towards, atol=1e-6)


def test_each_arm_has_its_own_axes_and_untaught_motions_stay_the_robots() -> None:
    axes = (*ARM, *(axis + "2" for axis in ARM))
    robot = np.full(14, 0.3, np.float32)
    frames = np.stack([np.eye(3), rotation(2, 90.0)])
    teaches = [axis in ("x2", "y2", "z2") for axis in axes]
    motion = [1.0 if axis in ("x", "x2") else 0.0 for axis in axes]
    lesson = human_action(robot, motion, "absolute", STEP, bind(axes, axes), teaches, frames)
    assert lesson.action[7:10] == pytest.approx([0, 1, 0], abs=1e-6)
    assert np.array_equal(np.delete(lesson.action, [7, 8, 9]), np.delete(robot, [7, 8, 9]))
    assert lesson.taught.tolist() == [0] * 7 + [1, 1, 1] + [0] * 4


def test_two_axes_of_a_level_view_teach_the_two_they_move() -> None:
    """A device without z, in a view that looks along -x."""
    lesson = human_action(ROBOT, (1.0, 0.0), "absolute", STEP, bind(("x", "y"), ARM), axes=camera_axes(180.0)[None])
    assert np.allclose(lesson.action, [0, 1, 0.1, 0.1, 0.1, 0.1, 0.1], atol=1e-6)
    assert lesson.taught.tolist() == [1, 1, 0, 0, 0, 0, 0]
