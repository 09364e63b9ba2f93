"""Evaluation: figures against hand-counted ones, on a real task with policies made up for it."""

from __future__ import annotations

import numpy as np
import pytest
from fake_session import Swirl

from benchmarks.overlap import ways
from hitl_clic.control.overlap import OverlapName
from hitl_clic.control.plan import ChunkPolicy
from hitl_clic.evaluation import Execution, Rollouts, means, run_episode
from hitl_clic.tasks.registry import TASKS, make_task, make_teacher
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.records import Array, Proposal


class Copycat:
    """Plans what the teacher would do now, H times over."""

    version, newest_pair = 0, -1

    def __init__(self, horizon: int, turn: float = 0.0) -> None:
        self.horizon, self.turn, self.previous = horizon, turn, list[object]()
        self.teacher = make_teacher("line_following")

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        self.previous.append(None if previous is None else len(previous))
        chunk = np.tile(self.teacher.action(observation), (self.horizon, 1))
        chunk[1::2] += self.turn
        return Proposal(chunk.astype(np.float32), 0.0)


def evaluate(policy: ChunkPolicy, task: Task, teacher: Teacher, execute: int, seeds: list[int]) -> Rollouts:
    return means([run_episode(policy, task, teacher, Execution(execute), seed) for seed in seeds])


def test_a_perfect_policy_has_no_error_and_reaches_the_end() -> None:
    found = evaluate(Copycat(1), make_task("line_following"), make_teacher("line_following"), 1, [5, 6])
    assert found.success_rate == 1.0
    assert found.l2_error_per_step == pytest.approx(0.0, abs=1e-6)
    assert [row.seed for row in found.episodes] == [5, 6]
    assert found.mean_timesteps == np.mean([row.timesteps for row in found.episodes])
    assert np.isnan(found.step_inside), "chunks of one step have no inside"


def test_steps_inside_chunks_and_at_seams_are_told_apart() -> None:
    found = evaluate(Copycat(4, turn=0.1), make_task("line_following"), make_teacher("line_following"), 2, [5])
    assert found.step_inside == pytest.approx(0.1 * 2**0.5, rel=1e-4), "each chunk's second step differs by 0.1 an axis"
    assert found.step_at_seam != pytest.approx(found.step_inside)
    assert found.l2_error_per_step > 0.05


def test_the_rest_of_a_chunk_is_handed_on_for_a_warm_start() -> None:
    policy = Copycat(4)
    evaluate(policy, make_task("line_following"), make_teacher("line_following"), 3, [5])
    assert policy.previous[0] is None
    assert set(policy.previous[1:]) == {1}


class Counting:
    """Chunk number n (from 0) is (n^2 / 10, i / 10) at its step i; notes what it was asked."""

    version, newest_pair = 0, -1

    def __init__(self, horizon: int) -> None:
        self.horizon, self.asked = horizon, list[tuple[Array, Array]]()

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        chunk = np.zeros((self.horizon, 2), np.float32)
        chunk[:, 0] = len(self.asked) ** 2 / 10
        chunk[:, 1] = np.arange(self.horizon) / 10
        chunk[: len(committed)] = committed
        self.asked.append((observation, committed))
        return Proposal(chunk, 0.0)


class Recording(Swirl):
    """Swirl for ever; keeps what was observed before each step."""

    def __init__(self, longest: int) -> None:
        super().__init__()
        self.longest, self.seen, self.taken = longest, list[Array](), list[Array]()

    def step(self, action: Array) -> tuple[Array, float, bool, bool, dict[str, object]]:
        self.seen.append(self.observe())
        self.taken.append(action)
        observation, reward, _, _, _ = super().step(action)
        return observation, reward, False, len(self.taken) >= self.longest, {"success": False}

    def forecast(self, actions: Array) -> Array:
        seen, taken = list(self.seen), list(self.taken)
        expected = super().forecast(actions)
        self.seen, self.taken = seen, taken
        return expected


class Still(Copycat):
    """A teacher who does nothing."""

    def __init__(self) -> None: ...

    def reset(self) -> None: ...

    def action(self, observation: Array) -> Array:
        return np.zeros(2, np.float32)


def run(overlap: OverlapName, lead: int, execute: int = 3, horizon: int = 6) -> tuple[Recording, Counting]:
    task, policy = Recording(9), Counting(horizon)
    run_episode(policy, task, Still(), Execution(execute, overlap, lead), 5)  # type: ignore[arg-type]
    return task, policy


