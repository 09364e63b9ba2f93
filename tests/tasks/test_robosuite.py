"""The arm tasks and their teachers, beyond the contract checks."""

from __future__ import annotations

import subprocess
import sys
from functools import cache
from typing import Any

import msgpack
import numpy as np
import pytest

from hitl_clic.tasks import TASKS, make_task, make_teacher
from hitl_clic.tasks.robosuite.arm_teacher import HOME, downward_rotation, easiest_rotation, nearest_downward_rotation
from hitl_clic.tasks.robosuite.task import SPEEDS, RobosuiteTask
from hitl_clic.tasks.rotations import quaternion, rotation_vector
from hitl_clic.tasks.task import Array

ARMS = [name for name, entry in TASKS.items() if entry.extra == "arms"]


@cache
def task(name: str, speed: str = "fast") -> RobosuiteTask:
    """One task for all tests, because construction takes more than a second."""
    made = make_task(name, speed=speed)
    assert isinstance(made, RobosuiteTask)
    return made


def run_teacher(name: str, observation: Array, steps: int) -> tuple[bool, int]:
    """Run the teacher: success, and the number of steps."""
    teacher = make_teacher(name)
    for step in range(1, steps + 1):
        observation, _, terminated, _, _ = task(name).step(teacher.action(observation))
        if terminated:
            return True, step
    return False, steps


def robosuites(name: str) -> dict[str, Any]:
    """The present values of robosuite's sensors, without their sampling clocks."""
    suite = task(name).engine.suite
    before, found = dict(vars(suite)), {}
    suite.use_object_obs = True
    for key, observable in suite._setup_observables().items():
        found[key] = np.asarray(observable._sensor(found))
    vars(suite).update(before)
    return found


def test_observations_equal_robosuites() -> None:
    observation, _ = task("pick_can").reset(seed=3)
    for _ in range(30):
        observation, *_ = task("pick_can").step(np.array([0.5, -0.5, 0.2, 0.1, 0.3, -0.4, 1], np.float32))
    seen = robosuites("pick_can")
    np.testing.assert_allclose(observation[0:3], seen["robot0_eef_pos"], atol=1e-6)
    np.testing.assert_allclose(observation[3:6], seen["Can_pos"], atol=1e-6)
    np.testing.assert_allclose(
        np.abs(quaternion(observation[6:15].reshape(3, 3)) @ seen["robot0_eef_quat"]), 1, atol=1e-5
    )
    np.testing.assert_allclose(observation[24], seen["robot0_gripper_qpos"][0], atol=1e-6)
    np.testing.assert_allclose(observation[25], seen["robot0_gripper_qvel"][0], atol=1e-6)
    np.testing.assert_allclose(observation[26:30], seen["Can_quat"], atol=1e-6)
    np.testing.assert_allclose(observation[30:33], observation[0:3] - observation[3:6], atol=1e-6)
    np.testing.assert_allclose(observation[33:36], observation[36:39] - observation[3:6], atol=1e-6)


def test_square_rotations_lead_to_the_handle() -> None:
    observation, _ = task("square").reset(seed=1)
    hand, nut = observation[6:15].reshape(3, 3), observation[15:24].reshape(3, 3)
    handle = observation[3:6] + 0.065 * nut[:, 0]
    np.testing.assert_allclose(observation[38:41], observation[0:3] - handle, atol=1e-6)
    for offset in (observation[30:34], observation[34:38]):
        half = np.arccos(offset[3])
        axis = offset[:3] / np.sin(half)
        cross = np.cross(np.eye(3), axis)
        rotation = np.eye(3) + np.sin(2 * half) * cross + (1 - np.cos(2 * half)) * cross @ cross
        there = rotation @ hand
        np.testing.assert_allclose(there[:, 2], -nut[:, 2], atol=1e-4)
        np.testing.assert_allclose(np.abs(there[:, 1] @ nut[:, 1]), 1, atol=1e-4)


def test_each_arm_observes_its_own_handle() -> None:
    observation, _ = task("two_arm_lift").reset(seed=1)
    seen = robosuites("two_arm_lift")
    for arm in range(2):
        np.testing.assert_allclose(observation[12 * arm : 12 * arm + 3], seen[f"robot{arm}_eef_pos"], atol=1e-6)
        np.testing.assert_allclose(observation[24 + 3 * arm : 27 + 3 * arm], seen[f"handle{arm}_xpos"], atol=1e-6)
        # Each hand starts on its handle's side of the pot.
        other = observation[12 * arm : 12 * arm + 3] - observation[24 + 3 * (1 - arm) : 27 + 3 * (1 - arm)]
        assert np.linalg.norm(observation[40 + 3 * arm : 43 + 3 * arm]) < np.linalg.norm(other)
    assert len(set(task("two_arm_lift").action_frame.axes)) == 14


