"""The device bench: measurements, calibration, saved profiles, playback, and the command."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_hid import COMPACT, PRO, CapPush, FakeTransport, moved, pressed, wait_until
from rich.console import Console

import app
from hitl_clic.cockpit.window.key_reading import KeyUse
from hitl_clic.device_bench import device_under_test
from hitl_clic.device_bench import terminal as device_terminal
from hitl_clic.device_bench import window as device_window
from hitl_clic.device_bench.meter import Meter, shaped_deflections
from hitl_clic.device_bench.settings import BenchSettings
from hitl_clic.device_bench.trial import Trial
from hitl_clic.devices.core.contract import check_device
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.inputs import Inputs
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware import spacemouse
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.handheld import HandheldDevice, Reading
from hitl_clic.devices.mapping import profiles
from hitl_clic.devices.mapping.profiles import Rest, calibrated, save_profile, with_changes
from hitl_clic.devices.mapping.shaping import AxisSetting, Profile, load_profile, shape
from hitl_clic.devices.teacher.playback import PlaybackDevice, Step
from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings

MS = 1_000_000
RECORDINGS = Path(__file__).parents[2] / "recordings"


class Still(Device):
    """A device whose readings the test gives to the meter."""

    axes = ("x", "y")

    def read(self, timeout_s: float) -> DeviceSample:
        raise NotImplementedError


# ---- figures


def test_rate_and_jitter_exclude_pauses() -> None:
    """99 reports 8 ms apart, one after 40 ms, then a second of readings without reports."""
    now_ns = 0
    meter = Meter(Still(100.0), clock=lambda: now_ns)
    for gap_ms in [8] * 99 + [40]:
        meter.add_reading(DeviceSample(now_ns, (0.5, 0.0)), Inputs({"right": 0.6}, ("left",)))
        now_ns += gap_ms * MS
    meter.add_reading(DeviceSample(now_ns, (0.0, -0.25)), Inputs({"right": 0.0}, (), reports=3, dropped=2))
    for _ in range(100):
        now_ns += 10 * MS
        meter.add_reading(DeviceSample(now_ns, (0.0, 0.0)), Inputs({"right": 0.0}, (), reports=0))
    meter.add_reading(DeviceSample(now_ns, (0.0, 0.0), connected=False), Inputs())
    figures = meter.figures()
    assert figures.rate_hz == pytest.approx((99 + 3) / (99 * 0.008 + 0.040))
    assert figures.interval_p50_ms == pytest.approx(8.0)
    assert figures.interval_p99_ms == pytest.approx(40.0)
    assert (figures.most_waiting, figures.dropped, figures.losses) == (3, 2, 1)
    assert figures.pressed == ("left",)
    assert [(extent.low, extent.high) for extent in meter.motion] == [(0.0, 0.5), (-0.25, 0.0)]
    assert meter.rests()["right"].high == 0.6


def test_the_age_is_that_of_the_newest_sample() -> None:
    device = Still(100.0)
    device._publish(DeviceSample(0, (0.0, 0.0)))
    meter = Meter(device, clock=lambda: 7 * MS)
    meter.newest_sample()
    assert meter.figures().age_p99_ms == pytest.approx(7.0)


# ---- what a device says before shaping


def test_a_spacemouse_shows_raw_axes_buttons_and_how_many_reports_waited() -> None:
    transport = FakeTransport(COMPACT)
    device = HandheldDevice("spacemouse", spacemouse.ReportSource(transport), load_profile("spacemouse"))
    device.read(0.0)
    transport.put(*moved(COMPACT, 350, 0, 0, 0, 0, 0) * 20, pressed(COMPACT, "left"))
    sample = device.read(0.01)
    assert device.inputs.raw["right"] == pytest.approx(1.0)
    assert device.inputs.held == ("left",)
    assert device.inputs.reports == 41
    assert shaped_deflections(device.inputs.raw, load_profile("spacemouse"))["x"] == pytest.approx(sample.motion[0])
    transport.plug(False)
    device.read(0.0)
    assert device.inputs == Inputs(reports=0)


def test_shaped_values_exclude_scale_and_include_a_radial_response() -> None:
    profile = Profile(name="p", axes={"x": AxisSetting(scale=0.5), "rx": AxisSetting()}, deadzone=0.2)
    assert shaped_deflections({"x": 0.6, "rx": 0.1}, profile) == pytest.approx({"x": 0.5, "rx": 0.0})


# ---- fitting a profile


class Drifting:
    """A stick with an offset of 0.1 and noise; pushed, it is at full deflection."""

    def __init__(self) -> None:
        self.rng, self.pushed = np.random.default_rng(0), 0.0

    def open(self) -> None: ...

    def close(self) -> None: ...

    def rumble(self) -> None: ...

    def read(self, timeout_s: float) -> Reading:
        raw = float(self.pushed or 0.1 + self.rng.uniform(-0.03, 0.03))
        return Reading(0, {"left x": raw, "left y": 0.0})


def test_a_drifting_stick_is_calibrated_and_keeps_its_full_range(tmp_path: Path) -> None:
    source = Drifting()
    axes = {"x": AxisSetting(source="left x"), "y": AxisSetting(source="left y", sign=-1)}
    plain = Profile(name="pad", axes=axes, engage_above=0.0, release_below=0.0, rest_limit=0.0)

    def device(profile: Profile) -> HandheldDevice:
        return HandheldDevice("pad", source, profile, retry_s=0.0, clock=lambda: MS)

    before = device(plain)
    meter = Meter(before)
    assert any(any(before.read(0.0).motion) for _ in range(20)), "it drifts"
    for _ in range(300):
        sample = before.read(0.0)
        meter.add_reading(sample, before.inputs)
    fitted = calibrated(plain, meter.rests())
    assert fitted.axes["x"].offset == pytest.approx(0.1, abs=0.01)
    assert fitted.axes["y"] == plain.axes["y"].model_copy(update={"deadzone": 0.01})
    save_profile(fitted, tmp_path / "mine.toml")
    assert load_profile(tmp_path / "mine.toml") == fitted
    after = device(load_profile(tmp_path / "mine.toml"))
    assert not any(any(after.read(0.0).motion) for _ in range(300)), "it rests"
    for end in (1.0, -1.0):
        source.pushed = end
        assert after.read(0.0).motion == (end, 0.0), "all of its way is left, to both sides"


def test_a_wide_deadzone_stays_and_a_radial_one_is_the_profiles() -> None:
    wide = Profile(name="p", axes={"x": AxisSetting()}, deadzone=0.3)
    assert calibrated(wide, {"x": Rest(0.0, -0.02, 0.02)}) == wide
    radial = Profile(name="p", axes={"x": AxisSetting()}, radial=True)
    assert calibrated(radial, {"x": Rest(0.0, -0.02, 0.02)}).deadzone == pytest.approx(0.04)


@pytest.mark.parametrize("rest", [Rest(0.1, -0.3, 0.2), Rest(0.5, 0.5, 0.5)])
def test_a_moved_device_is_not_calibrated(rest: Rest) -> None:
    with pytest.raises(ValueError, match=r"'x' .*release the device"):
        calibrated(Profile(name="p", axes={"x": AxisSetting()}), {"x": rest})


@pytest.mark.parametrize("raw", [-1.0, -0.3, 0.0, 0.2, 1.0, float("nan")])
def test_without_an_offset_nothing_is_changed(raw: float) -> None:
    profile = Profile(name="p", axes={"x": AxisSetting()})
    assert shape({"x": raw}, profile) == (raw if raw == raw else 0.0,)


def test_edits_are_validated_like_a_file() -> None:
    profile = load_profile("gamepad")
    changes = profiles.parse_axis_changes(["x.source=right x", "x.scale=0.5", "rz.sign=-1"])
    changed = with_changes(profile, {"deadzone": 0.2}, changes, ("y",))
    assert (changed.axes["x"].source, changed.axes["x"].scale, changed.axes["rz"].sign) == ("right x", 0.5, -1)
    assert (changed.deadzone, changed.axes["y"].sign) == (0.2, 1)
    assert changed.axes["z"] == profile.axes["z"]
    for wrong, named in (
        (["x"], "'x'"),
        (["x.speed=1"], "x.speed"),
        (["belt.sign=1"], "'belt'"),
        (["x.sign=2"], "sign"),
    ):
        with pytest.raises(ValueError, match=named):
            with_changes(profile, {}, profiles.parse_axis_changes(wrong), ())


def test_an_existing_profile_is_not_overwritten(tmp_path: Path) -> None:
    profile, path = load_profile("mouse"), tmp_path / "deep" / "mine.toml"
    save_profile(profile, path)
    with pytest.raises(ValueError, match="exists already"):
        save_profile(profile, path)
    save_profile(profile.model_copy(update={"deadzone": 0.5}), path, over=True)
    assert load_profile(path).deadzone == 0.5


# ---- playback


STEPS = [
    Step(0.0, (0.0, 0.0)),
    Step(0.1, (1.0, -0.5), engage=True, teaches=(True, False)),
    Step(0.2, (0.0, 0.0), connected=False),
    Step(0.3, (0.5, 0.0), engage=True),
    Step(0.4, (0.0, 0.0)),
]


def test_a_playback_repeats_the_steps_at_their_times() -> None:
    now_ns = 5 * MS
    device = PlaybackDevice(("x", "y"), STEPS, clock=lambda: now_ns)
    seen = []
    for ms in (0, 99, 100, 199, 200, 350, 400, 9000):
        now_ns = (5 + ms) * MS
        sample = device.read(0.0)
        seen.append((sample.motion, sample.engage, sample.connected, device.ended))
        assert sample.time_ns == now_ns
    rest = ((0.0, 0.0), False, True)
    push = ((1.0, -0.5), True, True)
    assert seen[:4] == [(*rest, False)] * 2 + [(*push, False)] * 2
    assert seen[4:6] == [((0.0, 0.0), False, False, False), ((0.5, 0.0), True, True, False)]
    assert seen[6:] == [(*rest, True)] * 2


def test_a_playback_meets_the_contract_and_validates_its_steps() -> None:
    long = [Step(0.0, (1.0, 0.0), engage=True), Step(5.0, (0.0, 0.0))]
    check_device(lambda: PlaybackDevice(("x", "y"), long), deflect=lambda device: None)
    gone = [Step(0.0, (0.0, 0.0), connected=False), *long[1:]]
    check_device(lambda: PlaybackDevice(("x", "y"), gone), lose=lambda device: None)
    for steps, said in (([], "nothing to play"), (STEPS[::-1], "order"), ([Step(0.0, (1.0,))], "axes x, y")):
        with pytest.raises(ValueError, match=said):
            PlaybackDevice(("x", "y"), steps)


def test_recorded_corrections_are_played_back() -> None:
    recorded = Session.open(RECORDINGS / "oracle")
    settings = SessionSettings.model_validate(dict(recorded.settings.values))
    steps = device_under_test.recorded_steps(recorded, settings)
    driven = [(step, tick) for step, tick in zip(steps, recorded.ticks, strict=False) if tick.human_action is not None]
    assert driven
    for step, tick in driven:
        assert step.engage
        assert tick.correction_mode == "absolute"
        assert np.allclose(step.motion, tick.human_action)
        assert step.at_s == pytest.approx(tick.tick / settings.loop.rate_hz), (
            "ticks of --pace max have the nominal rate"
        )
    assert sum(step.engage for step in steps) == len(driven)


# ---- the command


def said(capsys: pytest.CaptureFixture[str], *arguments: str, status: int = 0) -> dict[str, Any]:
    assert app.main(["devices", "--test", *arguments, "--json"]) == status
    line: dict[str, Any] = json.loads(capsys.readouterr().out)
    return line


def test_the_oracle_corrects_a_task_on_the_bench(capsys: pytest.CaptureFixture[str]) -> None:
    figures = said(capsys, "oracle", "--task", "line_following", "--seconds", "0.8")
    assert figures["connected"]
    assert figures["rate_hz"] > 5
    assert any(extent["low"] != extent["high"] or extent["low"] for extent in figures["axes"].values()), "it corrects"


def test_a_recording_is_played_to_its_end(capsys: pytest.CaptureFixture[str]) -> None:
    figures = said(capsys, "playback", "--recording", str(RECORDINGS / "oracle"), "--seconds", "0.5")
    assert figures["device"] == "playback"
    assert figures["readings"] > 5


@pytest.fixture
def puck(monkeypatch: pytest.MonkeyPatch) -> FakeTransport:
    """A fake 3D mouse, whatever packages are installed."""
    transport = FakeTransport(COMPACT)
    monkeypatch.setattr(spacemouse, "system_source", lambda which="": spacemouse.ReportSource(transport))
    monkeypatch.setattr(spacemouse, "hid_module", lambda: None)
    return transport


def test_a_spacemouse_is_measured_in_motion(puck: FakeTransport, capsys: pytest.CaptureFixture[str]) -> None:
    push = CapPush(puck, [*moved(COMPACT, 350, 0, 0, 0, 0, 0), pressed(COMPACT, "right")])
    push.start()
    try:
        figures = said(capsys, "spacemouse", "--seconds", "0.8", "--invert", "x", "--scale", "0.5")
    finally:
        push.release()
    assert figures["raw"]["right"]["high"] == pytest.approx(1.0)
    assert figures["axes"]["x"]["low"] == pytest.approx(-0.5), "turned round, at half speed"
    assert figures["pressed"] == ["right"]
    assert figures["rate_hz"] > 10
    assert 0 <= figures["age_p50_ms"] <= figures["age_p99_ms"]


def test_thresholds_rest_offsets_and_the_interface_are_shown(
    puck: FakeTransport, capsys: pytest.CaptureFixture[str]
) -> None:
    push = CapPush(puck, moved(COMPACT, 30, 0, 0, 0, 0, 0))
    push.start()
    try:
        facts = said(capsys, "spacemouse", "--seconds", "2.6")["facts"]
        assert app.main(["devices", "--test", "spacemouse", "--seconds", "0.3", "--headless"]) == 0
    finally:
        push.release()
    assert facts["interface"] == "fake"
    assert facts["engages above"] == "0.126 (x y z), 0.240 (rx ry rz)"
    assert facts["releases below"] == "0.098 (x y z), 0.216 (rx ry rz), after 0.1 s"
    assert re.fullmatch(r"right \+0\.0[1-6]\d", facts["rest offsets"])
    text = capsys.readouterr().out
    for name in facts:
        assert f"{name}: " in text


def test_a_calibration_is_saved_and_loaded_with_profile(
    puck: FakeTransport, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    path = str(tmp_path / "mine.toml")
    push = CapPush(puck, moved(COMPACT, 70, 0, 0, 0, 0, 0))  # an offset of a fifth of full deflection
    push.start()
    try:
        drifts = said(capsys, "spacemouse", "--seconds", "0.4")
        fitted = said(capsys, "spacemouse", "--seconds", "0.6", "--calibrate", "--save", path)
        again = said(capsys, "spacemouse", "--seconds", "0.4", "--profile", path)
    finally:
        push.release()
    assert drifts["raw"]["right"]["mean"] == pytest.approx(0.2, abs=0.02)
    assert drifts["axes"]["x"] == {"low": 0.0, "high": 0.0}, "further than what is learnt, and still it does not drive"
    assert fitted["saved"] == path
    assert fitted["profile"]["axes"]["x"]["offset"] == pytest.approx(0.2, abs=0.02)
    assert again["profile"]["name"] == "mine"
    assert again["axes"]["x"] == {"low": 0.0, "high": 0.0}, "it drifts no more"


def test_a_missing_device_is_reported(puck: FakeTransport, capsys: pytest.CaptureFixture[str]) -> None:
    puck.plug(False)
    figures = said(capsys, "spacemouse", "--seconds", "0.2", status=1)
    assert (figures["connected"], figures["trouble"]) == (False, "no SpaceMouse is connected")


def test_the_live_display_shows_all_three_values_and_the_error() -> None:
    transport = FakeTransport(PRO)
    profile = load_profile("spacemouse")
    device = HandheldDevice(
        "spacemouse", spacemouse.ReportSource(transport), profile, retry_s=0.0, axes=("x", "y", "z")
    )
    trial = Trial(device, "SpaceMouse", profile, BenchSettings(test="spacemouse"))

    def shown() -> str:
        sample = device.read(0.01)
        trial.meter.add_reading(sample, device.inputs)
        console = Console(width=100, record=True, file=open("/dev/null", "w"))  # noqa: SIM115
        console.print(device_terminal.picture(trial, sample))
        return console.export_text()

    device.read(0.0)
    transport.put(*moved(PRO, 175, 0, 0, 0, 0, 0), pressed(PRO, "shift"))
    text = shown()
    halved = f"{((0.5 - 0.08) / 0.92) ** 1.4:+.3f}"
    row = next(line for line in text.splitlines() if "│ x " in line)
    for part in ("right", "+0.500", halved, f"{float(halved) * 0.35:+.3f}"[:5]):
        assert part in row
    assert "down: shift" in text
    assert "drives" in text
    transport.plug(False)
    text = shown()
    assert "not connected: the SpaceMouse was unplugged" in text


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["spacemous"], "spacemouse"),
        (["oracle", "--deadzone", "0.1"], "no profile"),
        (["playback"], "--recording"),
        (["playback", "--recording", "no/such"], "no/such"),
        (["oracle", "--task", "push"], "push_t"),
        (["gamepad", "--save", "gamepad"], "belongs to the package"),
        (["gamepad", "--axis", "x.sign=2"], "sign"),
        (["keyboard", "--calibrate"], "calibrate"),
    ],
)
def test_unsupported_options_are_refused_by_name(
    arguments: list[str], named: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ending:
        app.main(["devices", "--test", *arguments])
    assert ending.value.code == 2
    assert named in capsys.readouterr().err


def test_the_keyboard_is_read_in_a_window(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    """With a fake window that only types."""

    class Typing:
        key_labels = (("d", "e"),)

        def __init__(self, settings: object, keys: KeyUse) -> None:
            assert {"w", "d"} <= set(keys.motion)
            assert {"space", "z", "1"} <= set(keys.commands), "the profile's and those that tune it"
            self.done, self.feeds = threading.Event(), list[EventFeed]()

        def add_feed(self, feed: EventFeed) -> None:
            self.feeds.append(feed)

        def show(self, provider: Callable[[], Any]) -> None:
            assert provider().bench.profile == "keyboard"

        def start(self) -> None:
            def types() -> None:
                for name in ("space", "d"):
                    self.send(InputEvent(time.perf_counter_ns(), "key_down", name))
                while not self.done.wait(0.03):
                    self.send(InputEvent(time.perf_counter_ns(), "alive"))

            threading.Thread(target=types, daemon=True).start()

        def send(self, event: InputEvent) -> None:
            for feed in self.feeds:
                feed.put(event)

        def alive(self) -> bool:
            return True

        def take_commands(self) -> list[str]:
            return []

        def close(self) -> None:
            self.done.set()

    monkeypatch.setattr(device_window, "WindowLink", Typing)
    monkeypatch.setenv("DISPLAY", ":99")
    figures = said(capsys, "keyboard", "--seconds", "0.6", "--task", "push_t")
    assert figures["axes"]["x"]["high"] == 1.0
    assert set(figures["pressed"]) == {"d", "space"}


def test_unplugging_counts_as_one_loss(puck: FakeTransport, capsys: pytest.CaptureFixture[str]) -> None:
    def unplugs() -> None:
        wait_until(lambda: puck.opened)
        puck.put(*moved(COMPACT, 0, 0, 0, 0, 0, 0))
        threading.Event().wait(0.2)
        puck.plug(False)

    threading.Thread(target=unplugs, daemon=True).start()
    figures = said(capsys, "spacemouse", "--seconds", "0.8")
    assert (figures["losses"], figures["connected"]) == (1, False)
