"""The loop, tick by tick: a scripted hand, a policy whose chunks tell what they were planned from, no learner."""

from __future__ import annotations

import itertools
import math
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
from loop_bench import HAND, Bench, Hand, Restless, TellTale, Track, hold

from hitl_clic.control.clock import Clock
from hitl_clic.control.gate import CorrectionOptions
from hitl_clic.control.help_request import HelpRequest, HelpSettings
from hitl_clic.control.overlap import OverlapName
from hitl_clic.control.planner import LoopError
from hitl_clic.control.schedule import Schedule
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.teacher.channel import TeacherView
from hitl_clic.evaluation import Execution, run_episode
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.messages import ChunkPair, Weights
from hitl_clic.types.records import (
    Array,
    CorrectionMode,
    EpisodeRecord,
    EventRecord,
    Plan,
    Proposal,
    SnapshotRecord,
    SwapRecord,
)
from hitl_clic.types.view import LoopView


def near(action: Array, *expected: float) -> bool:
    return bool(np.allclose(action, expected, atol=1e-6))


def test_a_stop_from_anywhere_is_felt_in_the_hand_once() -> None:
    bench = Bench(commands={3: ["stop"], 6: ["clear_stop"], 7: ["resume"], 9: ["stop"], 12: ["quit"]})
    bench.run()
    assert bench.hand.felt == 2


# ---- driving


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


def test_a_device_is_told_when_the_teacher_lets_go_but_not_of_a_gap() -> None:
    """Held at readings 2 to 6, of which 4 and 5 come too late to count."""

    def script(reading: int) -> DeviceSample:
        return DeviceSample(
            10**9 if reading in (4, 5) else 0, HAND if 2 <= reading <= 6 else (0.0, 0.0), 2 <= reading <= 6
        )

    bench = Bench(script)
    bench.run()
    assert bench.states.startswith("aaccaaca")
    assert bench.hand.let_gos == [0, 8], "at the start of an episode, and with the first reading after the last"


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


@pytest.mark.parametrize("stride", [1, 3])
def test_held_means_the_human_drives_in_that_very_tick(stride: int) -> None:
    bench = Bench(hold(3, 4, 5, 9), stride=stride)
    (result,) = bench.run()
    assert bench.states == "aaacccaaacaa"
    for record in bench.ticks:
        if record.tick in (3, 4, 5, 9):
            assert near(record.executed, *HAND)
            assert record.human_action is not None
            assert near(record.human_action, *HAND)
            assert record.taught.tolist() == [1, 1]
        else:
            assert record.human_action is None
            assert not record.taught.any()
    assert result.feedback_per_step == pytest.approx(4 / 12)


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_axes_left_alone_stay_the_robots_and_are_not_learnt(kind: CorrectionMode) -> None:
    """From the second driven tick on only sideways; the two before that in the same pair were about both axes."""
    bench = Bench(
        hold(3, 4, 5, 6, 7),
        commands={5: ["next_correction_axes"], 9: ["next_correction_axes"]},
        correction=CorrectionSettings(mode=kind, max_step=0.25, relative_step=0.5),
        choices=CorrectionOptions(groups=("everything", "sideways")),
        groups={"sideways": ("x",)},
        execute=4,
    )
    bench.run()
    ticks = bench.ticks
    assert [record.correction_axes for record in ticks] == ["everything"] * 5 + ["sideways"] * 4 + ["everything"] * 3
    switched = [event for event in bench.of(EventRecord) if event.name == "switched"]
    assert [(event.tick, event.detail["correction_axes"]) for event in switched] == [(5, "sideways"), (9, "everything")]
    for record in ticks[3:8]:
        assert record.human_action is not None
        assert record.taught.tolist() == ([1, 1] if record.tick < 5 else [1, 0])
        if record.tick >= 5:
            assert record.human_action[1] == record.robot_action[1]
            pushed = HAND[0] if kind == "absolute" else record.robot_action[0] + 0.5 * HAND[0]
            assert record.human_action[0] == pytest.approx(pushed)
    jump = np.abs(ticks[5].executed - ticks[4].executed)
    assert np.all(jump <= 0.25 + 1e-6), "the robot takes its axis back in bounded steps"
    pairs = {pair.tick: pair for pair in bench.sent}
    assert pairs[3].mask.tolist() == [[1, 1], [1, 1], [1, 0], [1, 0]]
    assert np.allclose(
        pairs[3].human[2:, 1], pairs[3].robot[2:, 1] if kind == "relative" else ticks[5].robot_action[1], atol=0.02
    )
    assert pairs[5].mask[0].tolist() == [1, 0]


