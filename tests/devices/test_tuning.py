"""Tuning by keys during use: in the profile, in the device, on the page, and saved."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pygame
import pytest
from fake_hid import COMPACT, CapPush, FakeTransport, moved, wait_until
from hypothesis import given
from hypothesis import strategies as st

import app
from hitl_clic.cockpit.drawing.draw import WindowPainter
from hitl_clic.cockpit.window.messages import TO_WINDOW, Show
from hitl_clic.device_bench import run as device_bench
from hitl_clic.device_bench import window as device_window
from hitl_clic.device_bench.settings import BenchSettings
from hitl_clic.device_bench.terminal import picture
from hitl_clic.device_bench.trial import Trial
from hitl_clic.device_bench.window import BenchFeed
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.hardware import spacemouse
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.mapping.shaping import Profile, load_profile, shape
from hitl_clic.devices.mapping.tuning import Tuning
from hitl_clic.devices.registry import DEVICES
from hitl_clic.devices.teacher.playback import PlaybackDevice, Step
from hitl_clic.runner.device_registry import make_device, profile_of
from hitl_clic.settings_layers import load

PUSHED = {name: load_profile(name) for name in ("spacemouse", "gamepad", "keyboard", "mouse")}


def pressing(tuning: Tuning, keys: str) -> None:
    for key in keys:
        assert tuning.press("tab" if key == " " else key)


# ---- the profile


def test_each_key_changes_one_parameter_of_the_selected_axis() -> None:
    begun = load_profile("spacemouse")
    tuning = Tuning(begun)
    pressing(tuning, "222 1 3344 466 9")
    x, y, z = (tuning.profile.axes[name] for name in ("x", "y", "z"))
    assert x.deadzone == pytest.approx(0.11)
    assert y.deadzone == pytest.approx(0.07), "the profile's, and one step less"
    assert z == begun.axes["z"].model_copy(update={"exponent": 1.4}), "there and back"
    rx, ry = tuning.profile.axes["rx"], tuning.profile.axes["ry"]
    assert (rx.exponent, rx.scale, rx.sign) == (pytest.approx(1.5), pytest.approx(1.1), -1)
    assert (ry.sign, begun.axes["ry"].sign) == (-1, 1)
    assert (tuning.profile.deadzone, tuning.profile.exponent) == (begun.deadzone, begun.exponent)


def test_a_radial_response_changes_for_all_axes() -> None:
    tuning = Tuning(load_profile("mouse"))
    pressing(tuning, "24")
    assert (tuning.profile.deadzone, tuning.profile.exponent) == (pytest.approx(0.07), pytest.approx(1.4))
    assert tuning.profile.axes["x"].deadzone is None


def test_undo_restores_the_profile() -> None:
    tuning = Tuning(load_profile("gamepad"), DEVICES["gamepad"].axis_labels)
    pressing(tuning, "2 896")
    assert tuning.changed
    pressing(tuning, "zzzz")
    assert tuning.profile == load_profile("gamepad")
    assert not tuning.changed
    pressing(tuning, "z")


def test_raw_axes_swap() -> None:
    puck = Tuning(load_profile("spacemouse"), DEVICES["spacemouse"].axis_labels)
    pressing(puck, "8")
    assert (puck.profile.source("x"), puck.profile.source("y")) == ("away", "right")
    pressing(puck, "77")
    assert (puck.profile.source("x"), puck.profile.source("y"), puck.profile.source("rz")) == (
        "about up",
        "away",
        "right",
    ), "its last raw axis, which was that of rz"
    keys = Tuning(load_profile("keyboard"))
    pressing(keys, "8")
    assert [keys.profile.source(name) for name in ("x", "y", "rx", "ry")] == ["y", "x", "y", "x"], "turning stays"
    pad = Tuning(load_profile("gamepad"), DEVICES["gamepad"].axis_labels)
    pressing(pad, "7")
    assert pad.profile.source("x") == "d-pad x", "which nothing else was read from"


def test_bound_keys_do_not_tune() -> None:
    tuning = Tuning(load_profile("keyboard"))
    for key in ("s", "w", "space", "k"):
        assert not tuning.press(key)
    assert not tuning.changed


@given(st.sampled_from(sorted(PUSHED)), st.lists(st.sampled_from("123456789 z"), max_size=60))
def test_random_keys_keep_the_profile_valid(name: str, keys: list[str]) -> None:
    tuning = Tuning(PUSHED[name], DEVICES[name].axis_labels)
    pressing(tuning, "".join(keys))
    assert Profile.model_validate(tuning.profile.model_dump()) == tuning.profile
    assert tuning.message == ""
    assert {*map(tuning.profile.source, tuning.profile.axes)} <= {
        *map(PUSHED[name].source, PUSHED[name].axes),
        *DEVICES[name].axis_labels,
    }


# ---- in use


def puck_trial(command: BenchSettings | None = None) -> tuple[Trial, FakeTransport]:
    transport = FakeTransport(COMPACT)
    profile = load_profile("spacemouse")
    source = spacemouse.ReportSource(transport)
    device = HandheldDevice("spacemouse", source, profile, retry_s=0.0, axes=("x", "y", "z", "rx", "gripper"))
    device.read(0.0)
    return Trial(device, "SpaceMouse", profile, command or BenchSettings(test="spacemouse")), transport


def push(trial: Trial, transport: FakeTransport, *raw: int) -> tuple[float, ...]:
    transport.put(*moved(COMPACT, *raw))
    sample = trial.device.read(0.01)
    trial.device._publish(sample)
    return sample.motion


def test_a_device_uses_the_new_profile_during_a_push() -> None:
    trial, transport = puck_trial()
    assert push(trial, transport, 175, 0, 0, 0, 0, 0)[0] == pytest.approx(((0.5 - 0.08) / 0.92) ** 1.4)
    for key in "3333":
        trial.press(key)
    assert push(trial, transport, 175, 0, 0, 0, 0, 0)[0] == pytest.approx((0.5 - 0.08) / 0.92)
    for key in "98":
        trial.press(key)
    motion = push(trial, transport, 175, 0, 0, 0, 0, 0)
    assert motion[0] == 0.0
    assert motion[1] < -0.3, "what moved x moves y, as y was: turned round"


def test_a_change_of_profile_keeps_gripper_and_arm() -> None:
    trial, transport = puck_trial()
    device = trial.device
    assert isinstance(device, HandheldDevice)
    device._mapper.press("gripper")
    trial.press("2")
    push(trial, transport, 0, 0, 0, 0, 0, 0)
    assert device._mapper.status.gripper == 1


def test_the_page_shows_the_present_point_on_the_curve() -> None:
    trial, transport = puck_trial()
    feed = BenchFeed(trial)
    for keys in ("", "22", "44", "5", "9"):
        for key in keys:
            trial.press(key)
        push(trial, transport, 140, 0, 0, 0, 0, 0)
        shown = feed.state()
        assert TO_WINDOW.unpack(TO_WINDOW.pack(Show(shown))) == Show(shown)
        view = shown.bench
        assert view is not None
        axis = view.axes[0]
        assert (axis.name, axis.source, axis.raw, view.chosen) == ("x", "right", pytest.approx(0.4), "x")
        places = np.linspace(-1, 1, len(axis.curve))
        assert axis.shaped == pytest.approx(float(np.interp(0.4, places, axis.curve)), abs=2e-3)
        assert trial.profile is not None
        assert axis.shaped == pytest.approx(shape({"right": 0.4}, trial.profile, ("x",))[0])
        assert axis.motion == pytest.approx(axis.shaped)
    assert axis.shaped < 0
    assert [(knob.less, knob.more) for knob in view.knobs] == [
        ("1", "2"),
        ("3", "4"),
        ("5", "6"),
        ("7", "8"),
        ("9", "9"),
    ]
    assert view.axes[-1].curve == (), "a gripper has none"


@pytest.mark.parametrize("size", [(1280, 720), (800, 450), (2560, 1000)])
def test_the_page_is_drawn_at_any_size_and_follows_device_and_keys(size: tuple[int, int]) -> None:
    trial, transport = puck_trial()
    feed, painter, surface = BenchFeed(trial), WindowPainter(), pygame.Surface(size, 0, 32)

    def drawn() -> bytes:
        painter.draw(surface, feed.state())
        return pygame.image.tobytes(surface, "RGB")

    at_rest = drawn()
    push(trial, transport, 140, 0, 0, 0, 0, 0)
    pushed = drawn()
    trial.press("2")
    assert len({at_rest, pushed, drawn()}) == 3


def test_a_device_without_a_profile_states_it() -> None:
    device: Device = PlaybackDevice(("x", "y"), [Step(0.0, (0.5, 0.0), engage=True), Step(9.0, (0.0, 0.0))])
    trial = Trial(device, "playback", None, BenchSettings(test="playback"))
    sample = device.read(0.0)
    device._publish(sample)
    trial.press("2")
    trial.press("s")
    view = BenchFeed(trial).state().bench
    assert view is not None
    assert "playback" in view.fixed
    assert (view.knobs, view.chosen, trial.saved_to, trial.changed) == ((), "", None, False)
    assert [axis.motion for axis in view.axes] == [0.5, 0.0]
    WindowPainter().draw(pygame.Surface((1280, 720), 0, 32), BenchFeed(trial).state())
    assert any(trial.fixed in str(part) for part in picture(trial, sample).renderables)  # type: ignore[union-attr]


# ---- kept


@pytest.fixture
def presets(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The user's own folder of profiles."""
    monkeypatch.setattr("hitl_clic.presets.user_folder", lambda: tmp_path)
    (tmp_path / "devices").mkdir()
    return tmp_path / "devices"


