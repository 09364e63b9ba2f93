"""The table of devices, and the choice of a device before a session starts."""

from __future__ import annotations

import sys
from pathlib import Path

import pytest

from hitl_clic.cli import devices
from hitl_clic.cli.commands import DevicesCommand
from hitl_clic.correction.mapping import bind
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.hardware.gamepad import PadSource
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.mapping.shaping import load_profile
from hitl_clic.devices.registry import DEVICES, DeviceInputs, DeviceReport, DeviceSpec, list_devices
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.runner.device_registry import device_in_use, key_map, make_device, resolve_device
from hitl_clic.settings import SessionSettings
from hitl_clic.settings_layers import load
from hitl_clic.tasks import make_task
from hitl_clic.types.errors import SettingsError

ARM = ("x", "y", "z", "rx", "ry", "rz", "gripper")
BOTH = (*ARM, *(f"{axis}2" for axis in ARM))


@pytest.fixture
def no_display(monkeypatch: pytest.MonkeyPatch) -> pytest.MonkeyPatch:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.delenv("DISPLAY", raising=False)
    monkeypatch.delenv("WAYLAND_DISPLAY", raising=False)
    return monkeypatch


def test_a_device_with_its_own_hardware_needs_no_window(no_display: pytest.MonkeyPatch) -> None:
    chosen = resolve_device(SessionSettings(device="gamepad"))
    assert (chosen.device, chosen.headless) == ("gamepad", True)
    with pytest.raises(SettingsError, match="allowed without a window: oracle, spacemouse, gamepad"):
        resolve_device(SessionSettings(device="mouse"))


def test_a_person_needs_real_time(no_display: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="pace = max is not allowed with device = gamepad"):
        resolve_device(SessionSettings(device="gamepad", pace="max"))


def test_a_spacemouse_without_its_package_names_the_extra(no_display: pytest.MonkeyPatch) -> None:
    for name in ("hid", "hidraw", "pyspacemouse"):
        no_display.setitem(sys.modules, name, None)
    with pytest.raises(SettingsError, match=r"spacemouse cannot be used here.*hitl-clic\[spacemouse\]"):
        resolve_device(SessionSettings(device="spacemouse"))


@pytest.mark.parametrize(("task", "has_model"), [("push_t", True), ("line_following", True), ("hammer", False)])
def test_foresight_needs_a_task_with_a_model(task: str, has_model: bool) -> None:
    settings = load(overrides={"task": task, "device": "oracle", "oracle": {"foresight": "true"}})
    axes = make_task(task).action_frame.axes
    if has_model:
        make_device(settings, axes, TeacherChannel(), EventFeed())
        return
    with pytest.raises(SettingsError, match=r"oracle\.foresight .* not allowed with task = hammer.*no-foresight"):
        make_device(settings, axes, TeacherChannel(), EventFeed())


def test_every_device_can_be_chosen_by_name() -> None:
    for name in DEVICES:
        assert SessionSettings(device=name).device == name
    with pytest.raises(SettingsError, match=r"device = joystick is not allowed; allowed: oracle, keyboard, .* or auto"):
        load(overrides={"device": "joystick"})


def test_one_entry_makes_a_device_selectable_and_listed(
    no_display: pytest.MonkeyPatch, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    def make(inputs: DeviceInputs) -> HandheldDevice:
        return HandheldDevice("pedal", PadSource(), inputs.profile, tap_hold_s=inputs.tap_hold_s, axes=inputs.axes)

    pedal = DeviceSpec("foot pedal", "the pedal", False, make, lambda: (True, "Ready: press the pedal."))
    no_display.setitem(DEVICES, "pedal", pedal)
    profile = tmp_path / "pedal.toml"
    profile.write_text('name = "pedal"\n[axes.x]\n[buttons]\npedal = "engage"\n')
    settings = resolve_device(load(overrides={"device": "pedal", "profile": str(profile)}))
    assert settings.device == "pedal"
    assert device_in_use(settings).hint("hold", False) == "hold the pedal button to correct"
    device = make_device(settings, ("x", "y"), TeacherChannel(), EventFeed())
    assert (device.name, device.axes) == ("pedal", ("x",))
    assert DeviceReport("pedal", True, "Ready: press the pedal.") in list_devices()
    assert devices.run(DevicesCommand()) == 0
    assert "Ready: press the pedal." in capsys.readouterr().out


@pytest.mark.parametrize("name", ["spacemouse", "gamepad"])
@pytest.mark.parametrize("axes", [("x", "y"), ("x", "y", "z", "gripper"), ARM, BOTH])
def test_one_profile_fits_planar_tasks_one_arm_and_two_arms(name: str, axes: tuple[str, ...]) -> None:
    device = HandheldDevice(name, PadSource(), load_profile(name), axes=axes)
    assert device.axes == axes
    assert bind(device.axes, axes).action == tuple(range(len(axes)))


@pytest.mark.parametrize(("mode", "hint"), [("hold", "hold the cap to correct"), ("touch", "steer to correct")])
def test_the_hint_names_the_control(mode: str, hint: str) -> None:
    assert device_in_use(SessionSettings(device="spacemouse")).hint(mode, False) == hint  # type: ignore[arg-type]


def test_the_key_maps_name_gestures_and_directions() -> None:
    rows = dict(key_map(SessionSettings(device="spacemouse"), ARM))
    assert rows["Push left or right"] == "Move left / right"
    assert rows["Pull or push away"] == "Move near / away"
    assert "Emergency" in rows["Left and right buttons together, menu and fit buttons together, esc button"]
    rows = dict(key_map(SessionSettings(device="gamepad"), ARM))
    assert "Emergency" in rows["B button"]


def test_the_key_map_of_a_terminal_says_what_it_can_do() -> None:
    """It reports no release, so nothing is held there."""
    rows = dict(key_map(SessionSettings(device="terminal"), ARM))
    assert rows["Space"] == "Drive until pressed again"
    assert rows["Left Shift"] == "With an arrow: small step"
    assert rows["Left Ctrl"] == "With an arrow: turn instead of move"
    assert not any("Hold" in does for does in rows.values())


@pytest.mark.parametrize(("device", "by_default"), [("oracle", None), ("gamepad", 0.5)])
def test_max_step_defaults_to_a_limit_except_for_the_oracle(device: str, by_default: float | None) -> None:
    for given, expected in (({}, by_default), ({"max_step": 0.25}, 0.25)):
        settings = load(overrides={"device": device, "headless": True, "correction": given})
        assert resolve_device(settings).correction.max_step == expected