@pytest.mark.parametrize("stride", [1, 2, 3, 5])
@pytest.mark.parametrize(
    ("overlap", "lead"), [("sync", 0), ("async", 1), ("prefix_conditioned", 2), ("future_state", 2)]
)
def test_after_release_nothing_stale_is_executed(stride: int, overlap: OverlapName, lead: int) -> None:
    """The chunk in flight belongs to a scene that the human has changed; only plans from the release on may run."""
    bench = Bench(hold(3, 4, 5, 6), horizon=8, execute=6, stride=stride, lead=lead, overlap=overlap)
    bench.run()
    after = [record for record in bench.ticks if record.tick >= 7]
    for record in after:
        assert record.plan_tick >= 7 or (record.plan_tick == -1 and not record.executed.any())
    assert all(record.plan_tick >= 7 for record in after[1:]), "and it stands still for one tick at most"
    if stride == 1:
        assert after[0].plan_tick == 7, "asked every tick, the plan is there at once"


@pytest.mark.parametrize("how", ["pause", "stop"])
@pytest.mark.parametrize("stride", [1, 4])
def test_nor_after_a_pause_in_a_correction(stride: int, how: str) -> None:
    on = {"pause": ["pause"], "stop": ["stop"]}[how]
    off = {"pause": ["resume"], "stop": ["clear_stop", "resume"]}[how]
    bench = Bench(hold(2, 3, 4), commands={5: on, 8: off}, horizon=8, execute=6, stride=stride)
    bench.run()
    assert bench.states.startswith("aaccca")
    for record in bench.ticks[5:]:
        assert record.plan_tick >= 5 or not record.executed.any()
    assert bench.ticks[6].plan_tick >= 5


def test_hand_over_is_limited_but_what_is_learnt_is_not() -> None:
    bench = Bench(hold(4, 5, 6, 7), correction=CorrectionSettings(max_step=0.3))
    bench.run()
    before = bench.ticks[3].executed
    for record in bench.ticks[4:8]:
        assert np.abs(record.executed - before).max() <= 0.3 + 1e-6
        assert record.human_action is not None
        assert near(record.human_action, *HAND)
        before = record.executed
    assert near(bench.ticks[6].executed, *HAND), "caught up: 0.3, 0.6, 0.75"
    assert near(bench.sent[0].human[0], *HAND)


def test_a_robot_that_is_pushed_changes_its_mind_slowly() -> None:
    def bench(policy_filter_s: float) -> Bench:
        correction = CorrectionSettings(mode="relative", relative_step=0.2, policy_filter_s=policy_filter_s)
        return Bench(hold(*range(3, 9)), correction=correction, policy=Restless(4))

    for policy_filter_s in (0.0, 0.5):
        run = bench(policy_filter_s)
        run.run()
        push, part = 0.2 * np.array(HAND), run.ticks[3].robot_action
        for record in run.ticks[3:9]:
            part = (
                part + -np.expm1(-0.1 / policy_filter_s) * (record.robot_action - part)
                if policy_filter_s
                else record.robot_action
            )
            assert record.human_action is not None
            assert np.allclose(record.human_action, np.clip(part + push, -1, 1), atol=1e-6)
        assert all(np.array_equal(record.executed, record.robot_action) for record in run.ticks[9:])
        for pair in run.sent:
            assert np.array_equal(pair.robot[0], run.ticks[pair.tick].robot_action), "what it would have done by itself"
        seen = run.teacher.view()
        assert seen is not None
        assert seen.part is None, "not pushed any more"