def test_command_frames_are_those_of_hands_and_first_camera() -> None:
    made = task("pick_can")
    made.reset(seed=2)
    assert made.axes_of("world") is None
    hand, picture = made.axes_of("gripper"), made.axes_of("camera")
    assert hand is not None
    assert picture is not None
    np.testing.assert_array_equal(hand[0], made.engine.hand(0).rotation)
    (camera,) = (camera for camera in made.cameras if camera.name == made.shown[0])
    right, _, ahead = camera.axes()
    level = np.array([-ahead[0], -ahead[1], 0.0])
    np.testing.assert_allclose(picture[0].T, [right, level / np.linalg.norm(level), [0, 0, 1]], atol=1e-3)


def test_motion_is_in_world_axes_at_the_scale_of_action_frame() -> None:
    """Also for arms with bases along y: at constant speed a hand moves by the scale each step."""
    for speed in SPEEDS:
        arms = task("two_arm_lift", speed)
        before, _ = arms.reset(seed=0)
        for step in range(12):
            if step == 4:
                before = arms.observe()
            after, *_ = arms.step(np.array([1, 0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0], np.float32))
        moved = (after[[0, 1, 2, 12, 13, 14]] - before[[0, 1, 2, 12, 13, 14]]) / 8
        expected = np.array([1, 0, 0, 0, 0, 1]) * arms.action_frame.scale[0]
        np.testing.assert_allclose(moved, expected, atol=0.25 * arms.action_frame.scale[0])


@pytest.mark.parametrize("name", ["pick_can", "two_arm_lift"])
def test_steps_equal_robosuites(name: str) -> None:
    """Equal to robosuite's step(), bit for bit."""
    task(name).reset(seed=2)
    engine, rng = task(name).engine, np.random.default_rng(0)
    start, actions = engine.state(), rng.uniform(-1, 1, (10, 7 * task(name).arms))
    ends = []
    for step in (engine.step, engine.suite.step):
        engine.set_state(start)
        for action in actions:
            step(action)
        ends.append(engine.state())
    np.testing.assert_array_equal(*ends)


def test_grasps_equal_robosuites() -> None:
    lift, teacher, grasped = task("lift"), make_teacher("lift"), []
    observation, _ = lift.reset(seed=2)
    over = False
    while not over:
        grasped.append(bool(observation[-1]))
        suite = lift.engine.suite
        assert grasped[-1] == suite._check_grasp(suite.robots[0].gripper, suite.cube)
        observation, _, over, _, _ = lift.step(teacher.action(observation))
    assert set(grasped) == {False, True}


@pytest.mark.parametrize("name", ARMS)
def test_a_snapshot_resumes_with_a_grasped_object(name: str) -> None:
    """Restored during the episode, after another one; compared with an uninterrupted run."""
    here, teacher = task(name), make_teacher(name)
    observation, _ = here.reset(seed=4)
    while not observation[-1]:
        observation, *_ = here.step(teacher.action(observation))
    snapshot, rng = here.snapshot(), np.random.default_rng(0)
    actions = rng.uniform(-1, 1, (25, here.action_space.low.size)).astype(np.float32)
    expected = [here.step(action)[0] for action in actions]
    here.reset(seed=5)
    np.testing.assert_array_equal(here.restore(snapshot), observation)
    np.testing.assert_array_equal([here.step(action)[0] for action in actions], expected)


@pytest.mark.parametrize("name", ARMS)
def test_a_snapshot_of_an_episode_start_resumes(name: str) -> None:
    """robosuite computes values during a reset that do not belong to a snapshot's instant."""
    here, rng = task(name), np.random.default_rng(1)
    actions = rng.uniform(-1, 1, (5, here.action_space.low.size)).astype(np.float32)
    here.reset(seed=9)
    snapshot = here.snapshot()
    expected = [here.step(action)[0] for action in actions]
    here.restore(snapshot)
    np.testing.assert_array_equal([here.step(action)[0] for action in actions], expected)


@pytest.mark.parametrize("name", ARMS)
def test_teacher_succeeds_on_unseen_starts(name: str) -> None:
    results = [run_teacher(name, task(name).reset(seed=seed)[0], task(name).max_steps) for seed in (1000, 1001)]
    assert all(success for success, _ in results)
    assert max(steps for _, steps in results) < 0.8 * task(name).max_steps


