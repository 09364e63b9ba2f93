"""Who drives in a tick of the loop, what the robot then does, and what the device is told."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from loop_bench import HAND, Bench, Restless, hold, near

from hitl_clic.control.gate import CorrectionOptions
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.types.records import (
    CorrectionMode,
    EventRecord,
)


def test_a_stop_from_anywhere_is_felt_in_the_hand_once() -> None:
    bench = Bench(commands={3: ["stop"], 6: ["clear_stop"], 7: ["resume"], 9: ["stop"], 12: ["quit"]})
    bench.run()
    assert bench.hand.felt == 2


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
