"""Every 3D mouse by its buttons: it can move, grip, drive the second arm, change its mode, move precisely and stop.

One walk through the table of models, by HID bytes through the real device. The table of docs/teaching.md is its result.
"""

from __future__ import annotations

from pathlib import Path

import pytest
from fake_hid import FakeHid, entry, moved, pressed

from hitl_clic import presets
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware import spacemouse as module
from hitl_clic.devices.hardware import spacemouse_hid
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.hardware.presses import LONG, LONG_S, parts
from hitl_clic.devices.hardware.spacemouse import HidTransport, ReportSource
from hitl_clic.devices.hardware.spacemouse_models import MODELS, Model
from hitl_clic.devices.mapping.shaping import Profile, load_profile

MS = 1_000_000
AXES = tuple(axis + arm for arm in ("", "2") for axis in ("x", "y", "z", "rx", "ry", "rz", "gripper"))
REST = (0, 0, 0, 0, 0, 0)
COLUMNS = {"gripper": "Grips", "arm": "Second arm", "mode": "Mode", "precise": "Precise, held", "stop": "Stop"}
BEGIN, END = (
    "<!-- 3D mice: this table is made by tests/devices/test_spacemouse_buttons.py -->",
    "<!-- end of 3D mice -->",
)
TEACHING = Path(__file__).parents[2] / "docs" / "teaching.md"


class Mouse:
    """One model, connected through hidapi, with a clock that the test controls."""

    def __init__(self, hid: FakeHid, ids: tuple[int, int], profile: Profile) -> None:
        self.hid, self.model = hid, MODELS[ids]
        hid.entries = [entry(*ids, b"mouse")]
        self.now_ns = 10**10
        source = ReportSource(HidTransport(), clock=lambda: self.now_ns)
        self.device = HandheldDevice("mouse", source, profile, clock=lambda: self.now_ns, axes=AXES)
        self.device.read(0.0)
        self.after(200)  # nobody touches it, so it is at rest

    def after(self, ms: int, *reports: bytes) -> DeviceSample:
        self.now_ns += ms * MS
        self.hid.put(b"mouse", *reports)
        return self.device.read(0.0)

    def push(self, *raw: int) -> DeviceSample:
        return self.after(8, *moved(self.model, *raw))

    def buttons(self, *names: str) -> DeviceSample:
        """Hold these buttons and no others."""
        return self.after(8, pressed(self.model, *names))

    @property
    def state(self) -> tuple[object, ...]:
        """What presses change: mode, arm and gripper."""
        status = self.device._mapper.status
        return status.mode, status.arm, status.gripper

    def act(self, pattern: str) -> list[DeviceSample]:
        """Make the gesture of a pattern, one button after the other; the samples on the way."""
        names = parts(pattern)
        samples = [self.buttons(*names[: count + 1]) for count in range(len(names))]
        if pattern.endswith(LONG):
            samples.append(self.after(round(LONG_S * 1e3)))
        samples += [self.buttons(*names[: len(names) - 1 - count]) for count in range(len(names))]
        return [*samples, self.after(200)]


