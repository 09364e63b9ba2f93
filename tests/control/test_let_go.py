"""What is held when the robot takes over drives and teaches nothing until it was released, at every device."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from hands import NAMES, Hand, InStep, hand_at
from loop_bench import Bench

from hitl_clic.control.gate import GateSettings
from hitl_clic.devices.core.let_go import LetGo
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.types.records import TickRecord

MODES = ("hold", "touch", "toggle")
LONG = 8
"""Ticks of an episode."""


def bench(hand: Hand, mode: str, *deeds: tuple[int, Callable[[], None]], **more: object) -> Bench:
    """A loop whose device is read in step. A touch lasts for one tick here."""
    settings = GateSettings(mode=mode, release_s=0.0)  # type: ignore[arg-type]
    device = InStep(hand, *deeds)
    made = Bench(device=device, gate=settings, longest=LONG, **more)  # type: ignore[arg-type]
    made.hand = device  # type: ignore[assignment]  # its readings count the commands
    return made


def states(made: Bench, episode: int) -> str:
    return "".join(record.state[0] for record in made.of(TickRecord) if record.episode == episode)


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_what_is_held_at_the_end_of_an_episode_neither_drives_nor_teaches_the_next(name: str, mode: str) -> None:
    with hand_at(name) as hand:
        made = bench(hand, mode, (3, hand.push), (LONG + 4, hand.release), (LONG + 6, hand.push))
        made.run(2)
        assert states(made, 0) == "aaaccccc"
        assert states(made, 1) == "aaaaaacc"
        assert {pair.tick for pair in made.sent} == {3, 4, 5, 6, 7, LONG + 6, LONG + 7}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_a_release_in_the_last_tick_is_enough(name: str, mode: str) -> None:
    with hand_at(name) as hand:
        made = bench(hand, mode, (3, hand.push), (LONG, hand.release), (LONG + 1, hand.push))
        made.run(2)
        assert states(made, 1) == "accccccc"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("command", ["reset", "reset_keep", "failure", "success"])
def test_a_command_that_ends_the_episode_asks_too(name: str, mode: str, command: str) -> None:
    with hand_at(name) as hand:
        made = bench(hand, mode, (2, hand.push), (8, hand.release), (9, hand.push), commands={5: [command]})
        made.run(2)
        assert states(made, 0) == "aaccc"
        assert states(made, 1) == "aaaccccc", "reading 5 was the command's"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stands", [("pause", "pause"), ("pause", "resume"), ("stop", "clear_stop", "resume")])
def test_after_a_pause_or_a_stop_the_hand_lets_go_first(name: str, mode: str, stands: tuple[str, ...]) -> None:
    commands = {4: [stands[0]], **{6 + index: [command] for index, command in enumerate(stands[1:])}}
    last = max(commands)
    with hand_at(name) as hand:
        made = bench(hand, mode, (2, hand.push), (last + 2, hand.release), (last + 3, hand.push), commands=commands)
        made.run(1)
        assert states(made, 0) == "aacc" + "aaa" + "c"


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_a_discarded_correction_ends(name: str, mode: str) -> None:
    with hand_at(name) as hand:
        made = bench(hand, mode, (2, hand.push), (6, hand.release), (7, hand.push), commands={4: ["discard"]})
        made.run(1)
        assert states(made, 0) == "aaccaaac"
        assert {pair.tick for pair in made.sent if pair.id not in made.withdrawn} == {7}


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_a_device_or_a_window_that_is_back_finds_the_hand_still_on_it(name: str, mode: str) -> None:
    with hand_at(name) as hand:
        deeds = ((2, hand.push), (3, hand.lose), (4, hand.find), (6, hand.release), (7, hand.push))
        made = bench(hand, mode, *deeds)
        made.run(1)
        assert states(made, 0) == "aacaaaac"
        assert made.events == ["device_lost", "device_back"]


@pytest.mark.parametrize("name", NAMES)
def test_the_first_episode_begins_with_the_robot_too(name: str) -> None:
    with hand_at(name) as hand:
        made = bench(hand, "hold", (0, hand.push), (4, hand.release), (5, hand.push))
        made.run(1)
        assert states(made, 0) == "aaaaaccc"


@pytest.mark.parametrize("name", NAMES)
def test_the_window_says_it_in_a_few_words(name: str) -> None:
    with hand_at(name) as hand:
        made = bench(hand, "hold", (3, hand.push), (LONG + 4, hand.release))
        notes: list[str] = []
        made.listener = lambda record: notes.append(made.loop.arbitration.hand_note())
        made.run(2)
        assert notes.count("let go") > 2
        assert notes[-1] == ""


def test_a_gripper_that_stays_closed_is_no_held_control() -> None:
    closed = DeviceSample(0, (0.0, 1.0), lasting=(False, True))
    hand = LetGo(asks=True)
    hand.ask()
    hand.update(closed, 0.05)
    assert not hand.needed


def test_a_script_has_no_hand() -> None:
    hand = LetGo(asks=False)
    hand.ask()
    hand.update(DeviceSample(0, (1.0,), engage=True), 0.05)
    assert not hand.needed
