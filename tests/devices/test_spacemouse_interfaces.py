"""3D mice with several interfaces: the one that speaks is read, silence is said, and a user's own models are known."""

from __future__ import annotations

import time
from pathlib import Path
from typing import Any

import pytest
from fake_hid import COMPACT, RECEIVER, WIRELESS, FakeHid, entry, moved, pressed, receiver_entries, three, wait_until

from hitl_clic import presets
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware import spacemouse as module
from hitl_clic.devices.hardware import spacemouse_fallback, spacemouse_hid
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.hardware.spacemouse import HidTransport, ReportSource, spacemouse, status
from hitl_clic.devices.hardware.spacemouse_fallback import PySpaceMouseSource
from hitl_clic.devices.hardware.spacemouse_hid import interfaces, speaks
from hitl_clic.devices.hardware.spacemouse_models import MODELS
from hitl_clic.devices.hardware.spacemouse_own import known_models, own_file
from hitl_clic.devices.mapping.shaping import load_profile

REST = (0, 0, 0, 0, 0, 0)
ARM = ("x", "y", "z", "rx", "ry", "rz", "gripper")
CABLE, SECOND_CABLE = b"cable", b"cable-keys"
KEYBOARD = bytes([1, 0, 4, 0, 0, 0, 0, 0])
"""Left ctrl and the key A, as a keyboard without report numbers sends them: it begins like a report of motion."""
BATTERY = bytes([0x17, 100, 1, 0])


@pytest.fixture
def hid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeHid:
    """hidapi without any device, and a user's folder that is empty."""
    fake = FakeHid()
    for place in (module, spacemouse_hid):
        monkeypatch.setattr(place, "hid_module", lambda: fake)
    monkeypatch.setattr(presets, "user_folder", lambda: tmp_path)
    return fake


def mouse(which: str = "") -> HandheldDevice:
    """The session's own device, read by the test."""
    return spacemouse(load_profile("spacemouse"), ReportSource(HidTransport(which)), axes=ARM, which=which)


def read(device: HandheldDevice, hid: FakeHid, path: bytes, *reports: bytes) -> DeviceSample:
    hid.put(path, *reports)
    return device.read(0.003)


@pytest.mark.parametrize("number", range(5))
def test_the_interface_that_speaks_is_read(hid: FakeHid, number: int) -> None:
    """A universal receiver: motion of 13 bytes comes on any one of its five interfaces."""
    hid.entries = receiver_entries()
    device = mouse()
    sample = device.read(0.0)
    assert (sample.connected, any(sample.motion)) == (False, False), "five mute interfaces are no cap at rest"
    assert "Universal Receiver is connected but silent" in device.trouble
    assert "switch the mouse on" in device.trouble
    assert "none yet of 5" in device.inputs.origin
    path = f"receiver{number}".encode()
    sample = read(device, hid, path, *moved(RECEIVER, 350, 0, 0, 0, 0, -350))
    assert (sample.connected, sample.engage, device.trouble) == (True, True, "")
    assert sample.motion[0] == 1.0
    assert sample.motion[5] == -1.0
    assert device.inputs.origin == f"receiver{number}, interface {number} (of 5)"


def test_other_reports_choose_nothing(hid: FakeHid) -> None:
    """Keys and the battery's state: neither is motion of a cap."""
    hid.entries = receiver_entries()
    device = mouse()
    device.read(0.0)
    for path, report in ((b"receiver0", KEYBOARD), (b"receiver4", BATTERY), (b"receiver3", b"\x02\x01\x00")):
        assert not read(device, hid, path, report).connected
        assert "silent" in device.trouble
    assert read(device, hid, b"receiver1", three(1, 200, 0, 0, 0, 0, 0)).engage
    assert not read(device, hid, b"receiver0", KEYBOARD).stop


def test_it_goes_on_listening(hid: FakeHid) -> None:
    """First an interface says that nothing is moved, then another one is used; a held cap is not interrupted."""
    hid.entries = receiver_entries()
    device = mouse()
    assert read(device, hid, b"receiver0", *moved(RECEIVER, *REST)).connected
    assert read(device, hid, b"receiver1", *moved(RECEIVER, 350, 0, 0, 0, 0, 0)).motion[0] == 1.0
    hid.put(b"receiver0", *moved(RECEIVER, 0, 350, 0, 0, 0, 0))
    sample = read(device, hid, b"receiver1", *moved(RECEIVER, 350, 0, 0, 0, 0, 0))
    assert (sample.motion[0], sample.motion[1]) == (1.0, 0.0), "the one that is pushed stays"


