"""3D mice: reports through the real decoder, unplugging in mid-motion, hidapi and pyspacemouse."""

from __future__ import annotations

import importlib
import sys
import time
from typing import Any

import numpy as np
import pytest
from fake_hid import COMPACT, PRO, RECEIVER, WIRELESS, CapPush, FakeTransport, moved, pressed, three, wait_until
from hypothesis import given
from hypothesis import strategies as st
from real_time import TooBusyError, late_ms, when_calm

from hitl_clic.devices.core.contract import check_device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware import spacemouse as module
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.hardware.spacemouse import HidTransport, ReportSource, interfaces, spacemouse
from hitl_clic.devices.hardware.spacemouse_models import MODELS, Model
from hitl_clic.devices.hardware.spacemouse_reports import AXES, Reports
from hitl_clic.devices.mapping.shaping import AxisSetting, Profile, load_profile

MS = 1_000_000
PLAIN = Profile(
    name="plain",
    engage_above=0.0,
    release_below=0.0,
    release_after_s=0.0,
    rest_limit=0.0,
    axes={axis: AxisSetting() for axis in AXES},
    buttons={
        "cap": "engage",
        "left+right": "stop",
        "esc": "stop",
        "shift": "precise",
        "right": "gripper",
    },
)
ARM = ("x", "y", "z", "rx", "ry", "rz", "gripper")
REST = (0, 0, 0, 0, 0, 0)


class Bench:
    """A device and a clock that the test controls, without a thread."""

    def __init__(self, model: Model = COMPACT, profile: Profile = PLAIN, plugged: bool = True) -> None:
        axes = (*AXES, "gripper") if profile is PLAIN else ARM
        self.now_ns = 10_000 * MS
        self.model, self.transport = model, FakeTransport(model, plugged)
        source = ReportSource(self.transport, clock=self.clock)
        self.device = HandheldDevice("bench", source, profile, 100.0, 0.1, 0.5, self.clock, axes)

    def clock(self) -> int:
        return self.now_ns

    def after(self, ms: int, *reports: bytes) -> DeviceSample:
        self.now_ns += ms * MS
        self.transport.put(*reports)
        return self.device.read(0.0 if not self.transport.plugged else 1e-4)

    def push(self, *raw: int, ms: int = 8) -> DeviceSample:
        return self.after(ms, *moved(self.model, *raw))


# ---- bytes


@pytest.mark.parametrize("model", MODELS.values(), ids=lambda model: model.name)
def test_every_model_reports_six_axes_and_its_buttons(model: Model) -> None:
    reports = Reports(model)
    for report in moved(model, 350, 175, -350, 70, -35, 7):
        reports.feed(report)
    assert tuple(reports.axes.values()) == pytest.approx((1.0, -0.5, 1.0, 0.2, 0.1, -0.02)), "z and y count down there"
    for name in model.buttons:
        assert reports.feed(pressed(model, name)) == ((name, True),)
        assert reports.feed(pressed(model)) == ((name, False),)
    for report in moved(model, *REST):
        reports.feed(report)
    assert not reports.deflected


def test_more_than_full_deflection_is_clipped() -> None:
    reports = Reports(WIRELESS)
    reports.feed(three(1, 500, -500, 32767, -32768, 351, -351))
    assert tuple(reports.axes.values()) == (1.0, 1.0, -1.0, -1.0, -1.0, 1.0)


def test_a_combined_model_may_send_short_reports_and_a_split_one_padded_ones() -> None:
    wireless, compact = Reports(WIRELESS), Reports(COMPACT)
    for reports in (wireless, compact):
        reports.feed(three(2, 0, 0, 350))
    wireless.feed(three(1, 350, 0, 0))
    compact.feed(three(1, 350, 0, 0) + bytes(57))
    for reports in (wireless, compact):
        assert (reports.axes["right"], reports.axes["about up"]) == (1.0, -1.0), "the turn stays as it was"


def test_truncated_and_unknown_reports_change_nothing() -> None:
    reports = Reports(COMPACT)
    reports.feed(three(1, 350, 0, 0))
    before = reports.axes
    for length in range(7):
        assert reports.feed(three(1, -350, 350, 350)[:length]) == ()
    for number in (0, 4, 23, 255):
        reports.feed(three(number, -350, 350, 350))
    assert reports.axes == before
    assert reports.malformed == 6


SOME_BYTES = st.one_of(
    st.binary(max_size=20), st.builds(lambda n, rest: bytes([n]) + rest, st.integers(1, 3), st.binary(max_size=14))
)


