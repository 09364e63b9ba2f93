"""Which device a session may have here: decided before anything starts, refused in a sentence."""

from __future__ import annotations

import sys

import pytest

from hitl_clic.correction.mapping import bind
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.hardware.gamepad import PadSource
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.mapping.shaping import load_profile
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.runner.device_registry import DEVICES, device_in_use, key_map, resolve_device
from hitl_clic.settings import SessionSettings, load
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


def test_what_reads_its_own_hardware_needs_no_window(no_display: pytest.MonkeyPatch) -> None:
    chosen = resolve_device(SessionSettings(device="gamepad"))
    assert (chosen.device, chosen.headless) == ("gamepad", True)
    with pytest.raises(SettingsError, match="allowed without a window: oracle, spacemouse, gamepad"):
        resolve_device(SessionSettings(device="mouse"))


def test_a_person_needs_real_time(no_display: pytest.MonkeyPatch) -> None:
    with pytest.raises(SettingsError, match="pace = max is not allowed with device = gamepad"):
        resolve_device(SessionSettings(device="gamepad", pace="max"))


def test_a_spacemouse_without_its_packages_is_refused_with_what_to_install(no_display: pytest.MonkeyPatch) -> None:
    for name in ("hid", "hidraw", "pyspacemouse"):
        no_display.setitem(sys.modules, name, None)
    with pytest.raises(SettingsError, match=r"spacemouse cannot be used here.*hitl-clic\[spacemouse\]"):
        resolve_device(SessionSettings(device="spacemouse"))


@pytest.mark.parametrize(("task", "foresees"), [("push_t", True), ("line_following", True), ("hammer", False)])
def test_foresight_is_refused_where_a_task_cannot_be_foreseen(task: str, foresees: bool) -> None:
    settings = load(overrides={"task": task, "device": "oracle", "oracle": {"foresight": "true"}})
    make, axes = DEVICES["oracle"].make, make_task(task).action_frame.axes
    if foresees:
        make(settings, axes, TeacherChannel(), EventFeed())
        return
    with pytest.raises(SettingsError, match=r"oracle\.foresight .* not allowed with task = hammer.*no-foresight"):
        make(settings, axes, TeacherChannel(), EventFeed())


def test_every_hand_can_be_chosen_by_name() -> None:
    for name in DEVICES:
        assert SessionSettings(device=name).device == name  # type: ignore[arg-type]


@pytest.mark.parametrize("name", ["spacemouse", "gamepad"])
@pytest.mark.parametrize("axes", [("x", "y"), ("x", "y", "z", "gripper"), ARM, BOTH])
def test_one_profile_fits_scenes_arms_and_pairs_of_arms(name: str, axes: tuple[str, ...]) -> None:
    device = HandheldDevice(name, PadSource(), load_profile(name), axes=axes)
    assert device.axes == axes
    assert bind(device.axes, axes).action == tuple(range(len(axes)))


@pytest.mark.parametrize(("mode", "hint"), [("hold", "hold the cap to correct"), ("touch", "steer to correct")])
def test_the_hint_names_what_is_held(mode: str, hint: str) -> None:
    assert device_in_use(SessionSettings(device="spacemouse")).hint(mode, False) == hint  # type: ignore[arg-type]


def test_the_key_maps_name_what_the_hand_does() -> None:
    rows = dict(key_map(SessionSettings(device="spacemouse"), ARM))
    assert rows["Push sideways"] == "Move left / right"
    assert rows["Push away or pull"] == "Move near / away"
    assert "Emergency" in rows["Left and right buttons together, esc button"]
    rows = dict(key_map(SessionSettings(device="gamepad"), ARM))
    assert "Emergency" in rows["B button"]


@pytest.mark.parametrize(("device", "by_default"), [("oracle", None), ("gamepad", 0.5)])
def test_hands_hand_over_in_bounded_steps_and_a_script_as_published(device: str, by_default: float | None) -> None:
    for given, expected in (({}, by_default), ({"max_step": 0.25}, 0.25)):
        settings = load(overrides={"device": device, "headless": True, "correction": given})
        assert resolve_device(settings).correction.max_step == expected
