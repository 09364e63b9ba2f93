"""The first gripper press of a correction commands the opposite of what the robot's gripper does, at every device."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from hands import NAMES, Hand, InStep, hand_at
from loop_bench import Bench, TellTale, Track

from hitl_clic.control.gate import GateSettings
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.mapping.combined import CombinedDevice, Part
from hitl_clic.types.records import Array, Proposal
from hitl_clic.types.scene import ActionFrame

GRIP = {"keyboard": "g", "mouse": "g", "spacemouse": "1", "gamepad": "a"}
OTHER_ARM = {"keyboard": "x", "mouse": "x", "spacemouse": "alt", "gamepad": "y"}


class Grips(TellTale):
    """A robot that holds its grippers closed (1) or open (-1)."""

    def __init__(self, *commands: float) -> None:
        super().__init__(4)
        self.commands = np.array(commands, np.float32)

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        return Proposal(np.tile(self.commands, (self.horizon, 1)), 0.0)


def tap(hand: Hand, control: str) -> tuple[Callable[[], None], Callable[[], None]]:
    """Press and release a control."""
    return lambda: hand.down(control), lambda: hand.up(control)


def bench(monkeypatch: pytest.MonkeyPatch, axes: tuple[str, str], hand: Hand, robot: Grips, **deeds: object) -> Bench:
    """A robot with two axes. `deeds`: at_N, what the hand does before tick N."""
    monkeypatch.setattr(Track, "action_frame", ActionFrame(axes=axes, scale=(1.0, 1.0), unit=("px", "px")))
    device = InStep(hand, *((int(at[3:]), does) for at, does in deeds.items()))  # type: ignore[misc]
    return Bench(device=device, policy=robot, gate=GateSettings(), longest=14)


def taught(made: Bench, tick: int, axis: int) -> float | None:
    """What a tick teaches of an axis; None: nothing."""
    record = made.ticks[tick]
    return float(record.human_action[axis]) if record.human_action is not None and record.taught[axis] else None


@pytest.mark.parametrize("holds", [1.0, -1.0])
@pytest.mark.parametrize("name", NAMES)
def test_one_press_opens_what_the_robot_holds_and_closes_what_it_does_not(
    name: str, holds: float, monkeypatch: pytest.MonkeyPatch
) -> None:
    with hand_at(name, axes=("x", "gripper")) as hand:
        down, up = tap(hand, GRIP[name])
        deeds = {"at_2": hand.push, "at_4": down, "at_5": up, "at_7": down, "at_8": up, "at_10": hand.release}
        made = bench(monkeypatch, ("x", "gripper"), hand, Grips(0.0, holds), **deeds)
        made.run()
        grips = [taught(made, tick, 1) for tick in range(2, 10)]
        # some buttons act at their release, because they are part of a chord
        assert [grip for at, grip in enumerate(grips) if at == 0 or grip != grips[at - 1]] == [None, -holds, holds]
        assert made.ticks[-1].executed[1] == holds, "the robot decides again"


@pytest.mark.parametrize("name", NAMES)
def test_the_next_correction_goes_by_what_the_robot_does_then(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with hand_at(name, axes=("x", "gripper")) as hand:
        down, up = tap(hand, GRIP[name])
        first = {"at_2": hand.push, "at_3": down, "at_4": up, "at_6": hand.release}
        made = bench(
            monkeypatch, ("x", "gripper"), hand, Grips(0.0, 1.0), **first, at_9=hand.push, at_10=down, at_11=up
        )
        made.run()
        assert taught(made, 5, 1) == -1.0
        assert taught(made, 9, 1) is None
        assert taught(made, 13, 1) == -1.0


@pytest.mark.parametrize("name", NAMES)
def test_each_arm_goes_by_its_own_gripper(name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with hand_at(name, axes=("gripper", "gripper2")) as hand:
        down, up = tap(hand, GRIP[name])
        next_down, next_up = tap(hand, OTHER_ARM[name])
        deeds = {"at_2": hand.hold, "at_3": down, "at_4": up, "at_6": next_down, "at_7": next_up}
        made = bench(monkeypatch, ("gripper", "gripper2"), hand, Grips(1.0, -1.0), **deeds, at_9=down, at_10=up)
        made.run()
        assert taught(made, 5, 0) == -1.0
        assert taught(made, 13, 1) == 1.0


def test_a_press_before_the_robot_moved_closes(monkeypatch: pytest.MonkeyPatch) -> None:
    """The grip of the last episode says nothing about this one."""
    with hand_at("keyboard", axes=("x", "gripper")) as hand:
        hand.device.robot_grips((1.0,))
        down, up = tap(hand, "g")

        def take_and_press() -> None:
            hand.push()
            down()

        made = bench(monkeypatch, ("x", "gripper"), hand, Grips(0.0, 0.0), at_2=take_and_press, at_3=up)
        made.run()
        assert [taught(made, tick, 1) for tick in (1, 2, 3)] == [None, 1.0, 1.0]


def test_each_part_hears_of_its_own_arm() -> None:
    with hand_at("keyboard") as one, hand_at("mouse") as two, hand_at("gamepad") as both:
        CombinedDevice([Part(one.device, "a", 0), Part(two.device, "b", 1), Part(both.device, "c")]).robot_grips(
            (1, -1)
        )
        heard = [hand.device._mapper.robot_grips for hand in (one, two, both)]  # type: ignore[attr-defined]
        assert heard == [(1,), (-1,), (1, -1)]
        assert isinstance(one.device.latest(), DeviceSample)
