"""The gamepad, tested with virtual pads of SDL and without a window."""

from __future__ import annotations

import sys
import time
from collections.abc import Iterator

import pytest
from fake_hid import wait_until
from virtual_pads import (
    LEFT_SHOULDER,
    LEFT_TRIGGER,
    REST,
    RIGHT_SHOULDER,
    RIGHT_TRIGGER,
    UNKNOWN,
    A,
    B,
    VirtualPads,
)

from hitl_clic.devices.core.contract import check_device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware import gamepad as module
from hitl_clic.devices.hardware.connected_pads import connected_pads, controllers
from hitl_clic.devices.hardware.gamepad import PadSource, gamepad
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.mapping.shaping import AxisSetting, Profile, load_profile

pygame = pytest.importorskip("pygame")

ARM = ("x", "y", "z", "rx", "ry", "rz", "gripper")


@pytest.fixture
def pads() -> Iterator[VirtualPads]:
    if connected_pads():
        pytest.skip("a real gamepad is connected, and the device would open it first")
    virtual = VirtualPads()
    yield virtual
    for pad in virtual.attached:
        pad.unplug()
    controllers().update()


class Bench:
    """A gamepad that the test reads, without a thread."""

    def __init__(self, profile: Profile | None = None, which: str = "") -> None:
        axes = () if profile else ARM
        profile = profile or load_profile("gamepad")
        source = PadSource(profile=profile, which=which)
        self.device = HandheldDevice("bench", source, profile, tap_hold_s=0.0, retry_s=0.0, axes=axes)

    def read(self) -> DeviceSample:
        return self.device.read(0.0)


def test_the_preset_follows_the_picture(pads: VirtualPads) -> None:
    pad, bench = pads.attach(), Bench()
    assert bench.device.axes == ("x", "y", "z", "rx", "ry", "rz", "gripper")
    assert not any(bench.read().motion), "triggers rest at -1 and move nothing"
    pad.axis(0, 1.0)
    pad.axis(1, -1.0)  # SDL: up is negative
    pad.axis(3, -1.0)
    assert bench.read().motion[:3] == (1.0, -1.0, 1.0)
    for axis in (0, 1, 3):
        pad.axis(axis, 0.0)
    pad.axis(2, -1.0)
    pad.button(11)
    pad.axis(RIGHT_TRIGGER, 1.0)
    assert bench.read().motion == (0.0, 0.0, 0.0, 1.0, 1.0, -1.0, 0.0)
    pad.axis(LEFT_TRIGGER, 1.0)
    assert bench.read().motion[4] == 0.0, "both triggers cancel"
    pad.axis(RIGHT_TRIGGER, -1.0)
    assert bench.read().motion[4] == -1.0


def test_the_shoulder_engages_and_buttons_follow_the_profile(pads: VirtualPads) -> None:
    pad, bench = pads.attach(), Bench()
    pad.axis(0, 1.0)
    sample = bench.read()
    assert (sample.engage, sample.stop, sample.motion[0]) == (False, False, 1.0)
    pad.button(RIGHT_SHOULDER)
    pad.button(A)
    sample = bench.read()
    assert (sample.engage, sample.motion[-1], sample.teaches) == (True, 1.0, None)
    pad.button(A, False)
    assert bench.read().motion[-1] == 1.0, "shut until told otherwise"
    pad.button(A)
    assert bench.read().motion[-1] == -1.0
    pad.button(A, False)
    pad.button(LEFT_SHOULDER)
    assert bench.read().motion[0] == 0.35
    pad.button(B)
    assert bench.read().stop
    pad.button(RIGHT_SHOULDER, False)
    pad.axis(0, 0.0)
    assert not bench.read().engage
    bench.device.correction_ended()
    sample = bench.read()
    assert (sample.motion[-1], sample.teaches) == (0.0, (True,) * 6 + (False,))


def test_deadzone_and_response_curve(pads: VirtualPads) -> None:
    pad, bench = pads.attach(), Bench()
    pad.axis(0, 0.1)
    assert bench.read().motion[0] == 0.0
    pad.axis(0, 0.56)
    assert bench.read().motion[0] == pytest.approx(0.5**1.6, abs=1e-3)


def test_unplugging_stops_motion_and_reconnecting_resumes_it(pads: VirtualPads) -> None:
    pad, bench = pads.attach(), Bench()
    bench.read()
    pad.axis(0, 1.0)
    pad.button(RIGHT_SHOULDER)
    assert bench.read().motion[0] == 1.0
    pad.unplug()
    sample = bench.read()
    assert (sample.connected, sample.engage, any(sample.motion)) == (False, False, False)
    assert "unplugged" in bench.device.trouble
    assert not bench.read().connected
    assert "no gamepad" in bench.device.trouble
    again = pads.attach()
    sample = bench.read()
    assert (sample.connected, sample.engage, any(sample.motion)) == (True, False, False)
    again.axis(0, -1.0)
    assert bench.read().motion[0] == -1.0


