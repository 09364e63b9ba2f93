"""A correction teaches from its first push on; a control of its own teaches standing still. At every device."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hands import NAMES, Hand, InStep, hand_at
from loop_bench import Bench

from hitl_clic.control.arbitration import Arbitration, Decision
from hitl_clic.control.exploration import Exploration, ExplorationSettings
from hitl_clic.control.gate import Gate, GateSettings
from hitl_clic.control.help_request import HelpRequest
from hitl_clic.correction.first_push import FirstPush
from hitl_clic.correction.mapping import HandOver, bind, human_action
from hitl_clic.correction.policy_filter import PolicyFilter
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.mapping.shaping import load_profile

ARM = ("x", "y", "z", "rx", "ry", "rz", "gripper")
TWO = (*ARM, *(f"{axis}2" for axis in ARM))
ROBOT = 0.5
"""What the robot would do on every axis."""
MODES = ("hold", "toggle")


def taught_ticks(made: Bench) -> list[int]:
    return [record.tick for record in made.ticks if record.human_action is not None]


def bench(hand: Hand, *deeds: tuple[int, Callable[[], None]], mode: str = "hold", **more: object) -> Bench:
    device = InStep(hand, *deeds)
    made = Bench(device=device, gate=GateSettings(mode=mode, release_s=0.0), longest=10, **more)  # type: ignore[arg-type]
    made.hand = device  # type: ignore[assignment]
    return made


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("name", NAMES)
def test_holding_alone_stops_the_robot_and_teaches_nothing(name: str, mode: str) -> None:
    with hand_at(name) as hand:
        made = bench(hand, (2, hand.hold), mode=mode)
        made.run()
        assert made.states == "aa" + "c" * 8
        assert not np.any([record.executed for record in made.ticks[2:]])
        assert taught_ticks(made) == []
        assert made.sent == []
        assert made.loop.arbitration.hand_note() == "push"


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("stride", [1, 4])
def test_after_the_first_push_standing_still_teaches(name: str, stride: int) -> None:
    """No pair lies across the first push: the first begins at its tick, whatever plan is in use."""

    def rest(hand: Hand) -> Callable[[], None]:
        """Stop pushing, but go on holding."""
        return {
            "keyboard": lambda: hand.up("d"),
            "mouse": lambda: hand.say("motion", "", (0.5, 0.5)),  # type: ignore[attr-defined]
            "spacemouse": lambda: setattr(hand, "raw", (0,) * 6),
            "gamepad": lambda: hand.pad.axis(0, 0.0),  # type: ignore[attr-defined]
        }[name]

    with hand_at(name) as hand:
        made = bench(hand, (2, hand.hold), (5, hand.push), (7, rest(hand)), (9, hand.release), stride=stride)
        made.run()
        assert made.states == "aaccccccca"
        assert taught_ticks(made) == [5, 6, 7, 8]
        first = made.sent[0]
        assert first.tick == 5
        assert all(pair.tick >= 5 for pair in made.sent)
        assert np.array_equal(first.human[:2, 0], [1.0, 1.0])
        still = made.ticks[8]
        assert still.human_action is not None
        assert not still.human_action.any()
        assert made.loop.arbitration.hand_note() == ""


@pytest.mark.parametrize("name", NAMES)
def test_in_relative_mode_only_a_push_teaches(name: str) -> None:
    relative = CorrectionSettings(mode="relative")
    with hand_at(name) as hand:
        made = bench(hand, (2, hand.hold), (5, hand.push), (6, hand.release), stride=4, correction=relative)
        made.run()
        assert taught_ticks(made) == [5]
        assert [pair.tick for pair in made.sent] == [5], "though no new plan came at this tick"


STILL = {"keyboard": "right ctrl", "mouse": "right ctrl", "gamepad": "left", "spacemouse": "1"}


@pytest.mark.parametrize("correction", ["absolute", "relative"])
@pytest.mark.parametrize("name", NAMES)
def test_a_control_teaches_standing_still(name: str, correction: str) -> None:
    profile = load_profile(name)
    if name == "spacemouse":
        profile = profile.model_copy(update={"buttons": profile.buttons | {"1": "teach still"}})
    settings = CorrectionSettings(mode=correction)  # type: ignore[arg-type]
    with hand_at(name, profile) as hand:
        control = STILL[name]
        made = bench(hand, (3, lambda: hand.down(control)), (6, lambda: hand.up(control)), correction=settings)
        notes: list[str] = []
        made.listener = lambda record: notes.append(made.loop.arbitration.hand_note())
        made.run()
        assert made.states == "aaacccaaaa", "it engages by itself"
        assert taught_ticks(made) == [3, 4, 5]
        assert not np.any([record.human_action for record in made.ticks[3:6]])
        assert not np.any([record.executed for record in made.ticks[3:6]])
        assert {(pair.tick, pair.correction_mode) for pair in made.sent} == {(tick, "absolute") for tick in (3, 4, 5)}
        assert "still" in notes


def test_standing_still_on_purpose_beats_a_push() -> None:
    with hand_at("keyboard") as hand:
        made = bench(hand, (2, hand.push), (4, lambda: hand.down("right ctrl")), (6, lambda: hand.up("right ctrl")))
        made.run()
        moved = [bool(record.human_action is not None and record.human_action.any()) for record in made.ticks]
        assert moved == [False, False, True, True, False, False, True, True, True, True]


class Wheel:
    """Gate and arbitration over a device that the test reads, for tasks with one or two arms."""

    def __init__(self, device: Device, axes: tuple[str, ...], **gate: object) -> None:
        self.device, dim = device, len(axes)
        self.arbitration = Arbitration(
            device=device,
            gate=Gate(GateSettings(**gate), CorrectionSettings(), person=device.person),  # type: ignore[arg-type]
            binding=bind(device.axes, axes, ("gripper",)),
            hand_over=HandOver(None, dim),
            policy_filter=PolicyFilter(0.0, 10.0),
            exploration=Exploration(ExplorationSettings(), 0, dim),
            help=HelpRequest(),
            first_push=FirstPush(device.person),
        )
        self.axes = axes

    def tick(self) -> Decision:
        sample = self.device.latest()
        output = self.arbitration.gate.step(sample, sample.time_ns)
        return self.arbitration.decide(output, np.full(len(self.axes), ROBOT, np.float32), None)

    def taught(self) -> set[str]:
        decision = self.tick()
        return {axis for axis, on in zip(self.axes, decision.taught, strict=True) if on}


def test_a_gripper_press_teaches_the_gripper_alone() -> None:
    with hand_at("keyboard", axes=ARM) as hand:
        wheel = Wheel(InStep(hand), ARM)
        wheel.tick()
        hand.hold()
        assert wheel.taught() == set()
        hand.down("g")
        assert wheel.taught() == {"gripper"}
        assert wheel.tick().executed[:3].tolist() == [0.0] * 3, "the arm stands still under the hand"
        hand.down("d")
        assert wheel.taught() == {"x", "y", "z", "gripper"}
        hand.up("d")
        assert wheel.taught() == {"x", "y", "z", "gripper"}


def test_in_touch_mode_a_gripper_press_takes_over_and_teaches_the_gripper_alone() -> None:
    with hand_at("keyboard", axes=ARM) as hand:
        wheel = Wheel(InStep(hand), ARM, mode="touch")
        wheel.tick()
        hand.down("g")
        assert wheel.taught() == {"gripper"}
        hand.up("g")
        assert wheel.taught() == {"gripper"}, "for release_s"


def test_an_arm_and_a_mode_wait_for_a_push_of_their_own() -> None:
    with hand_at("keyboard", axes=TWO) as hand:
        wheel = Wheel(InStep(hand), TWO)
        wheel.tick()
        hand.push()
        assert wheel.taught() == {"x", "y", "z"}
        hand.up("d")
        assert wheel.taught() == {"x", "y", "z"}, "standing still, after a push"
        hand.down("x")
        assert wheel.taught() == set(), "the other arm"
        hand.down("d")
        assert wheel.taught() == {"x2", "y2", "z2"}
        hand.up("d")
        hand.down("f")
        assert wheel.taught() == set(), "turning it"
        hand.down("w")
        assert wheel.taught() == {"rx2", "ry2", "rz2"}


def test_standing_still_on_purpose_covers_the_whole_arm() -> None:
    with hand_at("keyboard", axes=TWO) as hand:
        wheel = Wheel(InStep(hand), TWO)
        wheel.tick()
        hand.down("right ctrl")
        assert wheel.taught() == {"x", "y", "z", "rx", "ry", "rz"}


def test_each_correction_waits_for_its_own_push() -> None:
    with hand_at("keyboard") as hand:
        made = bench(hand, (1, hand.push), (3, hand.release), (5, hand.hold))
        made.run()
        assert made.states == "accaaccccc"
        assert taught_ticks(made) == [1, 2]


def test_a_script_teaches_from_its_first_tick() -> None:
    label = human_action(np.full(2, ROBOT, np.float32), (0.0, 0.0), "absolute", 2.0)
    first = FirstPush(waits=False)
    first.start(2)
    assert first.update(label).tolist() == [1.0, 1.0]
    assert not first.awaited

    def still(reading: int) -> DeviceSample:
        return DeviceSample(0, (0.0, 0.0), engage=reading >= 3)

    made = Bench(still, person=False, longest=6)
    made.run()
    assert taught_ticks(made) == [3, 4, 5]
    assert [pair.tick for pair in made.sent] == [3, 4, 5]
