"""The tasks: contract checks, and properties of each task."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Callable
from functools import partial
from itertools import cycle
from math import pi

import gymnasium
import msgpack
import numpy as np
import pytest
from shared_tasks import shared_task

from hitl_clic.tasks import TASKS, make_task, make_teacher, task_names
from hitl_clic.tasks.contract import check_new_process, check_task
from hitl_clic.tasks.contract_time import check_forecast_time
from hitl_clic.tasks.line.line_following import LineFollowing
from hitl_clic.tasks.pusht.push_t import PushT
from hitl_clic.tasks.pusht.state import PushTState, agent_gap, decode, features
from hitl_clic.tasks.task import Task

FORECAST_WITHIN = {"push_t": 2e-3, "lift": 0.05, "pick_can": 0.05, "square": 0.05, "two_arm_lift": 0.05}
"""Allowed forecast errors. Push-T lacks the contact solver's state: 1 px. The arms use coarse physics: m and parts of
rotations.
"""

FORESEEN_WITHIN = {"push_t": 0.02, "line_following": 1e-6}
"""Allowed error of `predict` for Push-T, which does not observe velocities: 10 px under random motion."""


def maker(name: str) -> Callable[[], Task]:
    """A factory of tasks. Arm tasks take a second each, so three of them are used in turn."""
    if TASKS[name].extra != "arms":
        return lambda: make_task(name)
    return partial(next, cycle([make_task(name), shared_task(name), make_task(name)]))


@pytest.mark.parametrize("name", task_names())
def test_contract(name: str) -> None:
    check_task(maker(name), forecast_within=FORECAST_WITHIN.get(name, 0.0), predict_within=FORESEEN_WITHIN.get(name))


@pytest.mark.realtime
@pytest.mark.parametrize("name", task_names())
def test_forecast_time(name: str) -> None:
    check_forecast_time(make_task(name))


@pytest.mark.parametrize("name", task_names())
def test_snapshot_continues_in_a_new_process(name: str) -> None:
    check_new_process(name)


def test_fixed_line_contract() -> None:
    check_task(lambda: LineFollowing(line="fixed"), seeds_differ=False, predict_within=1e-6)


@pytest.mark.parametrize("name", task_names())
def test_gymnasium_registration(name: str) -> None:
    env = gymnasium.make(TASKS[name].gymnasium_id, max_steps=2)
    env.reset(seed=0)
    still = np.zeros(env.action_space.shape or (), np.float32)
    assert [env.step(still)[3] for _ in range(2)] == [False, True]


def test_importing_the_package_loads_no_simulator() -> None:
    simulators = {"pymunk", "gym_pusht", "mujoco", "metaworld", "robosuite", "pygame", "torch"}
    program = f"import sys, hitl_clic.tasks; assert not {simulators} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", program], check=True, timeout=60)


def test_unknown_names_and_options_are_refused() -> None:
    with pytest.raises(ValueError, match=r"'pusht'.*push_t, line_following"):
        make_task("pusht")
    with pytest.raises(ValueError, match="push_t, line_following"):
        make_teacher("x")
    with pytest.raises(ValueError, match="lines"):
        make_task("line_following", lines=3)
    with pytest.raises(ValueError, match="'random' or 'fixed'"):
        make_task("line_following", line="curved")
    with pytest.raises(ValueError, match="max_steps"):
        make_task("push_t", max_steps=0)


def test_push_t_observation_is_the_previous_instant_and_the_present_one() -> None:
    task = PushT()
    first, _ = task.reset(seed=5)
    assert np.array_equal(first[:12], first[12:])
    second, *_ = task.step(np.array([1, 0], np.float32))
    assert np.array_equal(second[:12], first[12:])
    assert second[12] > first[12]


def test_push_t_features_by_hand() -> None:
    state = PushTState(agent_x=128.0, agent_y=384.0, block_x=192.0, block_y=320.0, angle=pi / 2)
    expected = [0.25, 0.75, 0.125, -0.125, -(0.5**0.5), 0.5**0.5, 0.375, 0.625, 0.125, -0.125, -1.0, 0.0]
    numbers = features(state)
    np.testing.assert_allclose(numbers, expected, atol=1e-6)
    back = decode(np.concatenate([numbers * 0, numbers]))
    assert (back.agent_x, back.agent_y, back.block_x, back.block_y) == (128.0, 384.0, 192.0, 320.0)
    assert np.isclose(back.angle, pi / 2, atol=1e-6)


def test_push_t_agent_moves_to_a_target_ten_pixels_ahead() -> None:
    task = PushT()
    task.reset(seed=1)
    x, y = task.scene().hand
    for _ in range(10):
        task.step(np.array([0.0, 0.5 if y < 256 else -0.5], np.float32))
    assert np.isclose(task.scene().hand[0], x)
    # One tick from rest covers 26 % of the way to its target, a steady motion 40 %: here 2 px a tick.
    assert 10 < abs(task.scene().hand[1] - y) < 20


def test_push_t_actions_are_clipped() -> None:
    one, other = PushT(), PushT()
    one.reset(seed=2)
    other.reset(seed=2)
    a = [one.step(np.array([1.0, -1.0], np.float32))[0] for _ in range(20)]
    b = [other.step(np.array([7.0, -2.0], np.float32))[0] for _ in range(20)]
    assert np.array_equal(a, b)


def test_push_t_starts_are_neither_solved_nor_in_contact() -> None:
    task, angles = PushT(), []
    for seed in range(60):
        observation, info = task.reset(seed=seed)
        state = decode(observation)
        assert not info["success"]
        assert agent_gap(state) > 0
        angles.append(state.angle % (2 * pi))
    assert np.histogram(angles, 4, (0, 2 * pi))[0].min() > 5


def test_push_t_succeeds_when_the_goal_is_covered() -> None:
    task, teacher = PushT(), make_teacher("push_t")
    observation, _ = task.reset(seed=0)
    while True:
        observation, reward, terminated, truncated, info = task.step(teacher.action(observation))
        assert terminated == info["success"] == (task.progress()["coverage"] > 0.80)
        if terminated or truncated:
            break
        assert reward < 1.0
    assert terminated
    assert reward == 1.0


def test_line_start_is_drawn_or_published() -> None:
    fixed = LineFollowing(line="fixed")
    observation, _ = fixed.reset(seed=3)
    np.testing.assert_allclose(observation, [-3.8, 0.0, -3.8, 0.0, 0.0])
    drawn = LineFollowing()
    for seed in range(50):
        observation, info = drawn.reset(seed=seed)
        assert 2.0 <= np.hypot(observation[2], observation[3]) <= 3.8
        assert np.hypot(*(observation[:2] - observation[2:4])) <= 0.081
        assert not info["success"]
        assert all(0 < v < 512 for shape in drawn.scene().shapes for point in shape.points for v in point)


def test_line_ends_off_the_line_without_success() -> None:
    task = LineFollowing(line="fixed")
    task.reset(seed=0)
    for step in range(1, 40):
        observation, _, terminated, _, info = task.step(np.array([0.0, 1.0], np.float32))
        assert np.isclose(observation[4], step / 30)
        if terminated:
            break
    assert (step, info["success"], info["off_line"]) == (31, False, True)


def test_line_succeeds_near_the_end() -> None:
    task = LineFollowing(line="fixed")
    task.reset(seed=0)
    terminated, steps = False, 0
    while not terminated:
        _, reward, terminated, _, info = task.step(np.array([1.0, 0.0], np.float32))
        steps += 1
    assert (steps, reward, info["success"]) == (366, 1.0, True)  # 380 px less the radius of 15, exclusive


@pytest.mark.parametrize(
    "content",
    [
        {"task": "hitl_clic/PushT-v0/1", "start": -1, "actions": b""},
        {"task": "hitl_clic/PushT-v0/1", "start": 1, "actions": b"123"},
        {"task": "hitl_clic/PushT-v0/1", "start": 1, "actions": np.array([[0, 5]], "<f4").tobytes()},
        {"task": "hitl_clic/PushT-v0/1", "start": 1, "actions": np.array([[0, np.nan]], "<f4").tobytes()},
        {"task": "hitl_clic/PushT-v0/1", "start": "1e", "actions": b""},
        {"task": "hitl_clic/PushT-v0/1", "actions": b""},
    ],
)
def test_push_t_refuses_damaged_snapshots(content: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a snapshot of hitl_clic/PushT-v0"):
        PushT().restore(msgpack.packb(content))


@pytest.mark.parametrize(
    "content",
    [
        {"task": "hitl_clic/LineFollowing-v0/1", "state": [0, 0, 0, 0, 1, 1], "step": 0},
        {"task": "hitl_clic/LineFollowing-v0/1", "state": [0, 0, 1, 1, float("nan"), 1], "step": 0},
        {"task": "hitl_clic/LineFollowing-v0/1", "state": [0, 0, 1, 1, 1], "step": 0},
        {"task": "hitl_clic/LineFollowing-v0/1", "state": [0, 0, 1, 1, 1, 1], "step": -1},
    ],
)
def test_line_refuses_damaged_snapshots(content: dict[str, object]) -> None:
    with pytest.raises(ValueError, match="not a snapshot of hitl_clic/LineFollowing-v0"):
        LineFollowing().restore(msgpack.packb(content))


def test_coverage_equals_gym_pushts_and_is_deterministic() -> None:
    """gym-pusht's own value differs in its last bits between simulators."""
    tasks = [make_task("push_t") for _ in range(3)]
    for task in tasks:
        task.reset(seed=11)
    teacher, covered = make_teacher("push_t"), 0
    for _ in range(150):
        action = teacher.action(tasks[0].observe())
        steps = [task.step(action) for task in tasks]
        covered += steps[0][4]["coverage"] > 0.1
        assert len({step[4]["coverage"] for step in steps}) == 1
        simulator = tasks[0].unwrapped._simulator.unwrapped
        theirs = type(simulator)._get_coverage(simulator)
        assert steps[0][4]["coverage"] == pytest.approx(theirs, abs=1e-9)
    assert covered > 20, "the goal was never covered"