@given(
    st.sampled_from(list(MODELS.values())),
    st.lists(st.one_of(SOME_BYTES, st.sampled_from(["plug", "unplug"]), st.integers(0, 700)), max_size=40),
)
def test_random_reports_and_unplugging_keep_the_invariants(model: Model, stream: list[bytes | str | int]) -> None:
    """Reports, unplugging, reconnecting and delays in any order."""
    bench = Bench(model)
    for item in stream:
        match item:
            case bytes():
                bench.transport.put(item)
            case str():
                bench.transport.plug(item == "plug")
            case int():
                bench.now_ns += item * MS
        sample = bench.device.read(0.0 if not bench.transport.plugged else 1e-5)
        assert all(-1.0 <= value <= 1.0 for value in sample.motion)
        assert bench.transport.plugged or not sample.connected
        assert sample.connected or not (any(sample.motion) or sample.engage)
        assert sample.engage == any(sample.motion[:6])
        assert sample.time_ns <= bench.now_ns


# ---- samples


def test_a_deflected_cap_engages_and_a_released_one_disengages() -> None:
    bench = Bench()
    sample = bench.push(350, 0, 0, 0, 0, 0)
    assert (sample.motion[0], sample.engage, sample.connected) == (1.0, True, True)
    bench.push(175, 0, 0, 0, 0, 0, ms=92)
    sample = bench.push(*REST)
    assert (any(sample.motion), sample.engage) == (False, False)


def test_a_short_push_lasts_as_long_as_a_short_press_at_its_peak() -> None:
    bench = Bench()
    assert bench.push(175, 0, 0, 0, 0, 0).motion[0] == 0.5
    assert bench.push(350, 0, 0, 0, 0, 0).motion[0] == 1.0
    sample = bench.push(*REST)
    assert (sample.motion[0], sample.engage, sample.time_ns) == (1.0, True, bench.now_ns)
    assert bench.after(83).motion[0] == 1.0
    sample = bench.after(1)
    assert (any(sample.motion), sample.engage) == (False, False), "100 ms after it began"


@pytest.mark.parametrize("model", [COMPACT, WIRELESS], ids=["split", "combined"])
def test_a_push_that_ends_before_it_is_read_still_moves(model: Model) -> None:
    """Six reports, 8 ms apart, drained by one reading that ends with the cap at rest."""
    bench = Bench(model)
    bench.push(*REST)
    raws = [(0, x, 0, 0, 0, 0) for x in (-40, -200, -350, -300, -90)]
    sample = bench.after(50, *(report for raw in raws for report in moved(model, *raw)), *moved(model, *REST))
    assert (sample.motion[1], sample.engage) == (1.0, True)
    assert bench.after(99).motion[1] == 1.0
    assert not bench.after(1).engage


@pytest.mark.parametrize("phase_ms", range(0, 50, 7))
@pytest.mark.parametrize("late_ms", [0, 24])
def test_a_tick_at_20_hz_sees_a_push_of_50_ms(phase_ms: int, late_ms: int) -> None:
    """Read every 8 ms, or only after its end. The tick before it is on time, all others are late."""
    for at_once in (False, True):
        bench = Bench()
        bench.device = HandheldDevice(
            "bench",
            ReportSource(bench.transport, bench.clock),
            PLAIN,
            100.0,
            0.075,
            0.5,
            bench.clock,
            (*AXES, "gripper"),
        )
        bench.push(*REST)
        nudge = [moved(COMPACT, 350, 0, 0, 0, 0, 0)] * 7 + [moved(COMPACT, *REST)]
        if at_once:
            nudge = [[]] * 7 + [[report for reports in nudge for report in reports]]
        samples = [(phase_ms + 8 * n, bench.after(8, *(nudge[n] if n < len(nudge) else []))) for n in range(40)]
        ticks = [50 * n + late_ms for n in range(1, 6)]
        found = [max((s for s in samples if s[0] <= tick), key=lambda s: s[0])[1] for tick in ticks]
        assert any(sample.engage and sample.motion[0] == 1.0 for sample in found)


def test_the_end_of_a_long_push_is_not_stretched() -> None:
    bench = Bench()
    for _ in range(20):
        bench.push(350, 0, 0, 0, 0, 0)
    sample = bench.after(8, *moved(COMPACT, 300, 0, 0, 0, 0, 0), *moved(COMPACT, *REST))
    assert not sample.engage
    bench.push(0, -350, 0, 0, 0, 0)
    assert bench.push(*REST).motion[:2] == (0.0, 1.0)
    assert bench.push(350, 0, 0, 0, 0, 0).motion[:2] == (1.0, 0.0), "the present push, not the one before"
    bench.transport.plug(False)
    assert not any(bench.after(1).motion)
    bench.transport.plug(True)
    assert not any(bench.after(501).motion), "nothing of it outlasts the device"


