"""The loop, tick by tick: its records, endings, schedules and failures; a scripted hand, no learner."""

from __future__ import annotations

import time

import numpy as np
import pytest
from loop_bench import Bench, Hand, Restless, TellTale, Track, hold

from hitl_clic.control.planner import LoopError
from hitl_clic.control.schedule import Schedule
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.teacher.channel import TeacherView
from hitl_clic.types.messages import ChunkPair, Weights
from hitl_clic.types.records import (
    Array,
    EpisodeRecord,
    Plan,
    Proposal,
    SnapshotRecord,
    SwapRecord,
)


def test_the_robot_alone_runs_its_chunks() -> None:
    """Ta = 2 of H = 4: steps 0 and 1 of a chunk planned from the newest observation, then the next."""
    bench = Bench(longest=7)
    (result,) = bench.run()
    assert [round(float(a[0]) * 100) for a in bench.task.executed] == [0, 0, 2, 2, 4, 4, 6]
    assert [record.step_in_chunk for record in bench.ticks] == [0, 1, 0, 1, 0, 1, 0]
    assert [record.plan_tick for record in bench.ticks] == [0, 0, 2, 2, 4, 4, 6]
    assert [plan.tick for plan in bench.of(Plan)] == [0, 2, 4, 6]
    assert bench.sent == []
    assert (result.timesteps, result.success, result.feedback_per_step, result.seed) == (7, False, 0.0, 10)


def test_ticks_are_recorded_as_they_were() -> None:
    bench = Bench(hold(2, 3))
    bench.run(2)
    ticks = bench.ticks
    assert [record.tick for record in ticks] == list(range(24))
    assert [record.step for record in ticks] == [*range(12)] * 2
    assert [record.episode for record in ticks] == [0] * 12 + [1] * 12
    assert all(np.array_equal(r.executed, a) for r, a in zip(ticks, bench.task.executed, strict=True))
    assert all(round(float(record.observation[2])) == record.step for record in ticks), "s_t is what was before a_t"
    assert [record.truncated for record in ticks] == ([False] * 11 + [True]) * 2
    again = Track()
    again.reset(seed=11)
    for record in ticks[12:]:
        assert np.array_equal(again.observe(), record.observation)
        again.step(record.executed)


@pytest.mark.parametrize("command", ["success", "failure", "reset_keep", "quit"])
def test_a_person_ends_the_episode(command: str) -> None:
    bench = Bench(hold(3, 4), commands={6: [command]}, padding="hindsight", horizon=6)
    first, second = bench.run(2)
    if command in ("success", "failure"):
        assert first is not None
        assert (first.timesteps, first.success) == (6, command == "success")
    else:
        assert first is None, "broken off: it counts as nothing"
    assert second is not None
    assert second.timesteps == 12
    assert bench.events == [command]
    assert bench.loop.quit == (command == "quit")
    assert [pair.tick for pair in bench.sent] == [3, 4], "cut short, not lost"
    assert all(pair.episode == 0 for pair in bench.sent)
    kinds = [type(record) for record in bench.records if isinstance(record, ChunkPair | EpisodeRecord)]
    told = [] if first is None else [EpisodeRecord]
    assert kinds == [ChunkPair, ChunkPair, *told, EpisodeRecord], "nor finished by what another episode does"
    assert [record.tick for record in bench.ticks] == list(range(18)), "no tick was stepped for the command"


def test_ending_before_the_first_tick() -> None:
    bench = Bench(commands={0: ["failure"]})
    first, second = bench.run(2)
    assert first is not None
    assert second is not None
    assert (first.timesteps, second.timesteps) == (0, 12)


def test_success_of_the_task() -> None:
    bench = Bench()
    bench.task.reached_at = 5
    first, second = bench.run(2)
    assert first is not None
    assert second is not None
    assert (first.success, first.timesteps, second.episode) == (True, 5, 1)


def test_unknown_commands_are_ignored() -> None:
    bench = Bench(commands={3: ["sing"]})
    (result,) = bench.run()
    assert result.timesteps == 12
    assert bench.events == []


def weights(version: int) -> Weights:
    return Weights("run", version, version - 1, 5 * version, 3 * version, {})


def test_new_weights_take_over_between_two_ticks() -> None:
    bench = Bench()

    class News(Schedule):
        def after_tick(self, ticks: int, pairs: list[ChunkPair]) -> None:
            if ticks == 4:
                bench.news.append((TellTale(4, version=6), weights(6)))

    bench.loop.schedule = News()
    (result,) = bench.run()
    (swap,) = bench.of(SwapRecord)
    assert (swap.tick, swap.version, swap.parent, swap.step, swap.newest_pair) == (4, 6, 5, 30, 18)
    assert [record.weight_version for record in bench.ticks] == [0] * 4 + [6] * 8
    assert result.weight_version == 6


