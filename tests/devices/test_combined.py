"""Several devices at once: one arm each, or all on one arm; through virtual joysticks, HID bytes and a real window."""

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
from hitl_clic.devices.core.contract import check_device
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware import spacemouse, spacemouse_hid
from hitl_clic.devices.hardware.connected_pads import connected_pads, controllers
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.mapping.combined import CombinedDevice, Part, arms_of_parts, axes_of_arm
from hitl_clic.devices.registry import chosen_devices
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.runner.device_registry import EVERY_AXIS, device_in_use, device_spec, key_map, make_device
from hitl_clic.runner.device_registry import resolve_device as resolve
from hitl_clic.settings import load
from hitl_clic.types.errors import SettingsError
from tools.virtual_display import MISSING, xdotool

MS = 1_000_000
ONE_ARM = ("x", "y", "z", "rx", "ry", "rz", "gripper")


class Toy(Device):
    """A device whose sample the test sets; without a thread."""

    def __init__(self, *axes: str) -> None:
        super().__init__(100.0)
        self.axes = axes
        self.stops = self.ends = 0

    def read(self, timeout_s: float) -> DeviceSample:
        time.sleep(timeout_s)
        return self.latest()

    def set(self, *motion: float, at_ns: int = 0, **more: object) -> None:
        self._publish(DeviceSample(at_ns, motion, **more))  # type: ignore[arg-type]

    def robot_stopped(self) -> None:
        self.stops += 1

    def correction_ended(self) -> None:
        self.ends += 1


class Pair:
    """Two toys as one device, at a time that the test sets."""

    def __init__(self, first: Toy, second: Toy, arms: tuple[int | None, int | None] = (None, None)) -> None:
        self.first, self.second, self.now_ns = first, second, 1000 * MS
        parts = [Part(first, "first", arms[0]), Part(second, "second", arms[1])]
        self.device = CombinedDevice(parts, clock=lambda: self.now_ns)

    def sample(self) -> DeviceSample:
        return self.device.read(0.0)


@pytest.fixture
def shared() -> Pair:
    """Both on one arm."""
    return Pair(Toy("x", "y"), Toy("x", "gripper"))


@pytest.fixture
def apart() -> Pair:
    """An arm each."""
    return Pair(Toy("x", "y"), Toy("x", "y"), (0, 1))


# ---- the rule


def test_at_several_arms_each_device_in_turn_has_one() -> None:
    assert arms_of_parts(EVERY_AXIS, [True] * 2) == (0, 1)
    assert arms_of_parts(EVERY_AXIS, [True] * 3) == (0, 1, 0)
    assert arms_of_parts(EVERY_AXIS, [True]) == (None,)
    assert arms_of_parts(ONE_ARM, [True] * 2) == (None, None)
    assert axes_of_arm(EVERY_AXIS, 1) == axes_of_arm(EVERY_AXIS, 0) == ONE_ARM
    assert axes_of_arm(EVERY_AXIS, None) == EVERY_AXIS


def test_motions_on_one_arm_are_summed_and_clipped(shared: Pair) -> None:
    assert shared.device.axes == ("x", "y", "gripper")
    shared.first.set(0.75, -0.5, at_ns=shared.now_ns, engage=True)
    shared.second.set(0.5, 0.0, at_ns=shared.now_ns)
    sample = shared.sample()
    assert (sample.motion, sample.engage, sample.connected) == ((1.0, -0.5, 0.0), True, True)
    shared.second.set(-0.5, 0.0, at_ns=shared.now_ns)
    assert shared.sample().motion == (0.25, -0.5, 0.0)


def test_one_device_engages_and_the_other_moves(shared: Pair) -> None:
    shared.first.set(0.0, 0.0, at_ns=shared.now_ns, engage=True)
    shared.second.set(0.5, 0.0, at_ns=shared.now_ns)
    sample = shared.sample()
    assert (sample.motion, sample.engage, sample.teaches) == ((0.5, 0.0, 0.0), True, None)


def test_a_device_at_rest_teaches_nothing_beside_one_that_drives(shared: Pair) -> None:
    shared.first.set(0.5, 0.0, at_ns=shared.now_ns, engage=True)
    shared.second.set(0.0, 0.0, at_ns=shared.now_ns)
    assert shared.sample().teaches == (True, True, False)
    shared.first.set(0.0, 0.0, at_ns=shared.now_ns)
    assert shared.sample().teaches is None, "while nobody acts it covers what all could"