def test_a_short_push_of_a_cap_with_an_offset() -> None:
    profile = Profile(name="off", axes={"right": AxisSetting(offset=0.2, deadzone=0.05)}, buttons={"cap": "engage"})
    transport = FakeTransport()
    now_ns = [0]
    device = HandheldDevice(
        "off", ReportSource(transport, lambda: now_ns[0]), profile, tap_hold_s=0.1, clock=lambda: now_ns[0]
    )
    transport.put(three(1, 70, 0, 0))
    assert not any(device.read(0.001).motion)
    now_ns[0] += 50 * MS
    transport.put(three(1, -35, 0, 0), three(1, 70, 0, 0))
    sample = device.read(0.001)
    assert sample.engage
    assert sample.motion[0] < -0.1


@pytest.mark.parametrize("model", [COMPACT, WIRELESS], ids=["split", "combined"])
def test_a_burst_is_drained_to_the_newest_report(model: Model) -> None:
    bench = Bench(model)
    for raw in range(-249, 250):
        bench.transport.put(*moved(model, raw, 0, 0, 0, 0, raw))
    sample = bench.push(350, 0, 0, 0, 0, -350)
    assert bench.transport.waiting() == 0
    assert (sample.motion[0], sample.motion[5]) == (1.0, 1.0)
    assert sample.time_ns == bench.now_ns


def test_interleaved_reports_of_motion_and_buttons_are_all_decoded() -> None:
    bench = Bench()
    bench.push(*REST)
    sample = bench.after(
        8, three(1, 350, 0, 0), pressed(COMPACT, "right"), three(2, 0, 0, 350), pressed(COMPACT), three(1, 175, 0, 0)
    )
    assert sample.motion == (0.5, 0.0, 0.0, 0.0, 0.0, -1.0, 1.0), "a press between two readings is held for a moment"
    assert bench.push(175, 0, 0, 0, 0, 0, ms=101).motion[-1] == 1.0, "the gripper stays as it was told"


def test_the_robot_controls_the_gripper_before_the_first_press_and_after_a_correction() -> None:
    bench = Bench()
    taught = bench.push(350, 0, 0, 0, 0, 0).teaches
    assert taught == (True,) * 6 + (False,)
    bench.after(8, pressed(COMPACT, "right"), pressed(COMPACT))
    sample = bench.push(350, 0, 0, 0, 0, 0, ms=50)
    assert (sample.motion[-1], sample.teaches) == (1.0, None)
    bench.after(8, pressed(COMPACT, "right"), pressed(COMPACT))
    assert bench.push(350, 0, 0, 0, 0, 0, ms=50).motion[-1] == -1.0
    assert not bench.push(*REST).engage, "what lasts does not drive"
    bench.device.correction_ended()
    assert bench.push(350, 0, 0, 0, 0, 0).teaches == taught


def test_an_axis_that_the_task_lacks_does_not_engage() -> None:
    source = ReportSource(transport := FakeTransport())
    device = HandheldDevice("flat", source, load_profile("spacemouse"), axes=("x", "y"))
    transport.put(*moved(COMPACT, 0, 0, -350, 0, 0, 350))
    sample = device.read(0.01)
    assert (sample.motion, sample.engage) == ((0.0, 0.0), False)
    transport.put(*moved(COMPACT, 0, -350, 0, 0, 0, 0))
    sample = device.read(0.01)
    assert (sample.motion, sample.engage) == ((0.0, -1.0), True)


def test_both_buttons_together_stop() -> None:
    bench = Bench()
    assert not bench.after(8, pressed(COMPACT, "left")).stop
    assert bench.after(8, pressed(COMPACT, "left", "right")).stop
    assert not bench.after(200, pressed(COMPACT, "right")).stop
    pro = Bench(PRO)
    assert pro.after(8, pressed(PRO, "esc")).stop
    assert pro.after(8, pressed(PRO, "esc", "shift"), *moved(PRO, 350, 0, 0, 0, 0, 0)).motion[0] == 0.35


def test_a_cap_at_rest_is_silent_and_fresh() -> None:
    bench = Bench()
    bench.push(*REST)
    sample = bench.after(5000)
    assert (sample.connected, sample.time_ns) == (True, bench.now_ns)