def test_lost_input_gives_the_robot_the_wheel_and_is_said() -> None:
    def script(reading: int) -> DeviceSample:
        sample = hold(*range(2, 9))(reading)
        return replace(sample, connected=False) if 4 <= reading < 7 else sample

    bench = Bench(script)
    bench.run()
    assert bench.states == "aaccaaaaaaaa", "what is held when it is back was pressed before"
    assert bench.events == ["device_lost", "device_back"]
    assert [record.connected for record in bench.ticks[3:8]] == [True, False, False, False, True]


# ---- pairs


def test_both_chunks_are_of_the_same_state() -> None:
    bench = Bench(hold(2, 3, 4, 9))
    bench.run()
    assert bench.policy is not None
    assert [pair.tick for pair in bench.sent] == [2, 3, 4, 9]
    assert [pair.id for pair in bench.sent] == [0, 1, 2, 3]
    for pair in bench.sent:
        record = bench.ticks[pair.tick]
        assert np.array_equal(pair.state, record.observation)
        assert np.array_equal(pair.robot, bench.policy.made[pair.state.tobytes()]), "planned from that very state"
        assert near(pair.robot[0], *record.robot_action)
        assert near(pair.human[0], *HAND)
    assert bench.of(ChunkPair) == bench.sent, "what is sent is what is recorded"


def test_a_late_teacher_answers_what_it_had_seen() -> None:
    """Not from before the episode, and after a pause not from before it: the scene had stood still by then."""
    held = hold(1, 2, 6, 8, 9, 10, 11, 12)
    bench = Bench(held, commands={8: ["pause"], 10: ["resume"]}, reaction=3, longest=9)
    bench.run(2)
    ticks = bench.ticks
    assert [record.stimulus_tick for record in ticks[:9]] == [0, 0, 0, 0, 1, 2, 3, 4, 8], "it stood still before tick 8"
    assert ticks[9].episode == 1
    assert [record.stimulus_tick for record in ticks[9:14]] == [9, 9, 9, 9, 10]
    assert [pair.tick for pair in bench.sent][:3] == [1, 2, 6]
    for pair in bench.sent:
        seen = ticks[ticks[pair.tick].stimulus_tick]
        assert np.array_equal(pair.state, seen.observation)
        assert near(pair.robot[0], *seen.robot_action)


def test_a_correction_in_mid_chunk_begins_with_the_rest_of_the_chunk() -> None:
    bench = Bench(hold(3), horizon=4, execute=4)
    bench.run()
    (pair,) = bench.sent
    assert pair.tick == 3
    assert near(pair.robot[0], 0.0, 0.03), "what the robot would have done at this tick"
    assert near(pair.robot[-1], 0.0, 0.03), "its last step held"


@pytest.mark.parametrize("stride", [2, 3])
def test_a_stride_asks_less_often(stride: int) -> None:
    bench = Bench(hold(*range(2, 11)), stride=stride)
    bench.run()
    ticks = [pair.tick for pair in bench.sent]
    assert ticks[0] == 2
    assert 9 // stride <= len(ticks) <= 9 // stride + 2
    assert all(b - a >= stride or a == 2 for a, b in itertools.pairwise(ticks))
    assert bench.policy is not None
    for pair in bench.sent[1:]:
        assert np.array_equal(pair.robot, bench.policy.made[pair.state.tobytes()])


def test_relative_corrections() -> None:
    """The motion goes on top of the robot's; holding the control without one teaches nothing."""

    def script(reading: int) -> DeviceSample:
        return hold(2, 3, motion=(0.0, -0.4))(reading) if reading < 6 else hold(6, 7, motion=(0.0, 0.0))(reading)

    bench = Bench(script, commands={1: ["toggle_correction_mode"]}, correction=CorrectionSettings(relative_step=0.2))
    (result,) = bench.run()
    assert bench.states == "aaccaaccaaaa"
    for tick in (2, 3):
        record = bench.ticks[tick]
        assert near(record.executed, float(record.robot_action[0]), float(record.robot_action[1]) - 0.2 * 0.4)
    assert [(pair.tick, pair.correction_mode) for pair in bench.sent] == [(2, "relative"), (3, "relative")]
    assert bench.ticks[6].human_action is None
    assert near(bench.ticks[6].executed, *bench.ticks[6].robot_action)
    assert result.feedback_per_step == pytest.approx(4 / 12)


