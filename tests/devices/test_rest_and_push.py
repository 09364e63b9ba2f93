"""A device that does not rest at zero, and noise at a threshold: who drives, what is learnt as rest, and what is said.

Through the real event paths: HID bytes of a 3D mouse, and a virtual pad of SDL. Unless said, no hand is on the device.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
from fake_hid import COMPACT, FakeTransport, moved, pressed
from virtual_pads import RIGHT_SHOULDER, VirtualPads

from hitl_clic.control.gate import Gate, GateSettings
from hitl_clic.correction.mapping import bind, human_action
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.gamepad import PadSource, connected_pads
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.hardware.spacemouse import ReportSource
from hitl_clic.devices.mapping.push import Push, thresholds
from hitl_clic.devices.mapping.rest import STEP, RestOffsets
from hitl_clic.devices.mapping.shaping import AxisSetting, Profile, load_profile

MS = 1_000_000
ARM = ("x", "y", "z", "rx", "ry", "rz", "gripper")
STEP_MS = 8
TICK = 6
"""Readings in a tick of 20 Hz."""
MODES = ("hold", "touch", "toggle")


@dataclass
class Hand:
    """A device, a clock, and who drives; `read` gives one sample, each sixth of which is a tick."""

    device: HandheldDevice
    move: Callable[[tuple[float, ...]], None]
    now_ns: int = 10**10
    count: int = 0

    def read(self, *raw: float) -> DeviceSample:
        """One reading, with six deflections, 1 at full; the rest of them 0."""
        self.now_ns += STEP_MS * MS
        self.move((*raw, *[0.0] * (6 - len(raw))))
        return self.device.read(0.0)

    def hold(self, seconds: float, *raw: float) -> DeviceSample:
        for _ in range(max(1, round(seconds * 1e3 / STEP_MS))):
            sample = self.read(*raw)
        return sample

    def drivers(self, gate: Gate, readings: list[tuple[float, ...]]) -> list[str]:
        """The driver at each tick."""
        found = []
        for raw in readings:
            sample = self.read(*raw)
            self.count += 1
            if self.count % TICK == 0:
                found.append(gate.step(sample, self.now_ns).driver)
        return found


def changes(drivers: list[str]) -> int:
    return sum(now != before for now, before in zip(drivers[1:], drivers, strict=False))


def cap(profile: Profile | None = None) -> Hand:
    """A 3D mouse: right, away, up and the rotations about them, by HID bytes."""
    transport = FakeTransport(COMPACT)

    def move(raw: tuple[float, ...]) -> None:
        signs = (1, -1, -1, 1, -1, -1)
        transport.put(*moved(COMPACT, *[round(350 * value * sign) for value, sign in zip(raw, signs, strict=True)]))

    hand = Hand(None, move)  # type: ignore[arg-type]
    source = ReportSource(transport, clock=lambda: hand.now_ns)
    hand.device = HandheldDevice(
        "spacemouse", source, profile or load_profile("spacemouse"), clock=lambda: hand.now_ns, axes=ARM
    )
    hand.device.read(0.0)
    hand.transport = transport  # type: ignore[attr-defined]
    return hand


@pytest.fixture
def pads() -> Iterator[VirtualPads]:
    pytest.importorskip("pygame")
    connected_pads()
    virtual = VirtualPads()
    yield virtual
    for pad in virtual.attached:
        pad.unplug()


def stick(pads: VirtualPads) -> Hand:
    """A gamepad: left x, left y, right x and right y. The profile's dead-man control is not held."""
    pad = pads.attach()

    def move(raw: tuple[float, ...]) -> None:
        for number, value in enumerate(raw[:4]):
            pad.axis(number, value)

    hand = Hand(None, move)  # type: ignore[arg-type]
    source = PadSource(clock=lambda: hand.now_ns)
    hand.device = HandheldDevice("gamepad", source, load_profile("gamepad"), clock=lambda: hand.now_ns, axes=ARM)
    hand.pad = pad  # type: ignore[attr-defined]
    return hand