def test_a_deflected_cap_that_falls_silent_is_disconnected_until_it_reports() -> None:
    """Its receiver stays connected, so there is no error."""
    bench = Bench(WIRELESS)
    heard_ns = bench.push(350, 0, 0, 0, 0, 0) and bench.now_ns
    sample = bench.after(100)
    assert (sample.connected, sample.time_ns) == (True, heard_ns), "as old as its last report"
    sample = bench.after(1)
    assert (sample.connected, any(sample.motion), sample.engage) == (False, False, False)
    assert not bench.after(5000).connected
    sample = bench.push(350, 0, 0, 0, 0, 0)
    assert (sample.connected, sample.motion[0]) == (True, 1.0)


def test_unplugging_stops_motion_and_reconnecting_resumes_it() -> None:
    bench = Bench()
    bench.after(8, pressed(COMPACT, "right"))
    assert bench.push(350, 0, 0, 0, 0, 0).motion[0] == 1.0
    bench.transport.plug(False)
    sample = bench.after(1)
    assert (sample.connected, any(sample.motion), sample.engage) == (False, False, False)
    assert "unplugged" in bench.device.trouble
    bench.transport.plug(True)
    assert not bench.after(100).connected, "not looked for at every reading"
    sample = bench.after(400)
    assert (sample.connected, any(sample.motion)) == (False, False), "the old deflection is forgotten"
    assert "silent" in bench.device.trouble, "whether this one speaks is not known yet"
    assert bench.push(350, 0, 0, 0, 0, 0).motion == (1.0, 0, 0, 0, 0, 0, 0), "so is the button held at the loss"
    assert bench.device.trouble == ""


def test_a_stop_survives_unplugging() -> None:
    bench = Bench(PRO)
    bench.after(8, pressed(PRO, "esc"))
    bench.transport.plug(False)
    assert bench.after(1).stop
    assert not bench.after(200).stop


def test_a_device_connected_later_is_found() -> None:
    bench = Bench(plugged=False)
    assert not bench.after(0).connected
    assert "no SpaceMouse" in bench.device.trouble
    bench.transport.plug(True)
    assert not bench.after(500).connected
    assert "is connected but silent" in bench.device.trouble
    assert bench.push(*REST).connected
    assert bench.device.trouble == ""


def test_the_preset_follows_the_picture() -> None:
    bench = Bench(profile=load_profile("spacemouse"))
    assert bench.device.axes == ("x", "y", "z", "rx", "ry", "rz", "gripper")
    # pushed right, away and up, then turned right over, forwards and clockwise as seen from above
    assert bench.push(350, -350, -350, 0, 0, 0).motion[:3] == (1.0, -1.0, 1.0)
    assert bench.push(0, 0, 0, -350, -350, 350).motion[3:6] == (1.0, 1.0, 1.0)


# ---- threads


def test_contract() -> None:
    transports: list[FakeTransport] = []

    def make() -> HandheldDevice:
        transports.append(FakeTransport())
        return spacemouse(load_profile("spacemouse"), ReportSource(transports[-1]))

    def deflect(_: object) -> None:
        CapPush(transports[-1], moved(COMPACT, 300, 0, 0, 0, 0, 0)).start()

    check_device(make, deflect, lambda _: transports[-1].plug(False))


@pytest.mark.realtime
def test_a_flood_of_bursts_adds_no_lag_and_a_loss_is_still_within_a_tick() -> None:
    """100 bursts per second of 500 reports each, on real threads with a session's switch interval."""
    when_calm(flood)


def flood() -> None:
    switch = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)
    transport = FakeTransport(WIRELESS)
    device = spacemouse(PLAIN, ReportSource(transport))
    device.start()
    try:
        wait_until(lambda: transport.opened)
        ages, lags = [], []
        for number in range(1, 61):
            mark = number % 340 + 5
            begun = time.perf_counter()
            transport.put(*[three(1, 1, 0, 0, 0, 0, 0)] * 499, three(1, mark, 0, 0, 0, 0, 0))
            try:
                lags.append(wait_until(lambda mark=mark: device.latest().motion[0] == pytest.approx(mark / 350), 0.09))
            except AssertionError:  # after so long without a report it is disconnected
                lags.append(np.inf)
            ages.append(device.latest().age_s(time.perf_counter_ns()))
            time.sleep(max(0.0, 0.01 - (time.perf_counter() - begun)))
        if (late := late_ms()) > 3.0:
            raise TooBusyError(f"it wakes threads {late:.0f} ms late")
        # a queue would make all samples old; a busy machine makes some old
        assert sorted(ages)[6] < 0.010
        assert sorted(lags)[6] < 0.010
        transport.plug(False)
        wait_until(lambda: not device.latest().connected)
        assert not any(device.latest().motion)
        transport.plug(True)
        transport.put(three(1, 350, 0, 0, 0, 0, 0))
        wait_until(lambda: device.latest().connected)
    finally:
        sys.setswitchinterval(switch)
        device.close()