def test_pairs_open_at_the_end_are_finished_and_sent() -> None:
    bench = Bench(hold(10, 11), padding="hindsight")
    bench.run()
    assert [pair.tick for pair in bench.sent] == [10, 11]


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


# ---- discard


def test_discard_withdraws_what_was_sent() -> None:
    bench = Bench(hold(1, 2, 6, 7), commands={10: ["discard"]})
    bench.run()
    assert [pair.tick for pair in bench.sent] == [1, 2, 6, 7]
    assert sorted(bench.withdrawn) == [2, 3], "the last correction, not the one before"
    (event,) = bench.of(EventRecord)
    assert (event.name, dict(event.detail)) == ("discard", {"pairs": 2, "first": 2, "last": 3})


def test_discard_twice_takes_the_one_before_too_and_then_nothing() -> None:
    bench = Bench(hold(1, 2, 6, 7), commands={9: ["discard"], 10: ["discard"], 11: ["discard"]})
    bench.run()
    assert sorted(bench.withdrawn) == [0, 1, 2, 3]
    assert [event.detail["pairs"] for event in bench.of(EventRecord)] == [2, 2, 0]


def test_discard_in_the_grace_time_sends_nothing() -> None:
    bench = Bench(hold(1, 2, 6, 7), commands={10: ["discard"]}, undo_s=60.0)
    bench.run()
    assert bench.sent == []
    assert bench.withdrawn == []
    bench.loop.flush()
    assert [pair.tick for pair in bench.sent] == [1, 2], "the rest goes out when the session ends"


def test_discard_of_pairs_still_open() -> None:
    bench = Bench(hold(2, 3, 4), commands={4: ["discard"]}, padding="hindsight", horizon=8)
    bench.run()
    assert bench.states == "aacc" + "a" * 8, "and the hand lets go before it drives again"
    assert bench.sent == []
    assert bench.withdrawn == []
    (event,) = bench.of(EventRecord)
    assert event.detail["pairs"] == 2


def test_discard_leaves_an_earlier_correction_alone_though_its_pairs_are_still_open() -> None:
    """With hindsight a pair waits for its H steps; the next correction begins meanwhile, and only that goes."""
    bench = Bench(hold(2, 5), commands={7: ["discard"]}, padding="hindsight", horizon=8)
    bench.run()
    kept = {pair.tick for pair in bench.sent} - {pair.tick for pair in bench.sent if pair.id in bench.withdrawn}
    assert kept == {2}


def test_discard_after_an_earlier_pair_was_completed_late() -> None:
    """The pair of the correction at 2 is complete at 9, after the correction at 8 began; the discard at 10 means 8."""
    bench = Bench(hold(2, 8), commands={10: ["discard"]}, padding="hindsight", horizon=8)
    bench.run()
    kept = {pair.tick for pair in bench.sent} - {pair.tick for pair in bench.sent if pair.id in bench.withdrawn}
    assert kept == {2}


def test_discard_by_kind_takes_the_right_pair() -> None:
    """A relative pair is complete at once, the absolute one before it much later: still the last correction goes."""
    bench = Bench(hold(2, 5), {4: ["toggle_correction_mode"], 11: ["discard"]}, padding="hindsight", horizon=8)
    bench.run()
    assert [(pair.tick, pair.correction_mode) for pair in bench.sent] == [(5, "relative"), (2, "absolute")]
    assert bench.withdrawn == [0]


def test_discard_while_driving_hands_back_until_the_hand_lets_go() -> None:
    bench = Bench(hold(1, 5, 6, 7, 8, 10), commands={7: ["discard"]})
    bench.run()
    assert bench.states == "acaaaccaaaca"
    assert [pair.tick for pair in bench.sent if pair.id not in bench.withdrawn] == [1, 10]