@pytest.fixture
def hid(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> FakeHid:
    fake = FakeHid()
    for place in (module, spacemouse_hid):
        monkeypatch.setattr(place, "hid_module", lambda: fake)
    monkeypatch.setattr(presets, "user_folder", lambda: tmp_path)
    return fake


def usable(model: Model, profile: Profile, function: str) -> list[str]:
    """The patterns with this function whose buttons the model has, in the profile's order."""
    _, patterns = profile.controls_for(function)
    return [pattern for pattern in patterns if all(part in model.buttons for part in parts(pattern))]


def words(pattern: str) -> str:
    """A pattern in the table: "left", "left, long", "left and right"."""
    return pattern.removesuffix(LONG).replace("+", " and ") + (", long" if pattern.endswith(LONG) else "")


def acts(hid: FakeHid, ids: tuple[int, int], function: str) -> list[str]:
    """The patterns that do this on this model; each is tried, and must do nothing else."""
    profile = load_profile("spacemouse")
    found = usable(MODELS[ids], profile, function)
    for pattern in found:
        mouse = Mouse(hid, ids, profile)
        mouse.push(*REST)
        before = mouse.state
        if function == "precise":
            assert is_precise(mouse, pattern), f"{mouse.model.name}: {pattern} does not make the motion small"
        samples = mouse.act(pattern)
        after = {
            "gripper": ("both", 0, 1),
            "arm": ("both", 1, 0),
            "mode": ("move", 0, 0),
            "precise": before,
            "stop": before,
        }[function]
        assert before == ("both", 0, 0)
        assert mouse.state == after, f"{mouse.model.name}: {pattern} did something else"
        assert any(sample.stop for sample in samples) == (function == "stop")
        assert not samples[-1].stop
        assert not any(sample.engage for sample in samples), "the cap alone drives"
    return found


def is_precise(mouse: Mouse, pattern: str) -> bool:
    """Whether the motion of a full push is small while the buttons of a pattern are held, and full before and after."""
    push = moved(mouse.model, 350, *REST[1:])
    full = mouse.push(350, *REST[1:]).motion[0]
    mouse.buttons(*parts(pattern))
    for _ in range(round(LONG_S * 1e3 / 80) + 1):
        held = mouse.after(80, *push).motion[0]
    mouse.buttons()
    released = mouse.after(200, *push).motion[0]
    mouse.push(*REST)
    mouse.after(200)
    return (full, released) == (1.0, 1.0) and held == pytest.approx(load_profile("spacemouse").precise_scale)


def moves(hid: FakeHid, ids: tuple[int, int]) -> bool:
    """Whether the cap moves and turns along each axis, both ways."""
    for axis, (place, sign) in enumerate([(0, 1), (1, 1), (2, -1), (3, -1), (4, -1), (5, 1)]):
        for way in (1, -1):
            mouse = Mouse(hid, ids, load_profile("spacemouse"))
            mouse.push(*REST)
            sample = mouse.push(*[350 * way * sign if number == place else 0 for number in range(6)])
            assert sample.engage
            assert [round(value, 6) for value in sample.motion[:6]] == [float(way * (n == axis)) for n in range(6)]
    return True


@pytest.mark.parametrize("ids", MODELS, ids=lambda ids: f"{ids[0]:04x}-{ids[1]:04x}")
def test_each_model_can_do_everything(hid: FakeHid, ids: tuple[int, int]) -> None:
    assert moves(hid, ids)
    for function in COLUMNS:
        assert acts(hid, ids, function), f"{MODELS[ids].name} has no button for {function}"


def test_the_table_in_the_document_is_that_of_the_walk(hid: FakeHid) -> None:
    rows = [["Model", "USB id", "Moves", *COLUMNS.values()], ["---"] * (3 + len(COLUMNS))]
    for ids, model in MODELS.items():
        cap = "6 axes" if moves(hid, ids) else "no"
        cells = [" or ".join(map(words, acts(hid, ids, function))) for function in COLUMNS]
        rows.append([model.name, f"`{ids[0]:04x}:{ids[1]:04x}`", cap, *cells])
    table = "\n".join(f"| {' | '.join(row)} |" for row in rows)
    text = TEACHING.read_text(encoding="utf-8")
    inside = text.partition(BEGIN)[2].partition(END)[0].strip()
    assert inside == table, f"put this between the marks of {TEACHING.name}:\n\n{table}\n"


# ---- chords and long presses


RECEIVER = (0x256F, 0xC652)
TWO = (0x256F, 0xC635)


@pytest.mark.parametrize("ids", [TWO, RECEIVER], ids=["cable", "receiver"])
@pytest.mark.parametrize("gap_ms", [0, 8, 60, 150, 350])
@pytest.mark.parametrize("order", [("left", "right"), ("right", "left")])
def test_a_chord_does_not_fire_its_parts(
    hid: FakeHid, ids: tuple[int, int], gap_ms: int, order: tuple[str, str]
) -> None:
    """However slowly its buttons follow each other, and in whatever order they are released."""
    for kept in order:
        mouse = Mouse(hid, ids, load_profile("spacemouse"))
        mouse.push(*REST)
        before = mouse.state
        mouse.buttons(order[0])
        mouse.after(gap_ms)
        assert mouse.buttons(*order).stop, "at once when the last button goes down"
        mouse.after(1000)
        assert mouse.after(1).stop, "as long as both are held"
        mouse.buttons(kept)
        assert not mouse.after(200).stop
        mouse.after(1000)
        mouse.buttons()
        mouse.after(200)
        assert mouse.state == before


def test_both_in_one_report(hid: FakeHid) -> None:
    mouse = Mouse(hid, TWO, load_profile("spacemouse"))
    before = mouse.state
    assert mouse.buttons("left", "right").stop
    mouse.buttons()
    mouse.after(200)
    assert mouse.state == before


def test_one_button_after_the_other_is_no_chord(hid: FakeHid) -> None:
    """Also within the time that a short press counts as held."""
    mouse = Mouse(hid, TWO, load_profile("spacemouse"))
    samples = [mouse.buttons("left"), mouse.buttons(), mouse.buttons("right"), mouse.buttons(), mouse.after(200)]
    assert not any(sample.stop for sample in samples)
    assert mouse.state == ("move", 0, 1), "the gripper and the mode"


def test_a_press_and_its_release_in_one_reading(hid: FakeHid) -> None:
    mouse = Mouse(hid, TWO, load_profile("spacemouse"))
    model = mouse.model
    mouse.after(8, pressed(model, "left"), pressed(model))
    assert mouse.state == ("both", 0, 1)
    sample = mouse.after(8, pressed(model, "left"), pressed(model, "left", "right"), pressed(model))
    assert sample.stop, "a stop that is over when it is read still stops"
    assert mouse.state == ("both", 0, 1)


def test_a_long_press_is_not_a_short_one(hid: FakeHid) -> None:
    mouse = Mouse(hid, TWO, load_profile("spacemouse"))
    mouse.buttons("left")
    mouse.after(round(LONG_S * 1e3) - 20)
    assert mouse.state == ("both", 0, 0), "nothing is decided yet"
    mouse.after(20)
    assert mouse.state == ("both", 1, 0), "at once when it is long enough, not at its release"
    mouse.after(3000)
    mouse.buttons()
    assert mouse.state == ("both", 1, 0)


def test_small_motion_while_a_button_is_held_long(hid: FakeHid) -> None:
    mouse = Mouse(hid, TWO, load_profile("spacemouse"))
    mouse.push(*REST)
    mouse.buttons("right")
    assert mouse.push(350, *REST[1:]).motion[0] == 1.0
    mouse.after(80, *moved(mouse.model, 350, *REST[1:]))
    for _ in range(5):
        sample = mouse.after(80, *moved(mouse.model, 350, *REST[1:]))
    assert sample.motion[0] == pytest.approx(0.35)
    mouse.buttons()
    assert mouse.after(130, *moved(mouse.model, 350, *REST[1:])).motion[0] == 1.0
    assert mouse.state == ("both", 0, 0)


def test_what_is_held_ends_with_the_device(hid: FakeHid) -> None:
    """A press that waits for its release when the mouse is unplugged has no effect later."""
    mouse = Mouse(hid, TWO, load_profile("spacemouse"))
    mouse.buttons("left")
    hid.unplug(b"mouse")
    mouse.after(8)
    hid.gone.clear()
    hid.entries = [entry(*TWO, b"mouse")]
    mouse.after(600)
    mouse.after(200)
    assert not mouse.buttons("right").stop, "the left one is forgotten"
    mouse.buttons()
    assert mouse.state == ("move", 0, 0), "the right one alone acts"


def chords(hid: FakeHid, buttons: dict[str, str]) -> Mouse:
    profile = load_profile("spacemouse").model_copy(update={"buttons": buttons})
    mouse = Mouse(hid, TWO, profile)
    mouse.push(*REST)
    return mouse


def test_a_direction_waits_a_moment_for_the_rest_of_its_chord(hid: FakeHid) -> None:
    """It cannot be decided at its release. A tap of it still counts, for a moment."""
    mouse = chords(hid, {"left": "+right", "right": "precise", "left+right": "stop"})
    assert not any(mouse.buttons("left").motion)
    sample = mouse.buttons("left", "right")
    assert (any(sample.motion), sample.stop) == (False, True)
    mouse.buttons()
    mouse.after(200)
    mouse.buttons("left")
    assert mouse.after(100).motion[0] == 1.0
    assert mouse.buttons("left", "right").stop, "also after it has begun"
    assert not any(mouse.after(200).motion)
    mouse.buttons()
    mouse.after(200)
    mouse.buttons("left")
    assert mouse.buttons().motion[0] == 1.0, "a tap"
    assert not any(mouse.after(200).motion)


def test_a_modifier_does_not_wait_and_outlasts_its_chord(hid: FakeHid) -> None:
    """Alone it moves and teaches nothing, so it may be in force while the chord is made."""
    mouse = chords(hid, {"left": "engage", "right": "gripper", "left+right": "mode"})
    assert mouse.buttons("left").engage
    assert mouse.buttons("left", "right").engage
    assert mouse.after(1000).engage
    mouse.buttons("left")
    assert mouse.state == ("move", 0, 0), "the chord, and not the gripper"
    mouse.buttons("left", "right")
    assert mouse.state == ("turn", 0, 0), "once more"
    mouse.buttons()
    assert not mouse.after(200).engage
    assert mouse.state == ("turn", 0, 0)


def test_a_stop_never_waits(hid: FakeHid) -> None:
    mouse = chords(hid, {"left": "stop", "right": "mode", "left+right": "arm", "left long": "gripper"})
    assert mouse.buttons("left").stop
    assert not mouse.buttons().engage


def test_a_button_alone_acts_at_its_press(hid: FakeHid) -> None:
    mouse = chords(hid, {"left": "gripper", "right": "mode"})
    mouse.buttons("left")
    assert mouse.state == ("both", 0, 1)
