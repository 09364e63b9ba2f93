"""The scripted teachers: contract checks and success rates."""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np
import pytest
from shared_tasks import shared_task

from hitl_clic.tasks import make_task, make_teacher, task_names
from hitl_clic.tasks.contract import check_teacher
from hitl_clic.tasks.contract_time import check_teacher_time
from hitl_clic.tasks.line.teacher import LineFollowingTeacher
from hitl_clic.tasks.pusht.contacts import (
    CENTRE,
    INERTIA_OVER_MASS,
    POSITION_TOLERANCE,
    TURN_FIRST_ANGLE,
    needed_contacts,
)
from hitl_clic.tasks.pusht.paths import CLEARANCE, CORNERS, MARGIN, inside, nearest_free, shortest_paths
from hitl_clic.tasks.pusht.push_t import PushT
from hitl_clic.tasks.pusht.state import GOAL, PushTState, agent_gap, decode, features, outline_in_scene
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher


def episode(task: Task, teacher: Teacher, seed: int) -> tuple[bool, int]:
    observation, _ = task.reset(seed=seed)
    teacher.reset()
    for step in range(1, task.max_steps + 1):
        observation, _, terminated, truncated, info = task.step(teacher.action(observation))
        if terminated or truncated:
            return info["success"], step
    raise AssertionError("the task did not truncate")


@pytest.mark.parametrize("name", task_names())
def test_contract(name: str) -> None:
    check_teacher(lambda: make_teacher(name), lambda: shared_task(name))


@pytest.mark.realtime
@pytest.mark.parametrize("name", task_names())
def test_teacher_time(name: str) -> None:
    check_teacher_time(make_teacher(name), make_task(name), slowest_ms=2.0 if name == "hammer" else 20.0)


def test_push_t_teacher_solves_unseen_starts() -> None:
    task, teacher = make_task("push_t"), make_teacher("push_t")
    results = [episode(task, teacher, seed) for seed in range(1000, 1020)]
    assert sum(success for success, _ in results) >= 19


def test_push_t_teacher_recovers_from_disturbances() -> None:
    task, teacher = make_task("push_t"), make_teacher("push_t")
    rng, solved = np.random.default_rng(0), 0
    for seed in range(8):
        observation, _ = task.reset(seed=seed)
        for step in range(task.max_steps):
            hand = rng.uniform(-1, 1, 2).astype(np.float32) if step % 50 < 10 else teacher.action(observation)
            observation, _, terminated, truncated, info = task.step(hand)
            if terminated or truncated:
                break
        solved += info["success"]
    assert solved >= 7


@pytest.mark.parametrize("line", ["random", "fixed"])
def test_line_teacher_solves_every_start(line: str) -> None:
    task = make_task("line_following", line=line)
    assert all(episode(task, LineFollowingTeacher(), seed)[0] for seed in range(5))


def test_line_teacher_returns_to_the_line_and_reaches_the_end() -> None:
    teacher = LineFollowingTeacher()
    off = teacher.action(np.array([-2.0, 0.2, -3.0, 0.0, 0.67], np.float32))
    assert off[0] > 0 > off[1]
    past = teacher.action(np.array([0.5, 0.0, -3.0, 0.0, 0.0], np.float32))
    np.testing.assert_allclose(past, [-0.5, 0.0], atol=1e-6)
    assert not teacher.action(np.zeros(5, np.float32)).any()
    np.testing.assert_allclose(np.hypot(*off), 0.5, rtol=1e-5)


def test_push_model_matches_the_physics() -> None:
    """Away from the walls the block turns by arm * distance / (inertia / mass)."""
    task, teacher = PushT(), make_teacher("push_t")
    turned, predicted = [], []
    for seed in range(4):
        observation, _ = task.reset(seed=seed)
        terminated = truncated = False
        while not (terminated or truncated):
            before = decode(observation)
            observation, _, terminated, truncated, _ = task.step(teacher.action(observation))
            after = decode(observation)
            start, stop = (
                np.array([s.block_x - sin(s.angle) * CENTRE[1], s.block_y + cos(s.angle) * CENTRE[1]])
                for s in (before, after)
            )
            distance = float(np.hypot(*(stop - start)))
            outline = outline_in_scene(after.block_x, after.block_y, after.angle)
            if distance < 0.5 or max(abs(v - 256.0) for corner in outline for v in corner) > 240.0:
                continue
            x, y = (stop - start) / distance
            agent = np.array([before.agent_x + after.agent_x, before.agent_y + after.agent_y]) / 2
            lever = agent - (start + stop) / 2
            predicted.append((lever[0] * y - lever[1] * x) * distance / INERTIA_OVER_MASS)
            turned.append(np.remainder(after.angle - before.angle + pi, 2 * pi) - pi)
    assert len(turned) > 80
    assert np.ptp(turned) > 0.03
    assert np.abs(np.array(turned) - predicted).max() < 0.002