def test_schedules_are_told_of_ticks_pairs_and_episodes() -> None:
    told: list[object] = []

    class Told(Schedule):
        def after_tick(self, ticks: int, pairs: list[ChunkPair]) -> None:
            told.append((ticks, [pair.tick for pair in pairs]))

        def after_episode(self) -> None:
            told.append("episode")

    Bench(hold(1), schedule=Told(), longest=4).run(2)
    assert told == [(1, []), (2, []), (3, [1]), (4, []), "episode", *((t, []) for t in range(5, 9)), "episode"]


def test_snapshots_at_the_beginning_and_now_and_then() -> None:
    bench = Bench(snapshot_every=5)
    bench.run(2)
    snapshots = bench.of(SnapshotRecord)
    assert [(s.episode, s.step, s.tick) for s in snapshots] == [
        (0, 0, 0),
        (0, 5, 5),
        (0, 10, 10),
        (1, 0, 12),
        (1, 3, 15),
        (1, 8, 20),
    ]
    for snapshot in snapshots:
        task = Track()
        task.restore(snapshot.task)
        assert np.array_equal(task.observe(), bench.ticks[snapshot.tick].observation)
    assert {s.seed for s in snapshots if s.episode == 1} == {11}


def test_the_teacher_sees_every_tick_with_the_robots_action() -> None:
    seen: list[TeacherView] = []
    bench = Bench(hold(4, 5))

    def wait_answer(tick: int, timeout_s: float) -> bool:
        view = bench.teacher.view()
        assert view is not None
        assert view.tick == tick
        seen.append(view)
        return True

    bench.teacher.wait_answer = wait_answer  # type: ignore[method-assign]
    bench.run()
    assert [view.tick for view in seen] == list(range(12))
    for view, record in zip(seen, bench.ticks, strict=True):
        assert view.robot_action is not None
        assert np.array_equal(view.robot_action, record.robot_action)
        assert np.array_equal(view.observation, record.observation)
        assert view.step_in_chunk == record.step_in_chunk
        assert (view.episode, view.step) == (record.episode, record.step)


def test_the_error_is_measured_where_the_teacher_has_seen_this_tick() -> None:
    class Odd(Hand):
        """Says what it wants at every second tick only."""

        def latest(self) -> DeviceSample:
            view = bench.teacher.view()
            assert view is not None
            if view.tick % 2:
                bench.teacher.publish_wanted(view.instant, (1.0, 0.0))
            return super().latest()

    bench = Bench(execute=1, device=Odd(hold()))
    (result,) = bench.run()
    expected = np.mean([np.linalg.norm(r.robot_action - [1, 0]) for r in bench.ticks if r.tick % 2])
    assert result.l2_error_per_step == pytest.approx(expected, rel=1e-5)


def test_a_planner_that_fails_ends_the_loop_in_words() -> None:
    class Broken(TellTale):
        def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
            if observation[2] == 4:
                raise ArithmeticError("no such chunk")
            return super().plan(observation, committed, previous)

    bench = Bench(policy=Broken(4))
    with pytest.raises(LoopError, match="the planner ended: no such chunk"):
        bench.run()
    assert len(bench.ticks) == 4


def test_a_teacher_that_never_answers_ends_the_loop_in_words() -> None:
    bench = Bench()
    bench.teacher.join("hand")
    bench.teacher.wait_answer = lambda tick, timeout_s: tick < 3  # type: ignore[method-assign]
    with pytest.raises(LoopError, match="hand gave no answer for tick 3 within 20 s"):
        bench.run()


def test_a_plan_that_never_comes_ends_the_loop_in_words() -> None:
    class Slow(TellTale):
        def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
            time.sleep(0.2)
            return super().plan(observation, committed, previous)

    bench = Bench(policy=Slow(4), timeout_s=0.01)
    with pytest.raises(LoopError, match="no plan for tick 0"):
        bench.run()


@pytest.mark.parametrize("stride", [1, 2, 3])
@pytest.mark.parametrize("padding", ["hold", "hindsight"])
def test_two_runs_at_max_pace_are_the_same(stride: int, padding: str) -> None:
    """Also for a policy whose every plan uses up randomness: as many plans, for the same ticks, in the same order."""
    runs = []
    for _ in range(2):
        policy = Restless(5)
        policy.rng = np.random.default_rng(4)
        held = [r for r in range(60) if r % 7 in (2, 3, 4)]
        commands = {17: ["pause"], 19: ["resume"], 30: ["discard"]}
        bench = Bench(
            hold(*held),
            commands,
            horizon=5,
            execute=3,
            stride=stride,
            padding=padding,
            longest=20,
            policy=policy,
        )
        bench.run(2)
        runs.append((bench, policy))
    (one, first), (other, second) = runs
    assert [obs.tolist() for obs, _, _ in first.asked] == [obs.tolist() for obs, _, _ in second.asked]
    assert np.array_equal(one.task.executed, other.task.executed)
    for a, b in zip(one.sent, other.sent, strict=True):
        assert (a.id, a.tick, a.correction_mode, a.weight_version) == (
            b.id,
            b.tick,
            b.correction_mode,
            b.weight_version,
        )
        for name in ("state", "robot", "human", "mask"):
            assert np.array_equal(getattr(a, name), getattr(b, name))
    assert one.withdrawn == other.withdrawn
    assert len(one.sent) > 5
