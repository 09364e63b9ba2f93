"""Keyboard and mouse with constructed window events and clock; the device contract on real threads."""

from __future__ import annotations

import math
import time
from dataclasses import replace

import pytest

from hitl_clic.devices.core.contract import check_device
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample, fresh
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.keyboard import KeyboardDevice
from hitl_clic.devices.hardware.mouse import MouseDevice
from hitl_clic.devices.hardware.window import WindowDevice
from hitl_clic.devices.mapping.shaping import AxisSetting, Profile, load_profile

MS = 1_000_000
S = 1000 * MS
STRAIGHT = Profile(
    name="straight",
    axes={"x": AxisSetting(), "y": AxisSetting()},
    buttons={"left": "engage", "right": "stop"},
    reach=0.1,
)


class Bench:
    """A device and a clock that the test controls, without a thread."""

    def __init__(
        self, kind: type[WindowDevice], profile: Profile, capacity: int = 1024, axes: tuple[str, ...] = ("x", "y")
    ) -> None:
        self.now_ns = 10 * S
        self.feed = EventFeed(capacity)
        self.device = kind(self.feed, profile, stale_after_s=0.25, tap_hold_s=0.1, clock=lambda: self.now_ns, axes=axes)

    def put(self, kind: str, name: str = "", position: tuple[float, float] = (0.0, 0.0)) -> None:
        self.feed.put(InputEvent(self.now_ns, kind, name, position))  # type: ignore[arg-type]

    def after(self, ms: int, alive: bool = True) -> DeviceSample:
        self.now_ns += ms * MS
        if alive:
            self.put("alive")
        return self.device.read(0.0)

    def read(self) -> DeviceSample:
        return self.device.read(0.0)


@pytest.fixture
def keys() -> Bench:
    return Bench(KeyboardDevice, load_profile("keyboard"))


@pytest.fixture
def mouse() -> Bench:
    return Bench(MouseDevice, STRAIGHT)


def test_held_keys_move_until_released(keys: Bench) -> None:
    keys.put("key_down", "space")
    keys.put("key_down", "up")
    sample = keys.read()
    assert sample.motion == (0.0, -1.0), "up is towards smaller y"
    assert sample.engage
    assert keys.after(1000).motion == (0.0, -1.0)
    keys.put("key_up", "up")
    sample = keys.read()
    assert sample.motion == (0.0, 0.0)
    assert sample.engage, "space is still held"
    keys.put("key_up", "space")
    assert not keys.read().engage


def test_opposite_keys_cancel_and_two_keys_of_one_direction_are_one(keys: Bench) -> None:
    for key in ("left", "a", "right"):
        keys.put("key_down", key)
    assert keys.read().motion == (0.0, 0.0)
    keys.put("key_up", "right")
    assert keys.after(200).motion == (-1.0, 0.0)


def test_a_tap_between_two_reads_is_held_long_enough_and_no_longer(keys: Bench) -> None:
    for key in ("space", "d"):
        keys.put("key_down", key)
        keys.put("key_up", key)
    sample = keys.read()
    assert sample.engage
    assert sample.motion == (1.0, 0.0)
    assert keys.after(99).engage
    sample = keys.after(1)
    assert not sample.engage
    assert sample.motion == (0.0, 0.0)


def test_a_repeating_key_is_released_at_once(keys: Bench) -> None:
    keys.put("key_down", "space")
    assert keys.read().engage
    assert keys.after(150).engage
    keys.put("key_down", "space")
    keys.put("key_up", "space")
    assert not keys.read().engage


def test_focus_loss_releases_keys_and_taps_at_once_and_counts_as_lost(keys: Bench) -> None:
    keys.put("key_down", "space")
    keys.put("key_down", "left")
    assert keys.read().engage
    keys.put("focus_lost")
    sample = keys.read()
    assert (sample.motion, sample.engage, sample.connected) == ((0.0, 0.0), False, False)
    assert keys.device.trouble == "the window has no focus"
    keys.put("focus_gained")
    sample = keys.read()
    assert (sample.motion, sample.engage, sample.connected) == ((0.0, 0.0), False, True)


def test_a_stop_survives_focus_loss(keys: Bench) -> None:
    keys.put("key_down", "escape")
    keys.put("focus_lost")
    assert keys.read().stop
    assert not keys.after(100).stop