def test_a_script_that_is_discarded_drives_on() -> None:
    bench = Bench(hold(1, 5, 6, 7, 8), commands={7: ["discard"], 11: ["discard"]}, person=False)
    bench.run()
    assert bench.states == "acaaaccccaaa"
    assert [pair.tick for pair in bench.sent if pair.id not in bench.withdrawn] == [1]


# ---- standing still


def test_a_pause_stops_stepping() -> None:
    bench = Bench(commands={3: ["pause"], 9: ["resume"]})
    bench.run()
    assert bench.hand.readings == 12 + 6, "readings 3 to 8 moved nothing"
    assert [record.tick for record in bench.ticks] == list(range(12))
    assert bench.events == ["pause", "resume"]
    assert [record.plan_tick for record in bench.ticks[:6]] == [0, 0, 2, 2, 4, 4], "and cost the chunk nothing"


def test_nobody_corrects_in_a_pause() -> None:
    bench = Bench(hold(*range(4, 8)), commands={3: ["pause"], 9: ["pause"]})
    bench.run()
    assert "c" not in bench.states
    assert bench.sent == []


def test_what_is_shown_says_that_it_stands() -> None:
    shown: list[tuple[str, int]] = []

    class Spied(Slot[LoopView]):
        def publish(self, value: LoopView) -> None:
            shown.append((value.state, value.tick))
            super().publish(value)

    bench = Bench(commands={3: ["pause"], 5: ["resume"]})
    bench.loop.outlets = replace(bench.loop.outlets, view=Spied())
    bench.run()
    assert ("paused", 3) in shown
    assert shown[-1][0] == "autonomous"


@pytest.mark.parametrize("source", ["device", "command"])
def test_an_emergency_stop_wins_and_stays(source: str) -> None:
    """Held while the human drives; nothing moves from that tick on until it is cleared and then resumed."""
    script = hold(2, 3, 4, 5, 6)

    def stopping(reading: int) -> DeviceSample:
        return replace(script(reading), stop=source == "device" and reading == 4)

    commands = {8: ["resume"], 10: ["clear_stop"], 12: ["resume"]}
    if source == "command":
        commands[4] = ["stop"]
    bench = Bench(stopping, commands)
    bench.run()
    assert bench.states[:4] == "aacc"
    assert bench.ticks[4].state == "autonomous"
    assert bench.hand.readings == 12 + 8, "readings 4 to 11 moved nothing"
    assert [pair.tick for pair in bench.sent] == [2, 3], "what was taught before the stop is kept"


def test_quitting_works_while_paused() -> None:
    bench = Bench(commands={3: ["pause"], 5: ["quit"]})
    (result,) = bench.run()
    assert result is None
    assert len(bench.ticks) == 3
    assert bench.loop.quit


class Doubtful(TellTale):
    """In doubt at some steps of the episode."""

    def __init__(self, *steps: int) -> None:
        super().__init__(4)
        self.steps = steps

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        found = super().plan(observation, committed, previous)
        return replace(found, uncertainty=0.5 if round(float(observation[2])) in self.steps else 0.1)


def test_a_robot_in_doubt_stands_still_until_it_is_helped() -> None:
    bench = Bench(hold(9, 10), policy=Doubtful(4), help=HelpSettings(threshold=0.3, wait=True))
    bench.run()
    assert bench.states == "aaaacc" + "a" * 6
    assert bench.hand.readings == 12 + 5, "readings 4 to 8 moved nothing"
    assert bench.events == ["asks_for_help"]
    assert [pair.tick for pair in bench.sent] == [4, 5]


def test_a_robot_in_doubt_is_sent_on_by_the_pause_key_and_does_not_ask_again_at_once() -> None:
    bench = Bench(commands={7: ["pause"]}, policy=Doubtful(4, 6), help=HelpSettings(threshold=0.3, wait=True))
    bench.run()
    assert bench.states == "a" * 12
    assert bench.hand.readings == 12 + 3
    assert bench.events == ["asks_for_help", "pause"]


def test_a_doubt_left_and_come_back_is_asked_about_again() -> None:
    bench = Bench(policy=Doubtful(2, 6), help=HelpSettings(threshold=0.3))
    bench.run()
    assert bench.events == ["asks_for_help"] * 2
    assert bench.hand.readings == 12, "it was not to wait"


