"""Which joystick is used, and how they are listed. Virtual joysticks of SDL, most without a layout."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from virtual_pads import FLIGHT_STICK, RIGHT_SHOULDER, UNKNOWN, WHEEL, VirtualPad, VirtualPads

from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware import gamepad as module
from hitl_clic.devices.hardware.connected_pads import IN_USE, connected_pads, controllers
from hitl_clic.devices.hardware.gamepad import PadSource, status
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.mapping.shaping import AxisSetting, Profile, load_profile
from hitl_clic.devices.registry import list_devices

pygame = pytest.importorskip("pygame")

STICK = Profile(
    name="stick",
    axes={"x": AxisSetting(source="axis 0"), "y": AxisSetting(source="axis 1")},
    buttons={"button 0": "engage"},
)


@pytest.fixture
def pads() -> Iterator[VirtualPads]:
    if connected_pads():
        pytest.skip("a real gamepad is connected, and the device would open it first")
    virtual, before = VirtualPads(), set(IN_USE)  # tests elsewhere may leave pads open
    yield virtual
    for pad in virtual.attached:
        pad.unplug()
    controllers().update()
    assert before == IN_USE


class Hand:
    """A gamepad that the test reads, without a thread."""

    def __init__(self, profile: Profile | None = None, which: str = "") -> None:
        profile = profile or load_profile("gamepad")
        source = PadSource(profile=profile, which=which)
        self.device = HandheldDevice("pad", source, profile, tap_hold_s=0.0, retry_s=0.0)

    def read(self) -> DeviceSample:
        return self.device.read(0.0)

    @property
    def trouble(self) -> str:
        return self.device.trouble


@pytest.fixture
def hands() -> Iterator[list[Hand]]:
    made: list[Hand] = []
    yield made
    for hand in made:
        hand.device.release()


def hand(hands: list[Hand], profile: Profile | None = None, which: str = "") -> Hand:
    hands.append(Hand(profile, which))
    return hands[-1]


def push(pad: VirtualPad, value: float = 1.0) -> None:
    pad.axis(0, value)


def test_listing_a_joystick_without_a_layout_does_not_crash() -> None:
    """In a process of its own: the fault was a segmentation fault."""
    code = (
        "from virtual_pads import *; from hitl_clic.devices.hardware.connected_pads import *;"
        "pads = VirtualPads(); controllers(); pads.attach(0, b'Rudder'); pads.attach(1, b'Pad');"
        "from hitl_clic.devices.registry import list_devices;"
        "print([report.sentence for report in list_devices() if report.name == 'gamepad'][0])"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        cwd=Path(__file__).parents[2],
        env={"PYTHONPATH": "tests/support:.", "PATH": ""},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "Ready: 1 'Pad'" in done.stdout
    assert "0 'Rudder': SDL has no layout for it" in done.stdout


@pytest.mark.parametrize("kind", [UNKNOWN, WHEEL, FLIGHT_STICK])
def test_a_joystick_without_a_layout_is_listed_with_what_it_lacks(pads: VirtualPads, kind: int) -> None:
    pads.attach(kind, b"Flight Stick X", (3, 5, 1))
    usable, sentence = status()
    assert not usable
    assert "0 'Flight Stick X': SDL has no layout for it" in sentence
    assert "lacks what profile 'gamepad' binds (left x, left y, right y, d-pad y and" in sentence
    assert "it has axis 0 to 2, button 0 to 4, hat 0" in sentence


def test_names_and_numbers_are_listed(pads: VirtualPads) -> None:
    assert status() == (False, "None is connected; plug one in, also during a session.")
    pads.attach(name=b"Left Pad")
    assert status() == (True, "Ready: 0 'Left Pad'; hold the right shoulder to drive.")
    pads.attach(name=b"Left Pad")
    pads.attach(WHEEL, b"Wheel")
    report = next(report for report in list_devices() if report.name == "gamepad")
    assert report.usable
    assert "Ready: 0 'Left Pad', 1 'Left Pad';" in report.sentence
    assert "Not usable: 2 'Wheel'" in report.sentence
    assert report.sentence.endswith("Choose one with --device gamepad:NUMBER or gamepad:NAME.")


@pytest.mark.parametrize(
    ("name", "listed"),
    [
        (b"", "joystick without a name"),
        (b"  ", "joystick without a name"),
        (b"Wheel \xff\xfe", "joystick with an unreadable name"),
        ("Steuerknüppel".encode(), "Steuerknüppel"),
    ],
)
@pytest.mark.parametrize("kind", [1, UNKNOWN])
def test_a_joystick_of_any_name_is_listed_and_driven(
    pads: VirtualPads, hands: list[Hand], name: bytes, listed: str, kind: int
) -> None:
    pad = pads.attach(kind, name)
    assert [found.name for found in connected_pads()] == [listed]
    held = hand(hands, STICK)
    assert held.read().connected
    push(pad)
    assert held.read().motion[0] == pytest.approx(1.0, abs=1e-3)


def test_a_joystick_without_axes_or_buttons_is_listed(pads: VirtualPads, hands: list[Hand]) -> None:
    pads.attach(UNKNOWN, b"Bare", (0, 0, 0))
    assert "it has no axis and no button" in status()[1]
    assert not hand(hands, STICK).read().connected


def test_a_joystick_that_vanishes_after_the_listing_is_no_crash(
    pads: VirtualPads, hands: list[Hand], monkeypatch: pytest.MonkeyPatch
) -> None:
    pad, held = pads.attach(), hand(hands)
    listed = connected_pads()
    monkeypatch.setattr(module, "connected_pads", lambda: listed)
    pad.unplug()
    assert not held.read().connected
    assert "cannot be opened" in held.trouble
    assert held.device.failure is None
    monkeypatch.undo()
    assert not held.read().connected
    assert held.trouble == "no gamepad is connected"


def test_an_error_of_sdl_while_reading_is_a_loss(
    pads: VirtualPads, hands: list[Hand], monkeypatch: pytest.MonkeyPatch
) -> None:
    pads.attach()
    held = hand(hands)
    assert held.read().connected

    def fails(_: PadSource) -> object:
        raise pygame.error("Joystick not initialized")

    with monkeypatch.context() as patch:
        patch.setattr(PadSource, "_axes", fails)
        assert not held.read().connected
        assert "cannot be read: Joystick not initialized" in held.trouble
    assert held.read().connected


def test_the_pad_that_the_profile_can_use_wins(pads: VirtualPads, hands: list[Hand]) -> None:
    pads.attach(FLIGHT_STICK, b"Stick", (3, 5, 1))
    pad = pads.attach(name=b"Pad")
    pad.button(RIGHT_SHOULDER)
    push(pad)
    sample = hand(hands).read()
    assert (sample.connected, sample.engage, sample.motion[0]) == (True, True, 1.0)


def test_a_usable_pad_that_is_plugged_in_later_wins(pads: VirtualPads, hands: list[Hand]) -> None:
    pads.attach(WHEEL, b"Wheel", (3, 5, 1))
    held = hand(hands)
    assert not held.read().connected, "nothing of the wheel is bound"
    assert held.trouble.startswith("gamepad 0 'Wheel' is not usable: SDL has no layout for it")
    push(pads.attach(name=b"Pad"))
    sample = held.read()
    assert (sample.connected, sample.motion[0]) == (True, 1.0)


def test_a_pad_that_can_move_but_not_engage_is_not_used(pads: VirtualPads, hands: list[Hand]) -> None:
    pads.attach(UNKNOWN, b"Pedals", (2, 0, 0))
    held = hand(hands, STICK)
    assert not held.read().connected
    assert "lacks what profile 'stick' binds (button 0)" in held.trouble
    pads.attach(UNKNOWN, b"Stick", (2, 1, 0))
    assert held.read().connected


def test_the_pad_with_most_of_the_profile_wins(pads: VirtualPads, hands: list[Hand]) -> None:
    pads.attach(UNKNOWN, b"Half", (1, 1, 0))
    push(pads.attach(UNKNOWN, b"Whole", (2, 1, 0)))
    assert hand(hands, STICK).read().motion[0] == pytest.approx(1.0, abs=1e-3)


@pytest.mark.parametrize("which", ["1", "Second Pad", "second", "SECOND PAD"])
def test_a_pad_is_chosen_by_number_or_name(pads: VirtualPads, hands: list[Hand], which: str) -> None:
    pads.attach(name=b"First Pad")
    second = pads.attach(name=b"Second Pad")
    push(second)
    assert hand(hands, which=which).read().motion[0] == 1.0


def test_a_whole_name_goes_before_a_part(pads: VirtualPads, hands: list[Hand]) -> None:
    pads.attach(name=b"Pad Pro")
    push(pads.attach(name=b"Pad"))
    assert hand(hands, which="pad").read().motion[0] == 1.0


@pytest.mark.parametrize(
    ("which", "says"),
    [
        ("2", "gamepad 2 is not connected; connected: 0 'Pad', 1 'Pad'"),
        ("Stick", "no connected gamepad is named 'Stick'; connected: 0 'Pad', 1 'Pad'"),
        ("Pad", "2 gamepads are named 'Pad': choose one by its number; connected: 0 'Pad', 1 'Pad'"),
    ],
)
def test_a_choice_that_is_not_there_says_what_is(pads: VirtualPads, hands: list[Hand], which: str, says: str) -> None:
    pads.attach(name=b"Pad")
    pads.attach(name=b"Pad")
    held = hand(hands, which=which)
    assert not held.read().connected
    assert held.trouble == says


def test_a_chosen_pad_may_be_plugged_in_later(pads: VirtualPads, hands: list[Hand]) -> None:
    pads.attach(name=b"First")
    held = hand(hands, which="Second")
    assert not held.read().connected
    push(pads.attach(name=b"Second"))
    assert held.read().motion[0] == 1.0


def test_a_chosen_pad_that_the_profile_cannot_use_says_why(pads: VirtualPads, hands: list[Hand]) -> None:
    pads.attach(name=b"Pad")
    pads.attach(WHEEL, b"Wheel", (3, 5, 1))
    held = hand(hands, which="Wheel")
    assert not held.read().connected
    assert "gamepad 1 'Wheel' is not usable: SDL has no layout for it" in held.trouble


def test_two_devices_never_read_one_pad(pads: VirtualPads, hands: list[Hand]) -> None:
    pad = pads.attach(name=b"Pad")
    first, second = hand(hands, which="0"), hand(hands, which="Pad")
    assert first.read().connected
    assert not second.read().connected
    assert second.trouble == "gamepad 0 'Pad' is read by another device of this session"
    push(pad)
    assert first.read().motion[0] == 1.0, "the other device did not close it"
    connected_pads()
    assert first.read().motion[0] == 1.0, "nor does the listing"


def test_numbers_that_shift_do_not_exchange_the_hands(pads: VirtualPads, hands: list[Hand]) -> None:
    left, right = pads.attach(name=b"Left"), pads.attach(name=b"Right")
    first, second = hand(hands, which="0"), hand(hands, which="1")
    push(left, 1.0)
    push(right, -1.0)
    assert (first.read().motion[0], second.read().motion[0]) == (1.0, -1.0)
    left.unplug()
    assert not first.read().connected
    assert second.read().motion[0] == -1.0, "the right pad now has number 0"
    again = pads.attach(name=b"Left")
    push(again, 0.9)
    assert first.read().motion[0] > 0.5, "the left pad returns to the first hand under number 1"
    assert second.read().motion[0] == -1.0