def test_s_saves_under_a_free_name_and_then_over_it(presets: Path) -> None:
    (presets / "my-spacemouse.toml").write_text("taken")
    trial, _ = puck_trial()
    for key in "2s":
        trial.press(key)
    assert trial.saved_to == presets / "my-spacemouse-2.toml"
    assert "--device spacemouse --profile my-spacemouse-2" in trial.message
    assert not trial.changed
    for key in "2s":
        trial.press(key)
    kept = profile_of("spacemouse", "my-spacemouse-2")
    assert (kept.name, kept.axes["x"].deadzone) == ("my-spacemouse-2", pytest.approx(0.10))
    assert (presets / "my-spacemouse.toml").read_text() == "taken"


def test_a_profile_that_binds_s_is_saved_by_another_key(presets: Path) -> None:
    device = make_device(load(overrides={"device": "keyboard"}), ("x", "y"), Slot(), EventFeed())
    trial = Trial(device, "keyboard", load_profile("keyboard"), BenchSettings(test="keyboard"))
    trial.press("s")
    assert trial.saved_to is None
    assert ("F9", "save") in trial.hints()
    trial.press("f9")
    assert trial.saved_to == presets / "my-keyboard.toml"


def test_keys_in_the_window_change_the_saved_profile(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    """The whole command, with a fake window that only types."""
    transport = FakeTransport(COMPACT)
    monkeypatch.setattr(spacemouse, "system_source", lambda which="": spacemouse.ReportSource(transport))
    monkeypatch.setattr(spacemouse, "hid_module", lambda: None)
    shown: list[Any] = []

    class Typing:
        key_labels = ()

        def __init__(self, settings: object, keys: object = None) -> None:
            self.feeds: list[EventFeed] = []
            self.quits = threading.Event()

        def add_feed(self, feed: EventFeed) -> None:
            self.feeds.append(feed)

        def show(self, provider: Callable[[], Any]) -> None:
            self.provider = provider

        def start(self) -> None:
            threading.Thread(target=self.types, daemon=True).start()

        def types(self) -> None:
            wait_until(lambda: self.provider().bench.state == "drives")
            shown.append(self.provider().bench.axes[0].motion)
            for key in ("9", "2"):
                for feed in self.feeds:
                    feed.put(InputEvent(time.perf_counter_ns(), "key_down", key))
            wait_until(lambda: self.provider().bench.axes[0].motion < 0)
            shown.append(self.provider().bench.axes[0].motion)
            self.quits.set()

        def alive(self) -> bool:
            return True

        def take_commands(self) -> list[str]:
            return ["quit"] if self.quits.is_set() else []

        def close(self) -> None: ...

    monkeypatch.setattr(device_window, "WindowLink", Typing)
    monkeypatch.setattr(device_bench, "has_display", lambda: True)
    path = tmp_path / "mine.toml"
    push = CapPush(transport, moved(COMPACT, 350, 0, 0, 0, 0, 0))
    push.start()
    try:
        assert app.main(["devices", "--test", "spacemouse", "--save", str(path)]) == 0
    finally:
        push.release()
    assert shown == [1.0, -1.0]
    kept = load_profile(path)
    assert (kept.axes["x"].sign, kept.axes["x"].deadzone) == (-1, pytest.approx(0.09))
    assert f"saved {path}" in capsys.readouterr().out.replace("\n", "")