def test_shift_makes_motion_small(keys: Bench) -> None:
    keys.put("key_down", "left shift")
    keys.put("key_down", "s")
    assert keys.read().motion == (0.0, pytest.approx(0.35))


def test_the_sample_is_as_old_as_the_newest_event(keys: Bench) -> None:
    keys.put("key_down", "space")
    assert keys.read().age_s(keys.now_ns) == 0.0
    keys.now_ns += 200 * MS
    assert keys.read().age_s(keys.now_ns) == pytest.approx(0.2)
    assert keys.after(0).age_s(keys.now_ns) == 0.0, "alive confirms"


def test_a_stalled_window_stops_motion_and_resumes_held_keys(keys: Bench) -> None:
    keys.put("key_down", "space")
    keys.put("key_down", "w")
    assert keys.read().engage
    sample = keys.after(251, alive=False)
    assert not sample.engage
    assert not any(sample.motion)
    assert keys.after(1).motion == (0.0, -1.0)


def test_a_closed_window_disconnects_and_a_new_one_reconnects(keys: Bench) -> None:
    keys.put("key_down", "space")
    keys.put("key_down", "w")
    keys.put("closed")
    sample = keys.read()
    assert not sample.connected
    assert not sample.engage
    assert not any(sample.motion)
    sample = keys.after(10)
    assert sample.connected
    assert not sample.engage, "what was held before is forgotten"


def test_dropped_events_cannot_leave_a_key_stuck() -> None:
    keys = Bench(KeyboardDevice, load_profile("keyboard"), capacity=4)
    keys.put("key_down", "w")
    assert keys.read().motion == (0.0, -1.0)
    keys.put("key_up", "w")
    for _ in range(10):
        keys.put("alive")
    keys.now_ns += S
    keys.put("alive")
    assert keys.feed.dropped > 0
    assert keys.read().motion == (0.0, 0.0)


def test_an_event_from_the_future_does_not_keep_a_device_fresh(keys: Bench) -> None:
    keys.feed.put(InputEvent(keys.now_ns + 60 * S, "key_down", "w"))
    assert keys.read().time_ns <= keys.now_ns


def test_a_drag_gives_direction_and_strength_from_the_press(mouse: Bench) -> None:
    mouse.put("motion", position=(0.9, 0.9))
    assert not mouse.read().engage
    mouse.put("button_down", "left", (0.5, 0.5))
    sample = mouse.read()
    assert sample.engage
    assert sample.motion == (0.0, 0.0)
    mouse.put("motion", position=(0.55, 0.5))
    assert mouse.after(200).motion == pytest.approx((0.5, 0.0))
    mouse.put("motion", position=(0.5, -0.5))
    assert mouse.read().motion == pytest.approx((0.0, -1.0))
    mouse.put("button_up", "left", (0.5, -0.5))
    sample = mouse.read()
    assert sample.motion == (0.0, 0.0)
    assert not sample.engage


def test_a_flick_between_two_reads_is_not_lost(mouse: Bench) -> None:
    mouse.put("button_down", "left", (0.5, 0.5))
    mouse.put("motion", position=(0.6, 0.5))
    mouse.put("button_up", "left", (0.6, 0.5))
    mouse.put("motion", position=(0.1, 0.1))
    sample = mouse.read()
    assert sample.engage
    assert sample.motion == pytest.approx((1.0, 0.0))
    assert not mouse.after(100).engage


def test_another_button_neither_moves_the_origin_nor_ends_the_drag(mouse: Bench) -> None:
    mouse.put("button_down", "left", (0.5, 0.5))
    mouse.put("motion", position=(0.45, 0.5))
    mouse.put("button_down", "right", (0.45, 0.5))
    sample = mouse.after(200)
    assert sample.stop
    assert sample.motion == pytest.approx((-0.5, 0.0))
    mouse.put("button_up", "right", (0.45, 0.5))
    assert mouse.after(200).engage


def test_focus_loss_and_invalid_positions_end_motion(mouse: Bench) -> None:
    mouse.put("button_down", "left", (0.5, 0.5))
    mouse.put("motion", position=(math.nan, 0.6))
    assert mouse.read().motion == pytest.approx((0.0, 1.0))
    assert mouse.device.non_finite_readings > 0
    mouse.put("focus_lost")
    assert not mouse.read().engage
    mouse.put("motion", position=(0.9, 0.9))
    assert mouse.read().motion == (0.0, 0.0)


ARM = ("x", "y", "z", "rx", "ry", "rz", "gripper")