def test_an_emergency_stop_reaches_a_waiting_robot_and_an_ending_frees_it() -> None:
    commands = {6: ["stop"], 8: ["clear_stop"], 9: ["resume"]}
    bench = Bench(commands=commands, policy=Doubtful(4), help=HelpSettings(threshold=0.3, wait=True))
    bench.run()
    assert bench.states == "a" * 12
    assert bench.hand.readings == 12 + 5
    bench = Bench(commands={6: ["reset"]}, policy=Doubtful(4), help=HelpSettings(threshold=0.3, wait=True))
    assert bench.run(1) == [None]
    assert len(bench.ticks) == 4
    assert bench.loop.arbitration.gate.state == "waiting"
    bench.loop.arbitration.gate.begin()
    assert bench.loop.arbitration.gate.state == "autonomous"


def test_doubts_are_counted_in_a_row_and_none_is_no_doubt() -> None:
    call = HelpRequest(HelpSettings(threshold=0.3, plans=2))
    uncertainties = [0.5, 0.1, 0.5, 0.5, 0.5, math.nan, 0.5, 0.5]
    plans = [
        Plan(tick, np.zeros((1, 1), np.float32), 0.0, 1, -1, 0, 0, uncertainty=d)
        for tick, d in enumerate(uncertainties)
    ]
    assert [call.update(plan) for plan in plans] == [False, False, False, True, False, False, False, True]
    assert not call.update(plans[-1]), "the same plan once more is nothing new"
    call.begin()
    assert not call.help_request


def test_unknown_commands_are_ignored() -> None:
    bench = Bench(commands={3: ["sing"]})
    (result,) = bench.run()
    assert result.timesteps == 12
    assert bench.events == []


# ---- the others


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


@pytest.mark.parametrize("execute", [2, 3])
def test_with_a_lead_what_is_committed_is_what_is_executed(execute: int) -> None:
    """Asked for one tick ahead: the new chunk begins with the step that the old one will still do."""
    bench = Bench(horizon=4, execute=execute, lead=1, overlap="prefix_conditioned", longest=16)
    bench.run()
    assert bench.policy is not None
    later = [(obs, committed, previous) for obs, committed, previous in bench.policy.asked if len(committed)]
    assert len(later) >= 4
    for observation, committed, previous in later:
        assert committed.shape == (1, 2)
        assert previous is not None
        assert np.array_equal(previous[:1], committed)
        assert near(bench.task.executed[round(float(observation[2]))], *committed[0])


AHEAD: list[tuple[OverlapName, int]] = [
    (overlap, lead) for overlap in ("async", "prefix_conditioned", "future_state") for lead in (1, 2, 4)
]


@pytest.mark.parametrize(("overlap", "lead"), [("sync", 0), *AHEAD])
def test_whatever_the_overlap_a_chunk_runs_its_steps(overlap: OverlapName, lead: int) -> None:
    """H = 8, Ta = 4: seams at 4, 8, 12, ...; the plan that takes over there was asked for `lead` ticks before."""
    bench = Bench(horizon=8, execute=4, lead=lead, overlap=overlap, longest=20)
    bench.run()
    assert bench.policy is not None
    seams = [b.tick for a, b in itertools.pairwise(bench.ticks) if a.plan_tick != b.plan_tick]
    assert seams == [4, 8, 12, 16]
    assert [bench.ticks[seam].step_in_chunk for seam in seams[1:]] == [0 if overlap == "future_state" else lead] * 3
    assert [plan.tick for plan in bench.of(Plan)][2:] == [seam - lead for seam in seams[1:]]
    assert len(bench.policy.asked) <= 6, "nothing is planned twice"
    for seam in seams[1:]:
        asked_at = seam if overlap == "future_state" else seam - lead
        observation, committed, previous = next(
            entry for entry in bench.policy.asked if round(float(entry[0][2])) == asked_at
        )
        assert np.array_equal(observation, bench.ticks[asked_at].observation), "seen then, or forecast exactly"
        executed = np.stack(bench.task.executed[seam - lead : seam]) if lead else np.zeros((0, 2), np.float32)
        assert np.array_equal(committed, executed if overlap == "prefix_conditioned" else executed[:0])
        if overlap == "future_state":
            assert previous is None or near(previous[0], bench.ticks[seam - 1].robot_action[0], 0.04)
        elif lead:
            assert previous is not None
            assert np.array_equal(previous[:lead], executed)
        for tick in range(seam, seam + 4):
            expected = asked_at / 100, (tick - asked_at) / 100
            assert near(bench.task.executed[tick], *expected)