def test_each_arm_has_its_own_dead_man_control(apart: Pair) -> None:
    assert apart.device.axes == ("x", "y", "x2", "y2")
    apart.first.set(0.5, 0.25, at_ns=apart.now_ns, engage=True)
    apart.second.set(-1.0, 0.0, at_ns=apart.now_ns)
    sample = apart.sample()
    assert sample.motion == (0.5, 0.25, 0.0, 0.0), "the second arm is pushed without its control"
    assert sample.teaches == (True, True, False, False)
    apart.second.set(-1.0, 0.0, at_ns=apart.now_ns, engage=True)
    sample = apart.sample()
    assert (sample.motion, sample.teaches) == ((0.5, 0.25, -1.0, 0.0), None)
    apart.first.set(0.5, 0.25, at_ns=apart.now_ns)
    apart.second.set(-1.0, 0.0, at_ns=apart.now_ns)
    assert apart.sample().motion == (0.5, 0.25, -1.0, 0.0), "touch and toggle mode need no control"


def test_a_stale_part_contributes_nothing_and_does_not_drag_the_other_down(apart: Pair) -> None:
    apart.first.set(0.5, 0.0, at_ns=apart.now_ns - 251 * MS, engage=True)
    apart.second.set(0.25, 0.0, at_ns=apart.now_ns, engage=True)
    sample = apart.sample()
    assert (sample.motion, sample.connected, sample.engage) == ((0.0, 0.0, 0.25, 0.0), True, True)
    assert sample.teaches == (False, False, True, True)
    assert sample.age_s(apart.now_ns) == 0.0
    assert "first: not connected" in apart.device.trouble
    assert "second" not in apart.device.trouble
    apart.second.set(0.25, 0.0, at_ns=apart.now_ns - 251 * MS, engage=True)
    sample = apart.sample()
    assert (any(sample.motion), sample.connected, sample.engage) == (False, False, False)


def test_a_lost_part_is_named(shared: Pair) -> None:
    shared.first.set(0.5, 0.0, at_ns=shared.now_ns, engage=True)
    shared.second.trouble = "the pad was unplugged"
    shared.second.set(0.0, 0.0, at_ns=shared.now_ns, connected=False)
    sample = shared.sample()
    assert (sample.motion, sample.connected) == ((0.5, 0.0, 0.0), True)
    assert shared.device.trouble == "second: the pad was unplugged"
    assert "second: not connected" in shared.device.status_text()


@pytest.mark.parametrize("connected", [True, False])
def test_any_part_stops_even_a_lost_or_stale_one(shared: Pair, connected: bool) -> None:
    shared.first.set(0.5, 0.0, at_ns=shared.now_ns, engage=True)
    shared.second.set(0.0, 0.0, at_ns=0, stop=True, connected=connected)
    assert shared.sample().stop


def test_the_newer_of_two_gripper_commands_holds() -> None:
    pair = Pair(Toy("x", "gripper"), Toy("x", "gripper"))

    def command(toy: Toy, value: float) -> None:
        toy.set(0.0, value, at_ns=pair.now_ns, lasting=(False, value != 0.0))

    command(pair.first, 1.0)
    command(pair.second, 0.0)
    sample = pair.sample()
    assert (sample.motion[1], sample.lasting) == (1.0, (False, True))
    command(pair.second, -1.0)
    assert pair.sample().motion[1] == -1.0
    command(pair.first, -1.0)
    command(pair.second, -1.0)
    pair.sample()
    command(pair.first, 1.0)
    assert pair.sample().motion[1] == 1.0
    command(pair.first, 0.0)
    assert pair.sample().motion[1] == -1.0


def test_a_gripper_command_is_taught_with_the_other_devices_drive(shared: Pair) -> None:
    shared.first.set(0.5, 0.0, at_ns=shared.now_ns, engage=True)
    shared.second.set(0.0, 1.0, at_ns=shared.now_ns, teaches=(True, True), lasting=(False, True))
    assert shared.sample().teaches is None


def test_messages_reach_all_parts_and_their_commands_come_back(shared: Pair) -> None:
    shared.device.robot_stopped()
    shared.device.correction_ended()
    assert [(toy.stops, toy.ends) for toy in (shared.first, shared.second)] == [(1, 1)] * 2
    shared.second.give_command("pause")
    shared.first.give_command("success")
    assert sorted(shared.device.take_commands()) == ["pause", "success"]
    assert shared.device.take_commands() == []


