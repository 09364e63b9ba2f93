"""Several devices at once through virtual joysticks, HID bytes and a real window."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from fake_hid import COMPACT, FakeHid, FakeHidDevice, entry, moved, pressed, wait_until
from virtual_pads import RIGHT_SHOULDER, A, B, VirtualPads

from hitl_clic import presets
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.cockpit.window.window_link import WindowLink
from hitl_clic.correction.mapping import bind
from hitl_clic.devices.hardware import spacemouse, spacemouse_hid
from hitl_clic.devices.hardware.connected_pads import connected_pads, controllers
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.runner.device_registry import EVERY_AXIS, make_device
from hitl_clic.settings_layers import load
from tools.virtual_display import MISSING, xdotool

ONE_ARM = ("x", "y", "z", "rx", "ry", "rz", "gripper")


@pytest.fixture
def mice(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeHid:
    """Two SpaceMouse Compacts at hidapi, with the serial numbers LEFT and RIGHT."""
    hid = FakeHid(
        entry(0x256F, 0xC635, b"right", serial_number="RIGHT"), entry(0x256F, 0xC635, b"left", serial_number="LEFT")
    )
    read_at_once = FakeHidDevice.read

    def read(self: FakeHidDevice, length: int, timeout_ms: int = 0) -> list[int]:
        found = read_at_once(self, length)
        if not found:
            time.sleep(0.002)
        return found

    for place in (spacemouse, spacemouse_hid):
        monkeypatch.setattr(place, "hid_module", lambda: hid)
    monkeypatch.setattr(FakeHidDevice, "read", read)
    monkeypatch.setattr(presets, "user_folder", lambda: tmp_path)
    return hid


def test_one_3d_mouse_per_arm(mice: FakeHid) -> None:
    settings = load(overrides={"device": "spacemouse:LEFT+spacemouse:RIGHT", "task": "two_arm_lift"})
    device = make_device(settings, EVERY_AXIS, TeacherChannel(), EventFeed())
    assert device.axes == EVERY_AXIS
    assert bind(device.axes, EVERY_AXIS).device == tuple(range(14))
    device.start()

    def push(path: bytes, *raw: int) -> None:
        mice.put(path, *moved(COMPACT, *raw))

    def driven() -> set[str]:
        sample = device.latest()
        return {axis for axis, value in zip(device.axes, sample.motion, strict=True) if value}

    try:
        wait_until(lambda: len(mice.open_paths) == 2)
        push(b"left", 350, 0, 0, 0, 0, 0)
        wait_until(lambda: "x" in driven())
        sample = device.latest()
        assert driven() == {"x"}
        assert sample.engage
        assert sample.teaches is not None
        assert not any(sample.teaches[7:]), "the robot keeps the second arm"
        push(b"right", 0, -350, 0, 0, 0, 0)
        wait_until(lambda: driven() == {"x", "y2"})
        push(b"left", 0, 0, 0, 0, 0, 0)
        wait_until(lambda: driven() == {"y2"})
        mice.unplug(b"left")
        wait_until(lambda: "SpaceMouse LEFT" in device.trouble)
        push(b"right", 0, -350, 0, 0, 0, 0)
        wait_until(lambda: driven() == {"y2"})
        assert device.latest().connected, "the second arm goes on without the first"
        assert "SpaceMouse LEFT (arm 1): not connected" in device.status_text()
        mice.put(b"right", pressed(COMPACT, "left", "right"))
        wait_until(lambda: device.latest().stop)
    finally:
        device.close()


@pytest.fixture
def pads() -> Iterator[VirtualPads]:
    if connected_pads():
        pytest.skip("a real gamepad is connected, and the device would open it first")
    virtual = VirtualPads()
    yield virtual
    for pad in virtual.attached:
        pad.unplug()
    controllers().update()


def test_one_gamepad_per_arm(pads: VirtualPads) -> None:
    first, second = pads.attach(name=b"Left"), pads.attach(name=b"Right")
    settings = load(overrides={"device": "gamepad:Right+gamepad:0", "task": "two_arm_lift"})
    device = make_device(settings, EVERY_AXIS, TeacherChannel(), EventFeed())
    device.start()
    try:
        wait_until(lambda: not device.trouble and device.latest().connected)
        for pad in (first, second):
            pad.axis(0, 1.0)
        second.button(RIGHT_SHOULDER)
        wait_until(lambda: device.latest().engage and any(device.latest().motion))
        assert device.latest().motion == (1.0, *(0.0,) * 13), "the chosen first device drives the first arm"
        first.button(RIGHT_SHOULDER)
        wait_until(lambda: device.latest().motion[7] == 1.0)
        first.unplug()
        wait_until(lambda: device.latest().motion == (1.0, *(0.0,) * 13))
        assert device.latest().connected
    finally:
        device.close()


@pytest.mark.skipif(bool(MISSING), reason=MISSING)
@pytest.mark.realtime
def test_a_gamepad_moves_while_the_keyboard_commands(
    pads: VirtualPads, display: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISPLAY", display)
    monkeypatch.delenv("SDL_VIDEODRIVER", raising=False)
    pad, feed = pads.attach(), EventFeed()
    settings = load(overrides={"device": "gamepad+keyboard", "task": "pick_can"})
    device = make_device(settings, ONE_ARM, TeacherChannel(), feed)
    window = WindowLink(WindowSettings(width=800, height=450, niceness=0))
    window.add_feed(feed)
    try:
        window.start()
        device.start()
        found = xdotool(display, "search", "--class", "hitl-clic").split()
        xdotool(display, "windowfocus", "--sync", found[0])
        wait_until(lambda: device.latest().connected and not device.trouble)
        pad.axis(0, 1.0)
        wait_until(lambda: device.latest().motion[0] == 1.0)
        assert not device.latest().engage
        xdotool(display, "keydown", "space")
        wait_until(lambda: device.latest().engage)
        assert device.latest().motion[0] == 1.0
        xdotool(display, "keydown", "Left")
        wait_until(lambda: device.latest().motion[0] == 0.0)  # full left and full right
        xdotool(display, "keyup", "Left")
        xdotool(display, "key", "g")
        wait_until(lambda: device.latest().motion[6] == 1.0)
        pad.button(A)
        pad.button(A, False)
        xdotool(display, "key", "g")
        wait_until(lambda: device.latest().motion[6] == -1.0)
        xdotool(display, "keyup", "space")
        wait_until(lambda: not device.latest().engage)
        window.close()  # the keyboard is gone, and the gamepad drives alone
        pad.button(RIGHT_SHOULDER)
        wait_until(lambda: device.latest().engage and "keyboard" in device.trouble)
        assert device.latest().motion[0] == 1.0
        pad.button(B)
        wait_until(lambda: device.latest().stop)
    finally:
        window.close()
        device.close()