def moved(sample: DeviceSample, axes: tuple[str, ...] = ARM) -> dict[str, float]:
    return {axis: value for axis, value in zip(axes, sample.motion, strict=True) if value}


def test_a_wheel_notch_is_a_short_push_and_more_notches_continue_it() -> None:
    mouse = Bench(MouseDevice, load_profile("mouse"), axes=ARM)
    mouse.put("button_down", "left", (0.5, 0.5))
    mouse.put("wheel", "wheel up")
    assert moved(mouse.read()) == {"z": 1.0}
    assert moved(mouse.after(99)) == {"z": 1.0}
    mouse.put("wheel", "wheel up")
    assert moved(mouse.after(99)) == {"z": 1.0}
    assert moved(mouse.after(101)) == {}
    mouse.put("key_down", "left ctrl")
    mouse.put("wheel", "wheel down")
    assert moved(mouse.read()) == {"rz": -1.0}


def test_a_gripper_command_persists_until_the_correction_ends() -> None:
    keys = Bench(KeyboardDevice, load_profile("keyboard"), axes=ARM)
    for _ in range(3):  # key repeat is one press
        keys.put("key_down", "g")
    assert moved(keys.read()) == {"gripper": 1.0}
    keys.put("key_up", "g")
    assert moved(keys.after(500)) == {"gripper": 1.0}
    assert keys.device.status_text() == "moving · gripper closed"
    keys.device.correction_ended()
    assert moved(keys.after(10)) == {}
    keys.put("key_down", "g")
    assert moved(keys.read()) == {"gripper": 1.0}
    keys.put("focus_lost")
    sample = keys.read()
    assert moved(sample) == {}
    keys.put("focus_gained")
    assert keys.read().teaches == (True, True, True, False, False, False, False)


@pytest.mark.parametrize("kind", [KeyboardDevice, MouseDevice])
def test_contract(kind: type[WindowDevice]) -> None:
    feeds: list[EventFeed] = []

    def make() -> Device:
        feeds.append(EventFeed())
        return kind(feeds[-1], load_profile(kind.name))

    def put(event: str, name: str = "", position: tuple[float, float] = (0.0, 0.0)) -> None:
        feeds[-1].put(InputEvent(time.perf_counter_ns(), event, name, position))  # type: ignore[arg-type]

    def deflect(_: Device) -> None:
        put("key_down", "w")
        put("button_down", "left", (0.5, 0.5))
        put("motion", position=(0.5, 0.4))

    check_device(make, deflect, lambda _: put("closed"))


class _Bad(Device):
    """Breaks the contract in a chosen way."""

    name = "bad"
    axes = ("x",)

    def __init__(self, motion: float = 0.0, error: bool = False) -> None:
        super().__init__(rate_hz=1000)
        self.motion, self.error = motion, error

    def read(self, timeout_s: float) -> DeviceSample:
        time.sleep(timeout_s)
        if self.error:
            raise OSError("unplugged")
        return DeviceSample(time.perf_counter_ns(), (self.motion,))


def test_the_contract_can_fail() -> None:
    with pytest.raises(AssertionError, match=r"out of \[-1, 1\]"):
        check_device(lambda: _Bad(motion=1.5), deflect=lambda _: None)
    with pytest.raises(AssertionError, match="unplugged"):
        check_device(lambda: _Bad(error=True), lose=lambda _: None)
    with pytest.raises(AssertionError, match="disconnected device reports it"):
        check_device(_Bad, lose=lambda _: None, timeout_s=0.05)


def test_a_failed_reader_leaves_a_disconnected_device_with_its_reason() -> None:
    device = _Bad(motion=1.0, error=True)
    device.start()
    deadline = time.perf_counter() + 60
    while device.failure is None and time.perf_counter() < deadline:
        time.sleep(0.001)
    device.close()
    assert isinstance(device.failure, OSError)
    assert not device.latest().connected
    assert device.latest().motion == (0.0,)


def test_fresh_keeps_new_samples_and_zeroes_old_ones() -> None:
    sample = DeviceSample(S, (0.5, -0.5), engage=True, stop=True)
    assert fresh(sample, S + 200 * MS, 0.25) is sample
    old = fresh(sample, S + 300 * MS, 0.25)
    assert old == replace(sample, motion=(0.0, 0.0), engage=False, connected=False)
    assert old.stop, "a stop is kept"