def test_standing_still_is_taught_unless_the_other_pushes(shared: Pair) -> None:
    shared.first.set(0.0, 0.0, at_ns=shared.now_ns, engage=True, still=True)
    shared.second.set(0.0, 0.0, at_ns=shared.now_ns)
    assert shared.sample().still
    shared.second.set(0.5, 0.0, at_ns=shared.now_ns)
    assert not shared.sample().still


def test_a_window_that_two_devices_read_gives_each_all_events() -> None:
    feed = EventFeed(2)
    other = feed.branch()
    event = InputEvent(1, "key_down", "w")
    feed.put(event)
    assert (feed.drain(0.0), other.drain(0.0)) == ([event], [event])
    for _ in range(3):
        feed.put(event)
    assert (feed.dropped, other.dropped) == (1, 1)


def test_contract() -> None:
    class Wheel(Toy):
        def read(self, timeout_s: float) -> DeviceSample:
            time.sleep(0.002)
            return DeviceSample(time.perf_counter_ns(), self.now if self.up else (0.0, 0.0), connected=self.up)

        now: tuple[float, ...] = (0.0, 0.0)
        up = True

    made: list[Wheel] = []

    def make() -> CombinedDevice:
        made[:] = [Wheel("x", "y"), Wheel("x", "y")]
        return CombinedDevice([Part(made[0], "a", 0), Part(made[1], "b", 1)])

    def lose(_: Device) -> None:
        made[0].up = made[1].up = False

    check_device(make, lambda _: setattr(made[1], "now", (0.0, -1.0)), lose)
    assert all(one.failure is None and not any(one.latest().motion) for one in made), "the parts are closed too"


def test_a_part_that_fails_is_a_lost_part() -> None:
    class Broken(Toy):
        def read(self, timeout_s: float) -> DeviceSample:
            raise ValueError("a faulty driver")

    device = CombinedDevice([Part(Broken("x"), "a"), Part(Toy("x"), "b")])
    device.start()
    try:
        wait_until(lambda: "a: a faulty driver" in device.trouble)
        assert device.failure is None
    finally:
        device.close()


# ---- real event paths


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


# ---- settings and texts


def test_each_part_has_its_own_profile(tmp_path: Path) -> None:
    slow = tmp_path / "slow.toml"
    slow.write_text(
        'name = "slow"\nscale = 0.5\n[axes.x]\n[axes.y]\n[keys]\nj = "-x"\nl = "+x"\ntab = "engage"\n', encoding="utf-8"
    )
    settings = load(overrides={"device": "gamepad+keyboard", "profile": f"+{slow}"})
    rows = dict(key_map(settings, ("x", "y")))
    assert rows["gamepad: Left stick left or right"] == "Move left / right"
    assert rows["keyboard: J L"] == "Move left / right"
    assert device_in_use(settings).hint("hold", False) == "hold the right shoulder button or Tab to correct"
    feed = EventFeed()
    device = make_device(settings, ("x", "y"), TeacherChannel(), feed)
    device.start()
    try:
        feed.put(InputEvent(time.perf_counter_ns(), "key_down", "l"))
        wait_until(lambda: device.latest().motion[0] == 0.5)
    finally:
        device.close()
    with pytest.raises(SettingsError, match="names 1 of 2 profiles"):
        resolve(load(overrides={"device": "gamepad+spacemouse", "profile": str(slow), "headless": True}))


def test_texts_of_a_combination_make_sense() -> None:
    settings = load(overrides={"device": "spacemouse:L+spacemouse:R", "task": "two_arm_lift"})
    spec = device_in_use(settings)
    assert (spec.label, spec.control) == ("SpaceMouse L + SpaceMouse R", "the cap")
    rows = dict(key_map(settings, EVERY_AXIS))
    assert rows["SpaceMouse L: Push left or right"] == "Move left / right (arm 1)"
    assert rows["SpaceMouse R: Push left or right"] == "Move left / right (arm 2)"
    assert list(rows.values()).count("Emergency stop") == 2, "which stops both arms"
    assert not any("next arm" in does for does in rows.values()), "each device has its arm"
    assert device_spec("gamepad:1").label == "gamepad 1"
    assert device_spec("gamepad+keyboard").needs_window


def test_what_cannot_be_joined_is_refused() -> None:
    with pytest.raises(ValueError, match="'oracle' is a script and corrects alone"):
        chosen_devices("oracle+keyboard")
    with pytest.raises(SettingsError, match="needs a window, but --headless was given"):
        resolve(load(overrides={"device": "gamepad+keyboard", "headless": True}))
