"""A chord of a virtual pad's buttons, and a long press of one of them."""

from __future__ import annotations

from deflected_devices import ARM, MS
from virtual_pads import VirtualPads

from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.gamepad import PadSource
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.mapping.shaping import load_profile


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
