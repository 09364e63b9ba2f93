"""Hammer and its teacher, beyond the contract checks."""

from __future__ import annotations

import subprocess
import sys
from functools import cache

import msgpack
import mujoco
import numpy as np
import pytest
from metaworld.envs.sawyer_hammer_v3 import SawyerHammerEnvV3

from hitl_clic.tasks import make_task, make_teacher
from hitl_clic.tasks.contract import check_teacher
from hitl_clic.tasks.metaworld.hammer import HAMMER_STARTS, HAND_STARTS, Hammer
from hitl_clic.tasks.metaworld.hammer_state import DRIVEN, HAND_SIZE, INSTANT_SIZE, NAIL, decode, rotation
from hitl_clic.tasks.metaworld.hammer_teacher import HammerTeacher
from hitl_clic.tasks.task import Array


@cache
def task(hand: str = "fixed") -> Hammer:
    """One task for all tests, because construction reads many meshes."""
    return Hammer(hand=hand)  # type: ignore[arg-type]


def run_teacher(hammer: Hammer, observation: Array, steps: int = 300) -> tuple[bool, int]:
    """Run the teacher: success, and the number of steps."""
    teacher = HammerTeacher()
    for step in range(1, steps + 1):
        observation, _, terminated, _, _ = hammer.step(teacher.action(observation))
        if terminated:
            return True, step
    return False, steps


def test_states_rewards_and_success_equal_metaworlds() -> None:
    """Compares with metaworld's step(), from the same start with the same actions."""
    ours, robosuites = task(), SawyerHammerEnvV3()
    robosuites._partially_observable, robosuites._set_task_called = False, True
    del robosuites.sawyer_observation_space  # kept from before the goal was shown
    observation, _ = ours.reset(seed=4)
    robosuites._last_rand_vec = ours._simulator._last_rand_vec
    expected, _ = robosuites.reset()
    teacher, terminated, successes = HammerTeacher(), False, 0
    while not terminated:
        np.testing.assert_array_equal(observation, np.delete(expected, range(18, 22)).astype(np.float32))
        action = teacher.action(observation)
        observation, reward, terminated, _, info = ours.step(action)
        expected, _, _, _, their_info = robosuites.step(action)
        assert info["success"] == bool(their_info["success"])
        assert reward == pytest.approx(min(1.0, max(0.0, (expected[12] - NAIL[1]) / DRIVEN)), abs=1e-6)
        successes += info["success"]
    assert successes == 1
    assert ours.progress()["nail"] == 1.0


def test_observation_holds_the_present_and_the_previous_object_poses() -> None:
    hammer = task()
    first, info = hammer.reset(seed=0)
    assert first.shape == (35,)
    assert info == {"success": False, "depth_m": 0.0}
    objects, before = slice(HAND_SIZE, INSTANT_SIZE), slice(INSTANT_SIZE, 32)
    np.testing.assert_array_equal(first[objects], first[before])
    second, *_ = hammer.step(np.array([1, 0, 0, 0], np.float32))
    np.testing.assert_array_equal(second[before], first[objects])
    assert not np.array_equal(second[objects], first[objects])
    np.testing.assert_allclose(second[32:], [0.24, 0.74, 0.11])


def test_starts_are_drawn_from_the_seed() -> None:
    hammer, hands = task(), task("random")
    places, points = [], []
    for seed in range(40):
        fixed = decode(hammer.reset(seed=seed)[0])
        drawn = decode(hands.reset(seed=seed)[0])
        np.testing.assert_allclose(fixed.hand, [0.0, 0.4, 0.2], atol=0.006)
        np.testing.assert_allclose(fixed.hammer[:2], drawn.hammer[:2], atol=1e-6)
        places.append(fixed.hammer)
        points.append(drawn.hand)
    for drawn_from, found in ((HAMMER_STARTS, places), (HAND_STARTS, points)):
        low, high = np.array(drawn_from)
        assert ((np.array(found) > low - 0.01) & (np.array(found) < high + 0.01)).all()
        assert (np.ptp(found, axis=0) >= 0.8 * np.ptp(drawn_from, axis=0)).all()