@pytest.mark.parametrize(("name", "steps_held"), [("lift", 0), ("pick_can", 12), ("square", 12), ("two_arm_lift", 0)])
def test_teacher_recovers_when_the_grasp_is_lost(name: str, steps_held: int) -> None:
    """After the grasp, a hand opens and is moved away."""
    here, teacher = task(name), make_teacher(name)
    observation, _ = here.reset(seed=6)
    while not observation[-1]:
        observation, *_ = here.step(teacher.action(observation))
    for _ in range(steps_held):
        observation, *_ = here.step(teacher.action(observation))
    away = np.tile([-0.3, -0.3, 0.3, 0.2, 0.2, -0.4, -1.0], here.arms).astype(np.float32)
    for _ in range(15):
        observation, *_ = here.step(away)
    assert not observation[-1]
    assert run_teacher(name, observation, here.max_steps)[0]


def test_rotations_reach_their_goal() -> None:
    rng = np.random.default_rng(0)
    for _ in range(50):
        now, goal = (np.linalg.qr(rng.normal(size=(3, 3)))[0] for _ in range(2))
        now, goal = now * np.linalg.det(now), goal * np.linalg.det(goal)
        x, y, z, w = quaternion(goal @ now.T)
        doubled = np.array(
            [
                [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
                [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
                [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
            ]
        )
        np.testing.assert_allclose(doubled @ now, goal, atol=1e-9)
    np.testing.assert_array_equal(rotation_vector(np.eye(3)), np.zeros(3))
    assert np.linalg.norm(rotation_vector(np.diag([-1.0, -1.0, 1.0]))) == pytest.approx(np.pi)


def test_hands_rotate_within_the_wrists_range() -> None:
    home = downward_rotation(HOME)
    np.testing.assert_allclose(home, np.diag([1.0, -1.0, -1.0]))
    for angle in np.linspace(-1.4, 1.4, 9):
        along = np.array(
            [np.cos(angle) * HOME[0] - np.sin(angle) * HOME[1], np.sin(angle) * HOME[0] + np.cos(angle) * HOME[1]]
        )
        np.testing.assert_allclose(nearest_downward_rotation(home, [-along]), [0, 0, angle], atol=1e-9)
    quarters = [np.array([[0.0, -s, 0.0], [s, 0.0, 0.0], [0.0, 0.0, 1.0]]) for s in (1.0, -1.0)]
    turned = quarters[0] @ home
    np.testing.assert_allclose(
        easiest_rotation(turned, quarters), [0, 0, -np.pi / 2], atol=1e-9
    )  # back instead of around


def test_a_wrist_at_its_limit_rotates_back() -> None:
    """Beyond the limit, the hand rotates back, although the other direction is shorter."""
    home = downward_rotation(HOME)
    for wound, back in ((2.9, -2.9), (-2.1, 2.1)):
        c, s = np.cos(wound), np.sin(wound)
        hand = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ home
        np.testing.assert_allclose(easiest_rotation(hand, [home @ hand.T]), [0, 0, back], atol=1e-9)
    c, s = np.cos(3.4), np.sin(3.4)
    hand = np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]]) @ home
    np.testing.assert_allclose(easiest_rotation(hand, [home @ hand.T]), [0, 0, -3.4], atol=1e-9)


def test_scenes_stay_within_the_picture() -> None:
    for name in ARMS:
        task(name).reset(seed=0)
        scene = task(name).scene()
        corners = np.array([point for shape in scene.shapes for point in shape.points])
        assert (corners >= 0).all()
        assert (corners <= np.array(scene.size)).all()
        assert {"robot", "object"} <= {shape.role for shape in scene.shapes}


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ValueError, match="'fast', 'published'"):
        make_task("lift", speed="slow")
    with pytest.raises(ValueError, match="max_steps"):
        make_task("lift", max_steps=0)


def test_a_missing_robosuite_names_the_extra() -> None:
    program = (
        "import sys; sys.modules['robosuite'] = None\n"
        "from hitl_clic.tasks import make_task, make_teacher\n"
        "make_teacher('lift')\n"
        "try: make_task('lift')\n"
        "except ValueError as error: sys.stdout.write(str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "robosuite" in done.stdout
    assert "pip install -e '.[arms]'" in done.stdout
    assert "\n" not in done.stdout


@pytest.mark.parametrize(
    "damage",
    [
        {"state": b""},
        {"state": b"1234567"},
        {"state": np.full(300, np.nan).tobytes()},
        {"step": -1},
        {"step": "now"},
        {"task": "x"},
    ],
)
def test_damaged_snapshots_are_refused(damage: dict[str, object]) -> None:
    task("lift").reset(seed=0)
    content = msgpack.unpackb(task("lift").snapshot()) | damage
    with pytest.raises(ValueError, match="not a snapshot of hitl_clic/Lift-v0"):
        task("lift").restore(msgpack.packb(content))