# ---- a cap that rests off zero


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("raw", [30, 40, 50, 60])
def test_a_cap_that_rests_off_zero_does_not_drive(mode: str, raw: int) -> None:
    """30 of 350 is beyond the dead zone of 28. It drove for ever and taught standing still on six axes."""
    hand, gate = cap(), Gate(GateSettings(mode=mode))  # type: ignore[arg-type]
    readings = [(raw / 350,)] * 1500
    assert set(hand.drivers(gate, readings)) == {"robot"}
    assert not any(hand.read(raw / 350).motion)
    if raw < 60:
        assert hand.device.inputs.rest["right"] == pytest.approx(raw / 350, abs=0.01)
    else:
        assert "rests far off zero (right +0.17)" in hand.device.status_text(), "more than is learnt is said"
    bound = bind(ARM, ARM)
    label = human_action([0.0] * 7, hand.read(raw / 350).motion, "relative", 1.0, bound)
    assert not label.taught.any()


def test_after_that_the_whole_way_is_left() -> None:
    hand = cap()
    hand.hold(10.0, 0.1)
    for end in (1.0, -1.0):
        assert hand.hold(0.3, end).motion[0] == end
        assert hand.hold(1.0, 0.1).engage is False


def test_a_stick_that_rests_off_zero_neither_drives_nor_teaches(pads: VirtualPads) -> None:
    """Held or not: with the dead-man control held, its motion is exactly zero, not a little."""
    hand = stick(pads)
    gate = Gate(GateSettings(mode="touch"))
    readings = [(0.14, -0.13)] * 1500
    assert set(hand.drivers(gate, readings)) == {"robot"}
    assert hand.device.inputs.rest["left x"] == pytest.approx(0.14, abs=0.01)
    hand.pad.button(RIGHT_SHOULDER)  # type: ignore[attr-defined]
    sample = hand.hold(0.5, 0.14, -0.13)
    assert (sample.engage, any(sample.motion)) == (True, False)
    assert hand.hold(0.5, 1.0, -0.13).motion[0] == 1.0


# ---- noise at a threshold