def test_the_hand_moves_a_centimetre_a_step_within_its_workspace() -> None:
    hammer = task()
    hammer.reset(seed=0)
    start = decode(hammer.observe()).hand
    for _ in range(20):
        hammer.step(np.array([-1, 0.5, 0, -1], np.float32))
    moved = decode(hammer.observe()).hand - start
    np.testing.assert_allclose(moved, [-0.2, 0.1, 0.0], atol=0.06)  # the hand lags behind the mocap target
    for _ in range(60):
        hammer.step(np.array([-1, 0, 1, -1], np.float32))
    np.testing.assert_allclose(decode(hammer.observe()).hand[[0, 2]], [-0.5, 0.5], atol=0.03)


def test_fingers_close_and_open() -> None:
    hammer = task()
    hammer.reset(seed=0)
    openings = []
    for force in (1.0, -1.0):
        for _ in range(30):
            hammer.step(np.array([0, 0, 0, force], np.float32))
        openings.append(decode(hammer.observe()).opening)
    assert openings[0] < 0.4
    assert openings[1] > 0.95


def test_wrong_options_are_refused() -> None:
    with pytest.raises(ValueError, match="'fixed' or 'random'"):
        make_task("hammer", hand="left")
    with pytest.raises(ValueError, match="max_steps"):
        make_task("hammer", max_steps=0)


def test_a_missing_metaworld_names_the_extra() -> None:
    program = (
        "import sys; sys.modules['metaworld'] = None\n"
        "from hitl_clic.tasks import make_task, make_teacher\n"
        "make_teacher('hammer')\n"
        "try: make_task('hammer')\n"
        "except ValueError as error: sys.stdout.write(str(error))\n"
    )
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60, check=True)
    assert "metaworld" in done.stdout
    assert "pip install -e '.[hammer]'" in done.stdout
    assert "\n" not in done.stdout


@pytest.mark.parametrize(
    "damage",
    [
        {"state": b""},
        {"state": b"1234567"},
        {"previous": np.zeros(13).tobytes()},
        {"previous": np.full(14, np.nan).tobytes()},
        {"step": -1},
        {"step": "now"},
        {"task": "hitl_clic/Hammer-v0/0"},
    ],
)
def test_damaged_snapshots_are_refused(damage: dict[str, object]) -> None:
    hammer = task()
    hammer.reset(seed=0)
    content = msgpack.unpackb(hammer.snapshot()) | damage
    with pytest.raises(ValueError, match="not a snapshot of hitl_clic/Hammer-v0"):
        hammer.restore(msgpack.packb(content))


def test_a_snapshot_resumes_during_a_strike() -> None:
    hammer, teacher = task(), HammerTeacher()
    observation, _ = hammer.reset(seed=2)
    while hammer.progress()["nail"] < 0.3:
        observation, *_ = hammer.step(teacher.action(observation))
    snapshot = hammer.snapshot()
    actions = np.clip(np.random.default_rng(0).normal([0, 0.5, 0, 1], 0.5, (60, 4)), -1, 1).astype(np.float32)
    ends = []
    for other in (hammer, Hammer()):
        other.restore(snapshot)
        ends.append([other.step(action)[0] for action in actions])
    np.testing.assert_array_equal(*ends)


def test_the_scene_shows_both_views() -> None:
    hammer = task()
    hammer.reset(seed=0)
    before = hammer.scene()
    for _ in range(10):
        hammer.step(np.array([0, 0, 1, 0], np.float32))
    after = hammer.scene()
    robot = [[shape for shape in scene.shapes if shape.role == "robot"] for scene in (before, after)]
    # A rising hand stays within a few millimetres in the top view, and rises by 10 cm in the front view.
    assert np.abs(np.subtract(before.hand, after.hand)).max() < 0.01
    lifts = [a.points[0][1] - b.points[0][1] for a, b in zip(*robot, strict=True)]
    assert max(map(abs, lifts[:3])) < 0.01
    assert min(lifts[3:]) > 0.05
    corners = np.array([point for shape in after.shapes for point in shape.points])
    assert (corners >= 0).all()
    assert (corners <= np.array(after.size)).all()