@pytest.mark.parametrize(("overlap", "lead"), [("sync", 0), *AHEAD])
def test_evaluation_executes_as_the_loop_does(overlap: OverlapName, lead: int) -> None:
    class Nobody(Teacher):
        def reset(self) -> None: ...

        def action(self, observation: Array) -> Array:
            return np.zeros(2, np.float32)

        def snapshot(self) -> bytes:
            return b""

        def restore(self, snapshot: bytes) -> None: ...

    bench = Bench(horizon=8, execute=4, lead=lead, overlap=overlap, longest=20)
    bench.run()
    task = Track(20)
    run_episode(TellTale(8), task, Nobody(), Execution(4, overlap, lead), 10)
    assert np.array_equal(np.stack(task.executed), np.stack(bench.task.executed))


@pytest.mark.parametrize("stride", [1, 2, 5])
@pytest.mark.parametrize(("overlap", "lead"), AHEAD)
def test_what_was_planned_ahead_is_forgotten_when_the_human_takes_over(
    overlap: OverlapName, lead: int, stride: int
) -> None:
    """Asked for before tick 3, to begin at 4, for a state that the human's tick 3 led away from."""
    bench = Bench(hold(3, 4, 5, 6), horizon=8, execute=4, lead=lead, overlap=overlap, stride=stride)
    bench.run()
    assert bench.policy is not None
    for record in bench.ticks[3:7]:
        assert record.plan_tick == 0 or record.plan_tick > 3
    assert bench.sent
    for pair in bench.sent:
        record = bench.ticks[pair.tick]
        assert near(pair.robot[0], *record.robot_action)
        if pair.tick > 3:
            assert np.array_equal(pair.robot, bench.policy.made[record.observation.tobytes()])


@pytest.mark.parametrize(("overlap", "lead"), AHEAD)
def test_nothing_planned_ahead_outlives_its_episode(overlap: OverlapName, lead: int) -> None:
    bench = Bench(commands={3: ["reset"]}, horizon=8, execute=4, lead=lead, overlap=overlap)
    bench.run(2)
    new = [record for record in bench.ticks if record.episode == 1]
    assert new[0].tick == 3
    assert [record.plan_tick for record in new[:4]] == [3] * 4
    assert new[4].plan_tick >= 3
    assert near(new[4].executed, (new[4].tick - new[4].step_in_chunk - 3) / 100, new[4].step_in_chunk / 100)


def test_a_slow_plan_made_ahead_is_not_asked_for_again() -> None:
    """It takes more than two ticks where the lead is one: each chunk begins late, at the step that belongs there."""
    begun, due = 0, math.inf

    class Slow(TellTale):
        def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
            nonlocal due
            if self.asked:
                due = begun + 2
                while begun < due and not bench.planner._closing:
                    time.sleep(0.0005)
                due = math.inf
            return super().plan(observation, committed, previous)

    class Ticks(Clock):
        def start(self) -> None: ...

        def wait(self) -> int:
            nonlocal begun
            begun += 1
            while bench.planner._request is not None or due < begun:  # it is taken up at once, and is over in time
                time.sleep(0.0005)
            return 0

        def finish(self) -> bool:
            return False

        def set_speed(self, speed: float) -> float:
            return speed

    bench = Bench(horizon=8, execute=4, lead=1, overlap="prefix_conditioned", policy=Slow(8), clock=Ticks(), longest=24)
    bench.run()
    assert bench.policy is not None
    plans = bench.of(Plan)
    assert len(plans) >= 3
    assert len(bench.policy.asked) <= len(plans) + 1
    for record in bench.ticks[1:]:
        if record.plan_tick >= 0:
            assert record.step_in_chunk == record.tick - record.plan_tick