def test_one_that_stops_speaking_is_replaced(hid: FakeHid) -> None:
    """The chosen interface falls silent in mid-motion; the mouse goes on on another one."""
    hid.entries = receiver_entries()
    device = mouse()
    device.read(0.0)
    assert read(device, hid, b"receiver1", *moved(RECEIVER, 350, 0, 0, 0, 0, 0)).engage
    wait_until(lambda: not device.read(0.001).connected)
    assert "fell silent in mid-motion" in device.trouble
    sample = read(device, hid, b"receiver2", *moved(RECEIVER, -350, 0, 0, 0, 0, 0))
    assert (sample.connected, sample.motion[0]) == (True, -1.0)


def test_a_button_is_enough(hid: FakeHid) -> None:
    """An emergency stop before the first push is not lost."""
    hid.entries = receiver_entries()
    device = mouse()
    device.read(0.0)
    assert read(device, hid, b"receiver1", pressed(RECEIVER, "left", "right")).stop


def test_a_wired_model_with_two_interfaces(hid: FakeHid) -> None:
    """The system may say what an interface is; where it does not, every interface may be the one."""
    plain = entry(0x256F, 0xC635, CABLE)
    for other in (entry(0x256F, 0xC635, SECOND_CABLE, usage=6), {**plain, "path": SECOND_CABLE, "usage_page": 0xFF00}):
        found = interfaces([other, plain, dict(plain)])
        assert [one["path"] for one, _ in found] == [CABLE], "one path, which hidapi lists once for each usage"
    unsaid = {"usage_page": 0, "usage": 0}
    hid.entries = [{**plain, "path": SECOND_CABLE} | unsaid, plain | unsaid]
    device = mouse()
    device.read(0.0)
    assert sorted(hid.open_paths) == [CABLE, SECOND_CABLE]
    assert device.trouble == "the SpaceMouse Compact is connected but silent: push its cap once and let go"
    assert read(device, hid, CABLE, *moved(COMPACT, 350, 0, 0, 0, 0, 0)).engage
    assert read(device, hid, CABLE, *moved(COMPACT, *REST)).connected, "silence after that is rest"
    assert device.read(0.003).connected


def test_one_that_cannot_be_opened_is_said(hid: FakeHid) -> None:
    hid.entries = receiver_entries(2)
    hid.refused = {b"receiver1"}
    device = mouse()
    device.read(0.0)
    assert "1 cannot be opened" in device.inputs.origin
    hid.refused = {b"receiver0", b"receiver1"}
    denied = mouse()
    denied.read(0.0)
    assert "udev" in denied.trouble


def test_unplugging_and_plugging_in_again(hid: FakeHid) -> None:
    """After that another interface may be the one. Handles of the lost device are closed."""
    hid.entries = receiver_entries(2)
    device = HandheldDevice("mouse", ReportSource(HidTransport()), load_profile("spacemouse"), retry_s=0.0, axes=ARM)
    device.read(0.0)
    assert read(device, hid, b"receiver0", *moved(RECEIVER, 350, 0, 0, 0, 0, 0)).engage
    hid.unplug(b"receiver0", b"receiver1")
    sample = device.read(0.003)
    assert (sample.connected, any(sample.motion)) == (False, False)
    assert "unplugged" in device.trouble
    assert hid.open_paths == []
    hid.gone.clear()
    hid.entries = receiver_entries(2)
    device.read(0.0)
    assert "silent" in device.trouble
    assert read(device, hid, b"receiver1", *moved(RECEIVER, 350, 0, 0, 0, 0, 0)).engage


def test_all_mute_interfaces_unplugged(hid: FakeHid) -> None:
    hid.entries = receiver_entries(2)
    device = mouse()
    device.read(0.0)
    hid.unplug(b"receiver0", b"receiver1")
    device.read(0.003)
    assert "unplugged" in device.trouble


def test_a_cable_plugged_in_beside_the_receiver_takes_over(hid: FakeHid, monkeypatch: pytest.MonkeyPatch) -> None:
    """A mouse on its cable no longer speaks through its receiver. Its reports have another form there."""
    monkeypatch.setattr(spacemouse_hid, "RESCAN_NS", 0)
    hid.entries = receiver_entries()
    device = mouse()
    device.read(0.0)
    read(device, hid, b"receiver1", pressed(RECEIVER, "left"), *moved(RECEIVER, *REST))
    hid.entries = [*receiver_entries(), entry(0x256F, 0xC635, CABLE)]
    device.read(0.003)
    sample = read(device, hid, CABLE, *moved(COMPACT, 0, 0, -350, 0, 0, 0))
    assert sample.motion[2] == 1.0
    assert device.inputs.origin.startswith("cable")
    time.sleep(0.15)  # longer than a short press is shown
    device.read(0.0)
    assert device.inputs.held == (), "a button that was held on the other one is released"