def test_rotation_equals_mujocos() -> None:
    rng = np.random.default_rng(0)
    for _ in range(20):
        quaternion, robosuites = rng.normal(size=4), np.empty(9)
        mujoco.mju_quat2Mat(robosuites, quaternion / np.linalg.norm(quaternion))
        np.testing.assert_allclose(rotation(quaternion).ravel(), robosuites, atol=1e-12)
    np.testing.assert_array_equal(rotation(np.zeros(4)), np.eye(3))


def test_teacher_contract() -> None:
    check_teacher(HammerTeacher, Hammer)


@pytest.mark.parametrize("hand", ["fixed", "random"])
def test_teacher_drives_the_nail_home(hand: str) -> None:
    hammer = task(hand)
    results = [run_teacher(hammer, hammer.reset(seed=seed)[0]) for seed in range(1000, 1010)]
    assert all(success for success, _ in results)
    assert max(steps for _, steps in results) < 150


@pytest.mark.parametrize(("first", "last"), [(30, 45), (50, 65)])
def test_teacher_recovers_when_the_hammer_is_dropped(first: int, last: int) -> None:
    """The hand opens during the carry and is moved away."""
    hammer, teacher, rng = task(), make_teacher("hammer"), np.random.default_rng(0)
    for seed in range(5):
        observation, _ = hammer.reset(seed=seed)
        away = [*rng.uniform(-1, 1, 2), 1, -1]
        for step in range(last):
            action = teacher.action(observation) if step < first else np.array(away, np.float32)
            observation, *_ = hammer.step(action)
        assert decode(observation).opening > 0.9
        assert run_teacher(hammer, observation, 300 - last)[0]


def test_teacher_is_continuous() -> None:
    """Along an episode, 1 mm of noise on the positions changes the motion only a little."""
    hammer, teacher, rng = task(), HammerTeacher(), np.random.default_rng(0)
    observation, _ = hammer.reset(seed=3)
    changes = []
    for _ in range(60):
        action = teacher.action(observation)
        near = observation.copy()
        near[[0, 1, 2, 4, 5, 6]] += rng.uniform(-0.001, 0.001, 6).astype(np.float32)
        changes.append(float(np.abs(teacher.action(near) - action)[:3].max()))
        observation, *_ = hammer.step(action)
    assert max(changes) < 0.25
    assert np.mean(changes) < 0.04


def test_teacher_phases() -> None:
    """Reach, close, carry and push at constructed states, by fingers and direction."""
    teacher = HammerTeacher()
    base, _ = task().reset(seed=0)
    hammer = decode(base).hammer

    def at(hand: tuple[float, float, float], opening: float, hammer: np.ndarray = hammer) -> Array:
        state = base.copy()
        state[0:3], state[3], state[4:7], state[7:11] = hand, opening, hammer, (1, 0, 0, 0)
        return teacher.action(state)

    x, y, z = hammer.tolist()
    reach = at((x, y + 0.1, z + 0.2), 1.0)
    assert reach[1] < -0.5
    assert reach[3] == -1.0
    close = at((x - 0.03, y, z + 0.022), 1.0)
    np.testing.assert_allclose(close, [0, 0, 0, 1], atol=1e-5)
    carry = at((x - 0.03, y, z + 0.022), 0.5)
    assert carry[2] > 0.3
    assert carry[3] == 1.0
    before_nail = np.array([0.08, 0.53, 0.11])
    push = at((0.05, 0.53, 0.132), 0.5, before_nail)
    np.testing.assert_allclose(push, [0, 1, 0, 1], atol=1e-5)
    beyond = at((-0.1, 0.62, 0.132), 0.5, np.array([-0.07, 0.62, 0.11]))
    assert beyond[1] < -0.5
    assert abs(beyond[0]) < 0.01
    shut_on_nothing = at((x - 0.03, y, z + 0.055), 0.3)
    assert shut_on_nothing[3] < 1.0