def test_a_short_push_of_a_stick_lasts_as_long_as_a_short_press(pads: VirtualPads) -> None:
    pad, now_ns = pads.attach(), 10**9
    device = HandheldDevice(
        "bench", PadSource(lambda: now_ns), load_profile("gamepad"), tap_hold_s=0.06, clock=lambda: now_ns, axes=ARM
    )
    device.read(0.0)
    pad.axis(0, 1.0)
    pad.button(RIGHT_SHOULDER)
    assert device.read(0.0).motion[0] == 1.0
    pad.axis(0, 0.0)
    pad.button(RIGHT_SHOULDER, False)
    now_ns += 59_000_000
    sample = device.read(0.0)
    assert (sample.motion[0], sample.engage) == (1.0, True)
    now_ns += 1_000_000
    sample = device.read(0.0)
    assert (sample.motion[0], sample.engage) == (0.0, False)


def test_a_second_pad_has_no_effect(pads: VirtualPads) -> None:
    first, bench = pads.attach(), Bench()
    first.axis(0, 1.0)
    bench.read()
    second = pads.attach()
    second.axis(0, -1.0)
    assert bench.read().motion[0] == 1.0
    second.unplug()
    assert bench.read().motion[0] == 1.0


def test_a_joystick_without_a_known_layout_is_bound_by_numbers(pads: VirtualPads) -> None:
    profile = Profile(
        name="stick",
        axes={"x": AxisSetting(source="axis 1"), "z": AxisSetting(source="trigger 5")},
        buttons={"button 12": "engage", "trigger 4": "stop"},
    )
    other, pad = pads.attach(UNKNOWN), None
    bench = Bench(profile)
    sample = bench.read()
    if bench.device._source._controller is not None:  # type: ignore[attr-defined]
        pytest.skip("SDL takes any virtual joystick for a controller")
    assert not any(sample.motion)
    assert not sample.stop
    other.axis(5, REST / 32768)
    other.axis(4, REST / 32768)
    bench.read()
    other.axis(1, 0.5)
    other.axis(5, 1.0)
    other.button(12)
    sample = bench.read()
    assert sample.motion == pytest.approx((0.5, 1.0), abs=1e-4)
    assert (sample.engage, sample.stop) == (True, False)
    other.axis(4, 1.0)
    assert bench.read().stop
    pad = pads.attach(UNKNOWN)
    assert bench.read().connected
    other.unplug()
    assert not bench.read().connected
    assert pad.there


def test_a_trigger_reads_zero_until_it_was_at_rest() -> None:
    source = PadSource()
    assert source._pull("left trigger", 0.5) == 0.0
    assert source._pull("left trigger", 0.0) == 0.0
    assert source._pull("left trigger", 0.5) == 0.5


def test_it_needs_no_display_and_leaves_it_unchanged(pads: VirtualPads) -> None:
    was = pygame.display.get_init()
    pad, bench = pads.attach(), Bench()
    pad.axis(0, 1.0)
    assert bench.read().motion[0] == 1.0
    assert pygame.display.get_init() == was


def test_a_stop_rumbles_once() -> None:
    class Rumbling(PadSource):
        felt = 0

        def rumble(self) -> None:
            self.felt += 1

    class Attached(Rumbling):
        def open(self) -> None: ...

        def read(self, timeout_s: float) -> module.Reading:
            return module.Reading(time.perf_counter_ns(), {})

    source = Attached()
    device = gamepad(load_profile("gamepad"), source)
    device.read(0.0)
    assert source.felt == 0
    device.robot_stopped()
    device.read(0.0)
    device.read(0.0)
    assert source.felt == 1


def test_a_pad_without_motors_works(pads: VirtualPads) -> None:
    pads.attach()
    bench = Bench()
    bench.read()
    bench.device.robot_stopped()
    assert bench.read().connected


def test_contract(pads: VirtualPads) -> None:
    pad = pads.attach()

    def deflect(_: object) -> None:
        pad.axis(0, 1.0)

    check_device(lambda: gamepad(load_profile("gamepad")), deflect, lambda _: pad.unplug(), timeout_s=5.0)


def test_the_reader_thread_reports_unplugging_and_reconnecting(pads: VirtualPads) -> None:
    pad = pads.attach()
    device = gamepad(load_profile("gamepad"))
    device.start()
    try:
        wait_until(lambda: device.latest().connected and device.latest().motion)
        pad.axis(0, 1.0)
        wait_until(lambda: device.latest().motion[0] == 1.0)
        pad.unplug()
        wait_until(lambda: not device.latest().connected)
        assert not any(device.latest().motion)
        again = pads.attach()
        again.axis(0, -1.0)
        wait_until(lambda: device.latest().motion[0] == -1.0)
    finally:
        device.close()
    assert device.failure is None


def test_without_pygame_the_error_names_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pygame._sdl2", None)
    with pytest.raises(OSError, match="pygame"):
        connected_pads()
