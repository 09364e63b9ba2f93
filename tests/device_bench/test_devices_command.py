"""The command `devices --test`: figures, saved profiles, refusals, and the live display."""

from __future__ import annotations

import json
import re
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_hid import COMPACT, PRO, CapPush, FakeTransport, moved, pressed, wait_until
from rich.console import Console

import app
from hitl_clic.cockpit.window.key_reading import KeyUse
from hitl_clic.device_bench import terminal as device_terminal
from hitl_clic.device_bench import window as device_window
from hitl_clic.device_bench.settings import BenchSettings
from hitl_clic.device_bench.trial import Trial
from hitl_clic.devices.hardware import spacemouse
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.mapping.shaping import load_profile

RECORDINGS = Path(__file__).parents[2] / "recordings"


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