def test_which_mouse(hid: FakeHid, tmp_path: Path) -> None:
    """By path, by serial number, by ids and by a link: the others are not even opened."""
    link = tmp_path / "left-hand"
    link.symlink_to(tmp_path / "hidraw7")
    one = entry(0x256F, 0xC635, str(tmp_path / "hidraw7").encode(), serial_number="L1")
    other = entry(0x256F, 0xC62E, b"right", serial_number="R2")
    hid.entries = [one, other]
    for which, path in {str(link): one["path"], "L1": one["path"], "R2": b"right", "256f:c62e": b"right"}.items():
        assert mouse(which).read(0.0) is not None
        assert hid.open_paths[-1:] == [path]
    missing = mouse("nowhere")
    missing.read(0.0)
    assert missing.trouble == "no SpaceMouse is connected at nowhere"


def test_two_hands_read_two_mice(hid: FakeHid) -> None:
    hid.entries = [entry(0x256F, 0xC635, b"left"), entry(0x256F, 0xC635, b"right")]
    left, right = mouse("left"), mouse("right")
    for device in (left, right):
        device.read(0.0)
    hid.put(b"right", *moved(COMPACT, 0, 0, -350, 0, 0, 0))
    assert read(left, hid, b"left", *moved(COMPACT, 350, 0, 0, 0, 0, 0)).motion[:3] == (1.0, 0.0, 0.0)
    assert right.read(0.003).motion[:3] == (0.0, 0.0, 1.0)


def test_the_list_says_what_cannot_be_known(hid: FakeHid) -> None:
    hid.entries = receiver_entries()
    usable, sentence = status()
    assert usable
    assert "Universal Receiver is connected but silent: push its cap once and let go" in sentence
    hid.entries = [entry(0x256F, 0xC635, b"1-2", serial_number="S1"), entry(0x256F, 0xC635, b"1-3")]
    assert status() == (True, "Ready: SpaceMouse Compact (S1, 1-3) is connected; push the cap to move.")
    hid.entries = [entry(0x256F, 0xC670, b"1-2", product_string="Next Mouse")]
    usable, sentence = status()
    assert not usable
    assert "256f:c670 (Next Mouse) is connected but unknown" in sentence
    assert str(own_file()) in sentence


def test_what_a_report_must_look_like() -> None:
    assert speaks(three(1, 0, 0, 0)), "a wired one"
    assert speaks(three(1, 350, -350, 0, 0, 0, 500)), "a wireless one"
    assert speaks(three(2, 0, 0, 1) + bytes(57)), "padded by the system"
    for report in (b"", b"\x01", three(1, 0, 0, 0)[:6], KEYBOARD, BATTERY, three(4, 1, 1, 1)):
        assert not speaks(report)


def test_the_real_hidapi_lists_here() -> None:
    pytest.importorskip("hid", reason="needs the extra spacemouse")
    for one in spacemouse_hid.hid_module().enumerate():
        assert {"vendor_id", "product_id", "path", "usage_page", "usage", "serial_number"} <= one.keys()


# ---- pyspacemouse, where hidapi is missing


class Puck:
    """One device of pyspacemouse, which reads what the test sets."""

    def __init__(self, path: str) -> None:
        self.path, self.closed = path, False
        self.state: Any = _State(-1.0)
        ids = (0x256F, 0xC652)
        self.info = _Info(ids, "UniversalReceiver", [_Bit(1, 0), _Bit(1, 1)])

    def read(self) -> Any:
        return self.state

    def close(self) -> None:
        self.closed = True


class _State:
    def __init__(self, t: float, x: float = 0.0, buttons: tuple[int, ...] = (0, 0)) -> None:
        self.t, self.x, self.buttons = t, x, buttons
        self.y = self.z = self.roll = self.pitch = self.yaw = 0.0


class _Bit:
    def __init__(self, byte: int, bit: int) -> None:
        self.byte, self.bit = byte, bit


class _Info:
    def __init__(self, hid_id: tuple[int, int], name: str, button_specs: list[_Bit]) -> None:
        self.hid_id, self.name, self.button_specs = hid_id, name, button_specs


def test_the_fallback_tries_the_next_interface_while_one_is_mute(monkeypatch: pytest.MonkeyPatch) -> None:
    now_ns = [0]
    opened: list[Puck] = []

    def opens() -> Puck:
        opened.append(Puck(str(len(opened))))
        return opened[-1]

    source = PySpaceMouseSource(opens=opens, clock=lambda: now_ns[0])
    source.open()
    reading = source.read(0.0)
    assert (reading.alive, "silent" in reading.why) == (False, True)
    now_ns[0] += spacemouse_fallback.NEXT_NS + 1
    source.read(0.0)
    assert (len(opened), opened[0].closed) == (2, True)
    opened[1].state = _State(1.0, x=1.0, buttons=(1, 0))
    reading = source.read(0.0)
    assert (reading.alive, reading.axes["right"]) == (True, 1.0)
    assert reading.changes == (("left", True),), "named as through hidapi"
    opened[1].state = _State(2.0)
    source.read(0.0)
    now_ns[0] += 10 * spacemouse_fallback.NEXT_NS
    assert source.read(0.0).alive, "after a report, silence is rest"
    assert len(opened) == 2


