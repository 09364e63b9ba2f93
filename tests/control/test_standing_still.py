"""When the loop stands still: a pause, an emergency stop, and a robot that asks for help."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
from loop_bench import Bench, TellTale, hold

from hitl_clic.control.help_request import HelpRequest, HelpSettings
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.core.slot import Slot
from hitl_clic.types.records import (
    Array,
    Plan,
    Proposal,
)
from hitl_clic.types.view import LoopView


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
