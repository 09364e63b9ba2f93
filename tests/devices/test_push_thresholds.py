"""Noise at a threshold and the end of a push: who drives, and what is taught.

Through the real event paths: HID bytes of a 3D mouse, and a virtual pad of SDL. Unless said, no hand is on the device.
"""

from __future__ import annotations

import random

import pytest
from deflected_devices import MODES, MS, cap, changes, noisy, stick
from fake_hid import COMPACT, pressed
from virtual_pads import VirtualPads

from hitl_clic.control.gate import Gate, GateSettings
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.mapping.push import Push, thresholds
from hitl_clic.devices.mapping.shaping import AxisSetting, Profile, load_profile


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