@pytest.mark.parametrize(
    ("overlap", "lead"), [("sync", 0), ("async", 1), ("async", 3), ("prefix_conditioned", 2), ("future_state", 3)]
)
def test_the_plan_that_takes_over_was_made_as_its_overlap_says(overlap: OverlapName, lead: int) -> None:
    """H = 6, Ta = 3: chunks 0, 1 and 2 take over at 0, 3 and 6; at step 0 there is time for chunk 0 only."""
    task, policy = run(overlap, lead)
    for number, begins in ((1, 3), (2, 6)):
        observation, committed = policy.asked[number]
        asked_at = begins if overlap == "future_state" else max(1, begins - lead)
        assert np.array_equal(observation, task.seen[asked_at]), "the forecast is exact here"
        expected = task.taken[begins - lead : begins] if overlap == "prefix_conditioned" else []
        assert np.array_equal(committed, np.array(expected, np.float32).reshape(-1, 2))
        for step in range(begins, begins + 3):
            assert task.taken[step].tolist() == pytest.approx([number**2 / 10, (step - asked_at) / 10])


def test_steps_and_jerks_by_hand() -> None:
    """Two-number actions (0, 0) (0, .1) (0, .2) | (.1, 0) (.1, .1) (.1, .2) | (.4, 0) ...: sync, Ta = 3."""
    policy = Counting(3)
    found = evaluate(policy, Recording(9), Still(), 3, [5])  # type: ignore[arg-type]
    assert found.step_inside == pytest.approx(0.1)
    first, second = np.array([0.1, -0.2]), np.array([0.3, -0.2])
    assert found.step_at_seam == pytest.approx(np.mean([np.linalg.norm(s) for s in (first, second)]))
    assert found.jerk_inside == pytest.approx(0.0, abs=1e-7)
    inside = np.array([0.0, 0.1])
    jerks = [first - inside, inside - first, second - inside, inside - second]
    assert found.jerk_at_seam == pytest.approx(np.mean([np.linalg.norm(j) for j in jerks]))


@pytest.mark.parametrize(("overlap", "lead"), [("sync", 1), ("prefix_conditioned", 0)])
def test_overlap_and_lead_must_go_together(overlap: OverlapName, lead: int) -> None:
    with pytest.raises(ValueError, match=f"allowed with overlap {overlap}"):
        Execution(2, overlap, lead)


@pytest.mark.parametrize(("horizon", "execute", "lead"), [(4, 3, 2), (8, 2, 3)])
def test_chunks_that_leave_no_room_are_refused(horizon: int, execute: int, lead: int) -> None:
    with pytest.raises(ValueError, match="at most"):
        run("prefix_conditioned", lead, execute, horizon)


def test_the_benchmark_leaves_out_what_does_not_fit() -> None:
    expected = [
        ("sync", 0),
        ("async", 1),
        ("prefix_conditioned", 1),
        ("future_state", 1),
        ("async", 2),
        ("prefix_conditioned", 2),
        ("future_state", 2),
    ]
    assert list(ways(6, 4, [1, 2, 4])) == expected


def test_no_episodes_are_refused() -> None:
    with pytest.raises(ValueError, match="at least one episode"):
        means([])


class Sensitive(Counting):
    """Its chunks depend strongly on the observation, so that the smallest difference grows."""

    def __init__(self, dim_a: int) -> None:
        super().__init__(4)
        self.dim_a = dim_a

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        return Proposal(np.sin(40.0 * np.resize(observation, (self.horizon, self.dim_a))), 0.0)


@pytest.mark.parametrize("name", TASKS)
def test_an_episode_does_not_depend_on_those_before_it(name: str) -> None:
    """So that episodes can run in any process and order. The fields are compared as text, where NaN equals NaN."""
    try:
        task, fresh = make_task(name, max_steps=40), make_task(name, max_steps=40)
    except ValueError as error:
        pytest.skip(f"{name}: {error}")
    policy, teacher = Sensitive(len(task.action_frame.axes)), make_teacher(name)

    def run(task: Task, seed: int) -> str:
        return repr(run_episode(policy, task, teacher, Execution(2), seed))

    first, other, again = run(task, 3), run(task, 2), run(task, 3)
    assert first == again == run(fresh, 3)
    assert first.partition(",")[2] != other.partition(",")[2]
    task.close()
    fresh.close()
