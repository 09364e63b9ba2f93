"""The pairs of chunks that the loop makes of corrections."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from loop_bench import HAND, Bench, hold, near

from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import (
    CorrectionMode,
)


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