# ---- hidapi and pyspacemouse


def test_without_hidapi_the_error_names_the_extra(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "hid", None)
    monkeypatch.setitem(sys.modules, "hidraw", None)
    with pytest.raises(OSError, match="spacemouse"):
        module.hid_module()


def test_the_real_hidapi_reports_that_none_is_connected() -> None:
    pytest.importorskip("hid", reason="needs the extra spacemouse")
    if interfaces(module.hid_module().enumerate()):
        pytest.skip("a SpaceMouse is connected")
    with pytest.raises(OSError, match="no SpaceMouse is connected"):
        HidTransport().open()


@pytest.fixture
def theirs() -> Any:
    """pyspacemouse, if it is installed and can be imported."""
    pytest.importorskip("pyspacemouse", reason="needs the extra spacemouse", exc_type=ImportError)
    return importlib.import_module("pyspacemouse")


def test_the_models_are_those_of_pyspacemouse(theirs: Any) -> None:
    specs = {spec.hid_id: spec for spec in theirs.get_device_specs().values()}
    assert MODELS.keys() - specs.keys() == {(0x256F, product) for product in (0xC62F, 0xC631, 0xC636)}, "added here"
    assert specs.keys() <= MODELS.keys()
    for ids, spec in specs.items():
        model = MODELS[ids]
        assert spec.axis_scale == 350.0
        assert model.combined == (spec.mappings["yaw"].channel == 1), model.name
        if not spec.button_specs:
            continue  # its list names no button; the table has the two that every model has
        their_bits = sorted((button.byte, button.bit) for button in spec.button_specs)
        assert sorted(model.buttons.values()) == their_bits, model.name
        names = {
            name.lower().replace("btn_", "").replace("_", " ").replace("iso1", "iso 1") for name in spec.button_names
        }
        renamed = {"menu": "left", "fit": "right"} if model is RECEIVER else {}
        assert set(model.buttons) == {renamed.get(name, name) for name in names}, model.name


THEIR_MODELS = [model for ids, model in MODELS.items() if ids[1] not in (0xC62F, 0xC631, 0xC636, 0xC641)]


@pytest.mark.parametrize("model", THEIR_MODELS, ids=lambda model: model.name)
def test_both_sources_give_the_same_readings(theirs: Any, model: Model) -> None:
    from hitl_clic.devices.hardware.spacemouse_fallback import PySpaceMouseSource

    ids = next(ids for ids, one in MODELS.items() if one is model)
    spec = next(spec for spec in theirs.get_device_specs().values() if spec.hid_id == ids)
    hid = FakeEasyHid()
    mouse = theirs.SpaceMouseDevice(info=theirs.apply_axis_convention(spec, "hid_z_up"), device=hid)
    source = PySpaceMouseSource(opens=lambda: mouse)
    source.open()
    reports = [*moved(model, 350, 175, -500, 70, -35, 7), pressed(model, *list(model.buttons)[:1])]
    assert not source.read(0.01).alive, "it has said nothing yet"
    hid.reports = [bytes([1]) + bytes(12), *reports]
    ours = Reports(model)
    changes = [change for report in reports for change in ours.feed(report)]
    reading = source.read(0.01)
    assert hid.reports == [], "drained"
    assert reading.axes == pytest.approx(ours.axes)
    assert list(reading.changes) == changes
    hid.gone = True
    with pytest.raises(OSError, match="unplugged"):
        source.read(0.01)


class FakeEasyHid:
    """The reader below pyspacemouse: a zero-padded buffer, one report per call."""

    product_string = manufacturer_string = serial_number = ""
    release_number = 0

    def __init__(self) -> None:
        self.reports: list[bytes] = []
        self.gone = False

    def open(self) -> None: ...

    def close(self) -> None: ...

    def read(self, size: int) -> bytearray:
        if self.gone:
            raise importlib.import_module("easyhid").HIDException("Failed to read from HID device: -1")
        return bytearray(self.reports.pop(0)[:size].ljust(size, b"\0")) if self.reports else bytearray()


def test_without_its_library_the_error_names_what_to_install(theirs: Any) -> None:
    from hitl_clic.devices.hardware.spacemouse_fallback import PySpaceMouseSource

    with pytest.raises(OSError, match="libhidapi-hidraw0"):
        PySpaceMouseSource().open()