def test_contacts_move_and_turn_the_t_towards_the_goal() -> None:
    (above,), turning = needed_contacts(0.0, 60.0, 0.0)
    assert (above.x, above.y, above.nx, above.ny, above.cost) == (0.0, 0.0, 0.0, 1.0, 0.0)
    assert not turning
    rng = np.random.default_rng(0)
    for _ in range(500):
        right, down, turn = rng.uniform(-200, 200), rng.uniform(-200, 200), rng.uniform(-0.6, 0.6)
        options = needed_contacts(right, down, turn)
        far = max(abs(right), abs(down)) > POSITION_TOLERANCE
        assert options.turning == (abs(turn) > TURN_FIRST_ANGLE or not far)
        for c in options.contacts:
            arm = (c.x - CENTRE[0]) * c.ny - (c.y - CENTRE[1]) * c.nx
            if options.turning:
                assert arm * turn > 0
                assert c.cost == pytest.approx(-(c.nx * right + c.ny * down))
            else:
                assert c.nx * right + c.ny * down > POSITION_TOLERANCE
                # A contact without cost turns the T correctly, except for the pixel between stem and centre.
                assert c.cost > 2.0 or arm * turn >= -abs(turn)


def test_there_is_a_contact_even_at_the_goal() -> None:
    for options in (needed_contacts(0.0, 0.0, 0.0), needed_contacts(1.0, -1.0, -0.2)):
        assert options.turning
        assert options.contacts


def _observation(agent: tuple[float, float], block: tuple[float, float, float]) -> np.ndarray:
    now = features(PushTState(*agent, *block))
    return np.concatenate([now, now])


def test_push_t_teacher_pushes_at_a_contact_and_moves_around_the_t() -> None:
    teacher, angle = make_teacher("push_t"), GOAL[2]
    down = np.array([-sin(angle), cos(angle)])
    block = np.array(GOAL[:2]) - 60.0 * down
    touching, behind = block - 16.0 * down, block + 160.0 * down
    pushing = teacher.action(_observation((touching[0], touching[1]), (block[0], block[1], angle)))
    np.testing.assert_allclose(pushing, down, atol=1e-5)
    going = teacher.action(_observation((behind[0], behind[1]), (block[0], block[1], angle)))
    assert 0.2 < float(going @ -down) < 0.999  # towards the bar's top, but not through the stem


def test_push_t_teacher_accepts_any_state() -> None:
    """Anywhere in the scene, inside the T, with the T across a wall, and for impossible numbers."""
    teacher, rng = make_teacher("push_t"), np.random.default_rng(0)
    for k in range(600):
        block = rng.uniform([-80, -80, 0], [592, 592, 2 * pi])
        agent = block[:2] + rng.uniform(-50, 50, 2) if k % 2 else rng.choice([0.0, 15.0, 256.0, 497.0, 512.0], 2)
        for observation in (
            _observation((agent[0], agent[1]), (block[0], block[1], block[2])),
            rng.normal(0, 10.0 ** rng.uniform(-3, 6), 24).astype(np.float32),
        ):
            action = teacher.action(observation)
            assert action.dtype == np.float32
            assert float(np.hypot(*action)) == pytest.approx(1.0, abs=1e-5)
            np.testing.assert_array_equal(action, make_teacher("push_t").action(observation))


def test_push_t_teacher_moves_out_of_an_overlap() -> None:
    teacher = make_teacher("push_t")
    # The T needs a push at its foot, straight along the stem; the agent overlaps that side of the stem.
    down, right = np.array([-sin(GOAL[2]), cos(GOAL[2])]), np.array([cos(GOAL[2]), sin(GOAL[2])])
    block = np.array(GOAL[:2]) + 60.0 * down
    for side in (-1.0, 1.0):
        agent = block + 80.0 * down + side * 24.0 * right
        action = teacher.action(_observation((agent[0], agent[1]), (block[0], block[1], GOAL[2])))
        assert float(action @ right) * side > 0.5
        assert float(action @ down) > 0.2


def test_paths_lead_around_the_block() -> None:
    stops = np.array([[0.0, -40.0], [0.0, 160.0], [100.0, 15.0]])
    start, everywhere = np.array([0.0, 200.0]), np.ones(len(CORNERS), np.bool_)
    lengths, towards = shortest_paths(start, stops, everywhere)
    assert lengths[0] > 240
    assert any(np.array_equal(towards[0], corner) for corner in CORNERS)
    assert lengths[1] == 40.0
    np.testing.assert_array_equal(towards[1], stops[1])
    blocked, _ = shortest_paths(start, stops, np.zeros(len(CORNERS), np.bool_))
    assert np.isinf(blocked[0])
    assert blocked[1] == 40.0
    there, _ = shortest_paths(stops[0], stops[1:], everywhere)
    back, _ = shortest_paths(stops[1], stops[:1], everywhere)
    np.testing.assert_allclose(there[0], back[0])


def test_nearest_free_point_keeps_the_margin() -> None:
    rng = np.random.default_rng(0)
    for _ in range(300):
        point = rng.uniform([-120, -60], [120, 180])
        free = nearest_free(point)
        assert not inside(free, MARGIN - 0.1)
        state = PushTState(float(free[0]), float(free[1]), 0.0, 0.0, 0.0)
        assert agent_gap(state) > CLEARANCE - 0.5
        assert np.isfinite(features(state)).all()