def test_push_t_forecast_error_is_below_a_tenth_of_a_pixel() -> None:
    """While the teacher pushes, compares the block's four-step forecast with its motion."""
    task, teacher = PushT(), make_teacher("push_t")
    observation, _ = task.reset(seed=4)
    start, seen, actions = task.snapshot(), [observation], list[np.ndarray]()
    for _ in range(120):
        actions.append(teacher.action(seen[-1]))
        seen.append(task.step(actions[-1])[0])
    task.restore(start)
    pushed = 0
    for step in range(len(actions) - 4):
        expected, then, now = (
            decode(o) for o in (task.forecast(np.stack(actions[step : step + 4])), seen[step + 4], seen[step])
        )
        assert (expected.agent_x, expected.agent_y) == (then.agent_x, then.agent_y), "nothing pushes the agent"
        off = np.hypot(expected.block_x - then.block_x, expected.block_y - then.block_y)
        assert off < 0.1
        pushed += bool(np.hypot(now.block_x - then.block_x, now.block_y - then.block_y) > 2.0)
        task.step(actions[step])
    assert pushed > 20


def test_the_contract_names_a_missing_success(monkeypatch: pytest.MonkeyPatch) -> None:
    step = LineFollowing.step
    monkeypatch.setattr(LineFollowing, "step", lambda task, action: (*step(task, action)[:4], {}))
    with pytest.raises(AssertionError, match="info with a bool under 'success', got None"):
        check_task(LineFollowing)