# ---- models of one's own


def write(text: str) -> None:
    own_file().parent.mkdir(parents=True, exist_ok=True)
    own_file().write_text(text, encoding="utf-8")


OWN = """
[[model]]
name = "Next Mouse"
vendor = 0x256f
product = 0xc670
combined = true
buttons = {left = [1, 0], right = [1, 1], top = [2, 7]}

[[model]]
name = "Old Mouse"
vendor = 0x046d
product = 0xc628
like = "SpaceNavigator"
"""


def test_a_model_of_ones_own_is_read(hid: FakeHid) -> None:
    hid.entries = [entry(0x256F, 0xC670, b"next")]
    device = mouse()
    device.read(0.0)
    assert "no SpaceMouse is connected" in device.trouble
    write(OWN)
    model = known_models()[0x256F, 0xC670]
    assert known_models()[0x046D, 0xC628].buttons == MODELS[0x046D, 0xC626].buttons
    assert known_models().items() >= MODELS.items()
    own = mouse()
    own.read(0.0)
    assert "the Next Mouse is connected but silent" in own.trouble
    sample = read(own, hid, b"next", *moved(model, 350, 0, 0, 0, 0, 350), pressed(model, "top"))
    assert (sample.motion[0], sample.motion[5]) == (1.0, 1.0)
    assert own.inputs.held == ("top",)
    assert status() == (True, "Ready: Next Mouse (next) is connected; push the cap to move.")


def test_an_entry_replaces_a_known_model(hid: FakeHid) -> None:
    write('[[model]]\nname = "Mine"\nvendor = 0x256f\nproduct = 0xc636\nlike = "SpaceMouse Wireless"\n')
    assert known_models()[0x256F, 0xC636].combined == WIRELESS.combined
    assert known_models()[0x256F, 0xC636].name == "Mine"
    assert len(known_models()) == len(MODELS)


FIRST = '[[model]]\nname = "A"\nvendor = 1\nproduct = 2\n'


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("[[model]\n", "not TOML"),
        ("[model]\nname = 1\n", "write one table [[model]]"),
        ('colour = "red"\n', "'colour' is not known"),
        (FIRST, "model 1: model: Value error, give like, or both combined and buttons"),
        (FIRST + 'like = "SpaceMous"\n', "like = 'SpaceMous' is not known; known are 3Dconnexion Universal Receiver"),
        (FIRST + 'like = "SpaceNavigator"\nbutton = 1\n', "model 1: button"),
        ('[[model]]\nname = "A"\nvendor = "256f"\nproduct = 2\nlike = "SpaceNavigator"\n', "model 1: vendor"),
        ('[[model]]\nname = "A"\nvendor = 1\nproduct = 0x10000\nlike = "SpaceNavigator"\n', "model 1: product"),
        (FIRST + "combined = true\nbuttons = {left = [0, 0]}\n", "'left' is at [0, 0]; write [byte, bit]"),
        (FIRST + "combined = true\nbuttons = {left = [1, 8]}\n", "'left' is at [1, 8]"),
        (FIRST + "combined = true\nbuttons = {left = [1]}\n", "'left' is at [1]"),
        (FIRST + 'combined = true\nbuttons = {"a+b" = [1, 0]}\n', "'a+b' is no name of a button"),
        (FIRST + 'combined = "yes"\nbuttons = {}\n', "model 1: combined"),
        ((FIRST + 'like = "SpaceNavigator"\n') * 2, "model 2: 0001:0002 is given twice"),
    ],
)
def test_a_bad_file_is_named_with_its_fault(hid: FakeHid, text: str, named: str) -> None:
    write(text)
    with pytest.raises(ValueError, match=r"models\.toml") as error:
        known_models()
    assert named in str(error.value)
    assert status() == (False, str(error.value))
    assert module.missing() == str(error.value), "a session is refused with this"
    hid.entries = [entry(0x256F, 0xC635, CABLE)]
    device = mouse()
    device.read(0.0)
    assert device.trouble == str(error.value)


def test_reading_five_mute_interfaces_costs_little(hid: FakeHid) -> None:
    """All are looked at every millisecond; a reading still takes as long as its timeout, not longer."""
    hid.entries = receiver_entries()
    transport = HidTransport()
    transport.open()
    begun, used = time.perf_counter(), time.thread_time()
    for _ in range(20):
        assert transport.read(0.01) == b""
    assert time.perf_counter() - begun >= 0.2
    assert time.thread_time() - used < 0.1
