"""A device that does not rest at zero: who drives, what is learnt as rest, and what is said.

Through the real event paths: HID bytes of a 3D mouse, and a virtual pad of SDL. Unless said, no hand is on the device.
"""

from __future__ import annotations

import pytest
from deflected_devices import ARM, MODES, MS, cap, noisy, stick
from virtual_pads import RIGHT_SHOULDER, VirtualPads

from hitl_clic.control.gate import Gate, GateSettings
from hitl_clic.correction.mapping import bind, human_action
from hitl_clic.devices.mapping.rest import STEP, RestOffsets
from hitl_clic.devices.mapping.shaping import load_profile


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


def test_offsets_leave_full_deflection_at_one() -> None:
    rest = RestOffsets(0.2, {"x": 0.0})
    for ms in range(0, 12_000, 10):
        rest.learn({"x": -0.1}, "rest", ms * MS)
    assert rest.offsets["x"] == pytest.approx(-0.1, abs=1e-6)
    for value in (-1.0, 1.0):
        assert rest.apply({"x": value})["x"] == pytest.approx(value)
