"""A device that is new or back: an untouched cap is at rest, and a control that was down before it does nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from fake_hid import COMPACT, PRO, FakeTransport, moved
from hands import FREE, NAMES, AtTheCap, AtTheWindow, Hand, InStep, binding, given, hand_at, press, release
from loop_bench import Bench

from hitl_clic.control.gate import GateSettings
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.hardware.spacemouse import ReportSource
from hitl_clic.devices.hardware.spacemouse_reports import SILENT_NS
from hitl_clic.devices.hardware.window import HELD_NS
from hitl_clic.devices.mapping.shaping import Profile, load_profile


class AtTheUntouchedCap(AtTheCap):
    """A hand at a cap that reports while it is deflected and once when it is let go, as the hardware does.

    Time passes quickly: each tick lasts longer than the silence that shows rest.
    """

    def __init__(self, profile: Profile | None = None, axes: tuple[str, ...] = ("x", "y")) -> None:
        super().__init__(profile, axes)
        self.now_ns = self.device._clock()
        clock = lambda: self.now_ns  # noqa: E731
        source = ReportSource(self.transport, clock)
        self.device = HandheldDevice("spacemouse", source, self.device._profile, 100.0, 0.0, 0.0, clock, axes)
        self.sent = self.raw

    def keep(self) -> None:
        self.now_ns += SILENT_NS + 1
        if any(self.raw) or any(self.sent):
            self.transport.put(*moved(PRO, *self.raw))
        self.sent = self.raw


def bench(hand: Hand, *deeds: tuple[int, Callable[[], None]], mode: str = "touch") -> Bench:
    device = InStep(hand, *deeds)
    return Bench(device=device, gate=GateSettings(mode=mode, release_s=0.0), longest=10)  # type: ignore[arg-type]


# ---- an untouched cap


@pytest.mark.parametrize("mode", ["hold", "touch"])
def test_the_first_push_of_an_untouched_cap_drives_and_teaches(mode: str) -> None:
    hand = AtTheUntouchedCap()
    made = bench(hand, (3, hand.push), (6, hand.release), mode=mode)
    made.run()
    assert made.states == "aaacccaaaa"
    assert {pair.tick for pair in made.sent} == {3, 4, 5}


def test_a_replugged_cap_that_nobody_touches_is_at_rest_too() -> None:
    hand = AtTheUntouchedCap()
    made = bench(hand, (1, hand.lose), (2, lambda: hand.transport.plug(True)), (5, hand.push))
    made.run()
    assert made.states == "aaaaaccccc"
    assert made.events == ["device_lost", "device_back"]


def test_a_cap_that_is_held_when_the_mouse_is_back_is_let_go_first() -> None:
    hand = AtTheUntouchedCap()
    hand.push()
    made = bench(hand, (1, hand.lose), (2, hand.find), (5, hand.release), (7, hand.push))
    made.run()
    assert made.states == "aaaaaaaccc"


def test_an_untouched_cap_says_so_and_is_connected() -> None:
    transport, now_ns = FakeTransport(COMPACT), [10**10]
    source = ReportSource(transport, lambda: now_ns[0])
    device = HandheldDevice("spacemouse", source, load_profile("spacemouse"), clock=lambda: now_ns[0], axes=("x", "y"))
    assert not device.read(0.0).connected, "a cap that is held would report in this time"
    now_ns[0] += SILENT_NS + 1
    sample = device.read(0.0)
    assert (sample.connected, sample.motion, sample.engage, sample.time_ns) == (True, (0.0, 0.0), False, now_ns[0])
    assert "SpaceMouse Compact is connected but silent: push its cap once" in device.status_text()
    assert device.trouble == ""
    transport.put(*moved(COMPACT, 350, 0, 0, 0, 0, 0))
    assert device.read(0.0).motion[0] == 1.0
    assert "silent" not in device.status_text()
    transport.plug(False)
    assert not device.read(0.0).connected


# ---- a control that was down before


def later(hand: Hand) -> None:
    """The window has had the focus for a while."""
    if isinstance(hand, AtTheWindow):
        hand.clock = lambda: hand.device._clock() + HELD_NS + 1  # type: ignore[attr-defined]


def with_command(name: str, command: str) -> Profile:
    return binding(name, FREE[name], command)


@pytest.mark.parametrize("command", ["success", "pause", "gripper"])
@pytest.mark.parametrize("name", NAMES)
def test_a_button_that_is_down_when_the_device_is_back_does_nothing(name: str, command: str) -> None:
    control = FREE[name]
    with hand_at(name, with_command(name, command), ("x", "y", "gripper")) as hand:
        given(hand)
        press(hand, control)
        first = given(hand)
        grip = hand.device.read(0.002).motion[2]
        assert (first, grip) == (([], 1.0) if command == "gripper" else ([command], 0.0)), "a press counts"
        hand.lose()
        given(hand)
        hand.find()
        if control == "middle":
            hand.say("button_down", "middle")  # type: ignore[attr-defined]
        assert given(hand) == [], "it was down before"
        hand.keep()
        assert hand.device.read(0.002).motion[2] == 0.0
        release(hand, control)
        assert given(hand) == []
        later(hand)
        press(hand, control)
        second = given(hand)
        hand.keep()
        assert (second, hand.device.read(0.002).motion[2]) == (first, grip), "it was up once"


@pytest.mark.parametrize("name", ["spacemouse", "gamepad"])
def test_a_button_that_is_down_when_the_device_is_opened_does_nothing(name: str) -> None:
    control = FREE[name]
    with hand_at(name, with_command(name, "success")) as hand:
        press(hand, control)
        assert given(hand) == []
        release(hand, control)
        assert given(hand) == []
        press(hand, control)
        assert given(hand) == ["success"]


@pytest.mark.parametrize("pattern", ["4 long", "4+3", "4"])
def test_long_presses_and_chords_too(pattern: str) -> None:
    profile = load_profile("spacemouse")
    buttons = profile.buttons | {"4": "failure", pattern: "success"}
    profile = profile.model_copy(update={"buttons": buttons})
    hand = AtTheUntouchedCap(profile)
    given(hand)
    hand.down("4", "3")
    given(hand)
    hand.lose()
    given(hand)
    hand.find()
    assert not any([given(hand) for _ in range(10)]), "a second passes"
    hand.up("4", "3")
    assert given(hand) == []


@pytest.mark.parametrize("name", NAMES)
def test_an_emergency_stop_that_is_down_stops(name: str) -> None:
    control = FREE[name]
    with hand_at(name, with_command(name, "stop")) as hand:
        given(hand)
        press(hand, control)
        given(hand)
        hand.lose()
        given(hand)
        hand.find()
        if control == "middle":
            hand.say("button_down", "middle")  # type: ignore[attr-defined]
        hand.keep()
        hand.device.read(0.002)
        hand.keep()
        assert hand.device.read(0.002).stop


def test_a_mouse_button_that_focuses_the_window_gives_no_command() -> None:
    with hand_at("mouse", with_command("mouse", "success")) as hand:
        assert isinstance(hand, AtTheWindow)
        given(hand)
        hand.lose()
        hand.say("focus_gained")
        press(hand, "middle")
        assert given(hand) == []
        release(hand, "middle")
        later(hand)
        press(hand, "middle")
        assert given(hand) == ["success"]
