"""A part of a combined device that is lost and returns, and a part that only gives commands."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hands import Hand, hand_at
from loop_bench import Bench

from hitl_clic.control.gate import GateSettings
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.mapping.combined import CombinedDevice, Part
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.runner.device_registry import EVERY_AXIS, key_map, make_device
from hitl_clic.settings_layers import load
from hitl_clic.types.errors import SettingsError
from hitl_clic.types.records import EventRecord

HANDS = ("gamepad", "spacemouse", "keyboard")
"""The part that is lost; the mouse stays."""


class Both(Device):
    """A combined device whose parts are read in step with the loop."""

    def __init__(self, hands: dict[str, Hand], *deeds: tuple[int, Callable[[], None]]) -> None:
        super().__init__(100.0)
        self.hands, self.deeds, self.readings = hands, deeds, 0
        self.inner = CombinedDevice([Part(hand.device, name) for name, hand in hands.items()], ("x", "y"))
        self.name, self.axes = self.inner.name, self.inner.axes

    def read(self, timeout_s: float) -> DeviceSample:
        raise NotImplementedError

    def latest(self) -> DeviceSample:
        for at, does in self.deeds:
            if at == self.readings:
                does()
        self.readings += 1
        for hand in self.hands.values():
            hand.keep()
            for _ in range(2):  # the first reading after a loss may only open the source
                hand.device._publish(hand.device.read(0.002))
        sample = self.inner.read(0.0)
        self.trouble, self.lost_parts = self.inner.trouble, self.inner.lost_parts
        return sample


@pytest.fixture(params=HANDS)
def hands(request: pytest.FixtureRequest) -> Iterator[dict[str, Hand]]:
    with ExitStack() as stack:
        yield {name: stack.enter_context(hand_at(name)) for name in (request.param, "mouse")}


def test_a_part_that_is_back_is_let_go_before_it_drives(hands: dict[str, Hand]) -> None:
    name = next(iter(hands))
    hand = hands[name]
    deeds = ((2, hand.push), (4, hand.lose), (6, hand.find), (8, hand.release), (9, hand.push))
    made = Bench(device=Both(hands, *deeds), gate=GateSettings(mode="hold"), longest=12)
    made.run()
    assert made.states == "aaccaaaaaccc"
    assert all(record.connected for record in made.ticks), "the mouse stays"


def test_the_loss_of_a_part_is_recorded_with_its_name(hands: dict[str, Hand]) -> None:
    name = next(iter(hands))
    hand = hands[name]
    made = Bench(device=Both(hands, (3, hand.lose), (6, hand.find)), longest=10)
    made.run()
    events = [event for event in made.of(EventRecord) if event.name.startswith("device")]
    assert [(event.name, event.tick) for event in events] == [("device_lost", 3), ("device_back", 6)]
    lost, back = (str(event.detail["why"]) for event in events)
    assert lost.startswith(f"{name}: ")
    assert any(reason in lost for reason in ("is connected", "no focus")), "and says why"
    assert back == name
    assert events[0].detail["device"] == f"{name}+mouse"


def test_the_loss_of_all_parts_is_one_event(hands: dict[str, Hand]) -> None:
    name, other = hands
    deeds = ((3, hands[name].lose), (3, hands[other].lose), (6, hands[name].find), (8, hands[other].find))
    made = Bench(device=Both(hands, *deeds), longest=12)
    made.run()
    events = [(event.name, event.tick, event.detail["why"]) for event in made.of(EventRecord)]
    assert [event[:2] for event in events] == [("device_lost", 3), ("device_back", 6), ("device_back", 8)]
    assert name in str(events[0][2])
    assert "mouse" in str(events[0][2])


# ---- a part that only gives commands


@pytest.fixture
def commands(tmp_path: Path) -> str:
    """A keyboard profile without axes."""
    path = tmp_path / "commands.toml"
    path.write_text(
        'name = "commands"\n[keys]\nj = "success"\nk = "failure"\ntab = "engage"\nescape = "stop"\n', encoding="utf-8"
    )
    return str(path)


def test_a_part_for_commands_gets_no_arm(commands: str) -> None:
    settings = load(
        overrides={"device": "gamepad+keyboard", "profile": f"+{commands}", "task": "two_arm_lift", "headless": True}
    )
    feed = EventFeed()
    device = make_device(settings, EVERY_AXIS, TeacherChannel(), feed)
    assert isinstance(device, CombinedDevice)
    assert device.axes == EVERY_AXIS, "the gamepad switches between the arms"
    assert [part.arm for part in device._parts] == [None, None]
    rows = dict(key_map(settings, EVERY_AXIS))
    assert "keyboard: J" in rows
    assert not any("(arm" in does for does in rows.values())
    keyboard = device._parts[1].device
    for key in ("j", "tab"):
        feed.put(InputEvent(keyboard._clock(), "key_down", key))  # type: ignore[attr-defined]
    keyboard._publish(keyboard.read(0.0))
    device._parts[0].device._publish(DeviceSample(keyboard._clock(), (0.0,) * 14))  # type: ignore[attr-defined]
    sample = device.read(0.0)
    assert device.take_commands() == ["success"]
    assert (sample.engage, sample.teaches, sample.motion) == (True, None, (0.0,) * 14)
    feed.put(InputEvent(keyboard._clock(), "key_down", "escape"))  # type: ignore[attr-defined]
    keyboard._publish(keyboard.read(0.0))
    assert device.read(0.0).stop


def test_two_that_drive_have_an_arm_each_beside_one_for_commands(commands: str) -> None:
    settings = load(
        overrides={
            "device": "keyboard+gamepad+spacemouse",
            "profile": f"{commands}++",
            "task": "two_arm_lift",
            "headless": True,
        }
    )
    device = make_device(settings, EVERY_AXIS, TeacherChannel(), EventFeed())
    assert isinstance(device, CombinedDevice)
    assert [part.arm for part in device._parts] == [None, 0, 1]
    keyboard, pad, mouse = (part.device for part in device._parts)
    now_ns = device._clock()
    keyboard._publish(DeviceSample(now_ns, (), engage=True))
    pad._publish(DeviceSample(now_ns, (0.5,) + (0.0,) * 6))
    mouse._publish(DeviceSample(now_ns, (0.25,) + (0.0,) * 6))
    sample = device.read(0.0)
    assert (sample.engage, sample.motion[0], sample.motion[7]) == (True, 0.5, 0.25), "it engages for all"


def test_alone_it_is_refused(commands: str) -> None:
    settings = load(overrides={"device": "keyboard", "profile": commands, "headless": True})
    with pytest.raises(SettingsError, match="only gives commands"):
        make_device(settings, ("x", "y"), TeacherChannel(), EventFeed())