def test_the_rest_of_the_chunk_warms_the_next_plan_but_not_across_a_correction() -> None:
    bench = Bench(hold(4, 5))
    bench.run()
    assert bench.policy is not None
    rests = {round(float(obs[2])): previous for obs, _, previous in bench.policy.asked}
    assert rests[0] is None
    assert rests[2] is not None
    assert rests[2][:, 1].tolist() == pytest.approx([0.02, 0.03])
    assert rests[5] is None
    assert rests[6] is None


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


class NoWait:
    """A clock for which every tick is due: plans come when they come."""

    def __init__(self, before_tick: Callable[[], None]) -> None:
        self.before_tick = before_tick

    def start(self) -> None:
        pass

    def wait(self) -> int:
        self.before_tick()
        return 0

    def finish(self) -> bool:
        return False

    def set_speed(self, speed: float) -> float:
        return speed


def test_without_a_plan_it_stands_still_and_a_late_plan_is_joined_in_its_middle() -> None:
    bench = Bench(horizon=6, execute=6, longest=6)

    def before_tick() -> None:
        if bench.loop.tick == 2:
            bench.planner.start()
            bench.planner.wait_idle(20)

    bench.loop.clock = NoWait(before_tick)
    try:
        bench.loop.run_episode(0, 0)
    finally:
        bench.planner.close()
    assert [record.plan_tick for record in bench.ticks[:2]] == [-1, -1]
    assert not any(a.any() for a in bench.task.executed[:2])
    assert bench.ticks[2].plan_tick in (0, 1, 2)
    for record in bench.ticks[2:]:
        assert record.step_in_chunk == record.tick - record.plan_tick


def test_a_new_episode_never_runs_a_plan_of_the_old_one() -> None:
    """A person ends an episode while the plan for the coming tick is there already; that tick now begins another."""
    bench = Bench(commands={3: ["reset"]}, horizon=4, execute=1)
    hold_back = False
    plan = TellTale.plan

    class Late(TellTale):
        def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
            while hold_back:
                time.sleep(0.001)
            return plan(self, observation, committed, previous)

    bench.planner.swap(Late(4))

    def before_tick() -> None:
        if not hold_back:
            assert bench.planner.wait_idle(20)

    bench.loop.clock = NoWait(before_tick)
    bench.planner.start()
    try:
        bench.loop.run_episode(0, 0)
        assert [r.plan_tick for r in bench.ticks] == [0, 1, 2]
        hold_back = True  # from here on no plan comes before the tick
        reads = bench.hand.readings

        def let_go_later() -> None:
            nonlocal hold_back
            if bench.hand.readings == reads + 2:
                hold_back = False
            if not hold_back:
                assert bench.planner.wait_idle(20)

        bench.loop.clock = NoWait(let_go_later)
        bench.loop.run_episode(1, 1)
    finally:
        hold_back = False
        bench.planner.close()
    new = bench.ticks[3:]
    assert new[0].plan_tick == -1, "nothing is planned yet for the new scene"
    assert not new[0].executed.any()
    for record in new[2:]:
        planned_at = record.tick - record.step_in_chunk - 3
        assert round(float(record.robot_action[0]) * 100) == planned_at


@pytest.mark.parametrize("kind", ["absolute", "relative"])
def test_what_a_correction_is_about_reaches_the_pair(kind: CorrectionMode) -> None:
    bench = Bench(hold(3, 4, teaches=(False, True)), correction=CorrectionSettings(mode=kind))
    bench.run()
    assert [pair.tick for pair in bench.sent] == [3, 4]
    for pair, steps in zip(bench.sent, (2, 1), strict=True):
        padded = [[1, 1]] if kind == "absolute" else [[0, 0]]  # the last action is held; a direction says no more
        assert pair.mask.tolist() == [[0, 1]] * steps + padded * (4 - steps)
        assert np.array_equal(pair.human[0, 0], pair.robot[0, 0]), "the robot keeps the other axis"
        assert pair.human[0, 1] != pair.robot[0, 1]


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