def noisy(about: float, noise: float, seconds: float = 4.0) -> list[tuple[float, ...]]:
    """A reading that trembles, and that moves up and down by the same amount every 0.2 s."""
    rng, readings = random.Random(0), []
    for number in range(round(seconds * 1e3 / STEP_MS)):
        wander = noise / 2 * (1 if number // 25 % 2 else -1)
        readings.append((about + wander + rng.uniform(-noise, noise) / 2,))
    return readings


@pytest.mark.parametrize("mode", MODES)
@pytest.mark.parametrize("about", [0.06, 0.08, 0.1, 0.12, 0.126, 0.14, 0.2])
def test_noise_at_a_threshold_changes_the_driver_once_at_most(mode: str, about: float) -> None:
    """At the edge of the dead zone it was 19 times in 4 s."""
    hand, gate = cap(), Gate(GateSettings(mode=mode))  # type: ignore[arg-type]
    hand.hold(0.1)
    assert changes(hand.drivers(gate, noisy(about, 0.012))) <= 1


@pytest.mark.parametrize("about", [0.15, 0.25, 0.28, 0.3])
def test_noise_of_a_stick_changes_the_driver_once_at_most(pads: VirtualPads, about: float) -> None:
    """Touch mode is the one in which a stick alone takes over."""
    hand, gate = stick(pads), Gate(GateSettings(mode="touch"))
    hand.hold(0.1)
    assert changes(hand.drivers(gate, noisy(about, 0.02))) <= 1


def test_the_old_thresholds_would_flicker() -> None:
    """What the two tests above can see: with one threshold and no time, the driver changes many times."""
    single = load_profile("spacemouse").model_copy(
        update={"engage_above": 0.0, "release_below": 0.0, "release_after_s": 0.0, "rest_limit": 0.0}
    )
    hand, gate = cap(single), Gate(GateSettings(mode="hold"))
    hand.hold(0.1)
    assert changes(hand.drivers(gate, noisy(0.08, 0.012))) > 10


@pytest.mark.parametrize("motion", [0.03, 0.049, 0.051])
def test_the_gate_has_two_thresholds_of_its_own(motion: float) -> None:
    """For devices without a profile of this kind: a mouse that is dragged, or an object."""
    gate, rng = Gate(GateSettings(mode="touch", release_s=0.0)), random.Random(1)
    drivers = []
    for tick in range(1, 200):
        value = motion + rng.uniform(-0.008, 0.008)
        drivers.append(gate.step(DeviceSample(tick * 50 * MS, (value,)), tick * 50 * MS).driver)
    assert changes(drivers) <= 1


def test_a_lower_touch_threshold_is_the_lower_of_both() -> None:
    gate = Gate(GateSettings(mode="touch", touch_threshold=0.01, release_s=0.0))
    drivers = [
        gate.step(DeviceSample(tick * MS, (value,)), tick * MS).driver for tick, value in ((1, 0.015), (2, 0.012))
    ]
    assert drivers == ["human", "human"]


# ---- the end of a push


def test_a_push_that_passes_the_centre_does_not_end_the_correction() -> None:
    """From left to right in 80 ms. Meanwhile the robot moves as it would, and nothing but the gripper is taught."""
    hand = cap()
    hand.hold(0.3, 1.0)
    hand.transport.put(pressed(COMPACT, "left"), pressed(COMPACT))  # type: ignore[attr-defined]
    assert hand.read(1.0).motion[-1] == 1.0
    for _ in range(10):
        sample = hand.read(0.0)
        assert (sample.engage, any(sample.motion[:6])) == (True, False)
        assert sample.teaches == (False,) * 6 + (True,), "not: stand still"
    sample = hand.read(-1.0)
    assert (sample.engage, sample.motion[0], sample.teaches) == (True, -1.0, None)


def test_a_released_cap_hands_back_after_a_moment() -> None:
    hand = cap()
    hand.hold(0.3, 1.0)
    assert hand.hold(0.09, 0.0).engage
    assert not hand.hold(0.03, 0.0).engage


def test_with_another_dead_man_control_to_stand_still_is_a_command() -> None:
    """The cap is centred and a button is held on purpose."""
    profile = load_profile("spacemouse")
    hand = cap(profile.model_copy(update={"buttons": {"cap": "engage", "left": "engage"}}))
    hand.hold(0.3, 1.0)
    hand.transport.put(pressed(COMPACT, "left"))  # type: ignore[attr-defined]
    sample = hand.read(0.0)
    assert sample.engage
    assert sample.teaches is None, "all axes; no gripper is bound"


# ---- learning


def test_a_push_is_never_learnt() -> None:
    """Not a long steady one, nor the swing after it, nor a hand that trembles below the threshold."""
    hand = cap()
    hand.hold(0.1)
    hand.hold(20.0, 0.2)
    assert not any(hand.device.inputs.rest.values())
    for number in range(40):
        hand.hold(0.3, 0.6)
        hand.hold(0.4, 0.09 * (-1) ** number)
    assert not any(hand.device.inputs.rest.values())
    for reading in noisy(0.09, 0.03, 10.0):
        hand.read(*reading)
    assert not any(hand.device.inputs.rest.values())


def test_learning_is_slow_and_bounded() -> None:
    hand = cap()
    hand.hold(1.1, 0.1)
    assert 0.0 < hand.device.inputs.rest["right"] <= STEP
    hand.hold(30.0, 0.1)
    for level in (0.12, 0.15, 0.18, 0.2, 0.22):
        hand.hold(10.0, level)
        assert abs(hand.device.inputs.rest["right"]) <= 0.15


def test_another_zero_is_learnt_after_plugging_in_again() -> None:
    hand = cap()
    hand.hold(10.0, 0.1)
    hand.transport.plug(False)  # type: ignore[attr-defined]
    hand.read()
    hand.transport.plug(True)  # type: ignore[attr-defined]
    hand.now_ns += 600 * MS
    hand.read(0.0)
    assert not any(hand.device.inputs.rest.values())


def test_a_calibrated_offset_is_not_subtracted_twice() -> None:
    profile = load_profile("spacemouse")
    axes = {**profile.axes, "x": profile.axes["x"].model_copy(update={"offset": 0.1})}
    hand = cap(profile.model_copy(update={"axes": axes}))
    assert not any(hand.hold(10.0, 0.1).motion)
    assert hand.device.inputs.rest["right"] == pytest.approx(0.0, abs=0.005)
    assert hand.hold(0.3, 1.0).motion[0] == pytest.approx(1.0)


def test_nothing_is_learnt_where_the_limit_is_zero() -> None:
    hand = cap(load_profile("spacemouse").model_copy(update={"rest_limit": 0.0}))
    hand.hold(10.0, 0.09)
    assert hand.device.inputs.rest == {}


def test_a_first_push_that_is_hard_counts_at_once() -> None:
    """Before a device was seen at rest, a small steady deflection is taken for its rest; a push is larger."""
    assert cap().read(0.4).engage
    hand = cap()
    assert not hand.read(0.14).engage
    assert not hand.read(0.05).engage
    assert hand.read(0.14).engage, "now it was at rest"


# ---- what is said


def test_a_device_that_drifts_is_said() -> None:
    hand = cap()
    hand.hold(5.0)
    assert hand.device.status_text() == "moving and turning · gripper by the robot"
    for step in range(30):
        hand.hold(1.0, 0.004 * step)
    assert "drifts: its rest moved within a minute (right +0.1" in hand.device.status_text()


def test_a_rest_near_the_bound_is_said() -> None:
    hand = cap()
    hand.hold(15.0, 0.13)
    assert "rests far off zero (right +0.13); calibrate it" in hand.device.status_text()
    beyond = cap()
    beyond.hold(15.0, 0.19)
    assert "rests far off zero (right +0.19); calibrate it" in beyond.device.status_text()


def test_a_push_that_never_changes_is_said() -> None:
    """A cap that sticks after a push: no one may call that rest, but a hand is not that steady."""
    hand = cap()
    hand.hold(0.3)
    assert hand.hold(10.0, 0.25).engage
    assert "reads the same all the time" in hand.device.status_text()
    hand.hold(1.0)
    assert "reads the same" not in hand.device.status_text()


# ---- the parts


def test_thresholds_of_each_axis() -> None:
    found = thresholds(load_profile("spacemouse"))
    assert found["x"] == pytest.approx((0.126, 0.0984))
    assert found["rz"] == pytest.approx((0.24, 0.216))


def test_a_release_threshold_above_the_other_is_refused() -> None:
    with pytest.raises(ValueError, match=r"release_below = 0\.3 must be at most engage_above = 0\.05"):
        Profile(name="p", axes={"x": AxisSetting()}, release_below=0.3)


def test_a_push_begins_once_and_ends_after_its_time() -> None:
    push = Push(Profile(name="p", axes={"x": AxisSetting()}, engage_above=0.2, release_below=0.1, release_after_s=0.1))
    phases = [
        push.step(size, ms * MS) for ms, size in ((0, 0), (1, 0.15), (2, 0.25), (3, 0.15), (4, 0.05), (103, 0.05))
    ]
    assert phases == ["rest", "rest", "pushed", "pushed", "ending", "rest"]


def test_offsets_leave_full_deflection_at_one() -> None:
    rest = RestOffsets(0.2, {"x": 0.0})
    for ms in range(0, 12_000, 10):
        rest.learn({"x": -0.1}, "rest", ms * MS)
    assert rest.offsets["x"] == pytest.approx(-0.1, abs=1e-6)
    for value in (-1.0, 1.0):
        assert rest.apply({"x": value})["x"] == pytest.approx(value)


# ---- chords of a pad


def test_a_chord_of_a_pad_does_not_fire_its_parts(pads: VirtualPads) -> None:
    pad = pads.attach()
    profile = load_profile("gamepad")
    buttons = {"a": "gripper", "b": "mode", "a+b": "stop", "a long": "arm"}
    now_ns = [10**10]
    device = HandheldDevice(
        "gamepad",
        PadSource(clock=lambda: now_ns[0]),
        profile.model_copy(update={"buttons": buttons}),
        clock=lambda: now_ns[0],
        axes=(*ARM, "x2"),
    )

    def hold(*down: int) -> DeviceSample:
        for number in (0, 1):
            pad.button(number, number in down)
        now_ns[0] += 150 * MS
        return device.read(0.0)

    hold()
    before = device._mapper.status
    assert not hold(0).stop
    assert hold(0, 1).stop
    hold(1)
    assert not hold().stop
    hold()
    assert device._mapper.status == before
    hold(0)
    hold()
    assert device._mapper.status.gripper == 1
    for _ in range(4):
        hold(0)
    hold()
    assert (device._mapper.status.arm, device._mapper.status.mode) == (1, before.mode)
