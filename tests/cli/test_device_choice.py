"""The chosen device: hints, profiles, key map, and what is offered and refused."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path
from typing import Any

import pytest

from hitl_clic.cli import devices
from hitl_clic.cli.commands import DevicesCommand
from hitl_clic.control.gate import CorrectionOptions
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.registry import DEVICES, DeviceReport
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.runner import device_registry
from hitl_clic.runner.device_registry import make_device, profile_of
from hitl_clic.settings import SettingsError
from hitl_clic.settings_layers import load
from hitl_clic.tasks.registry import make_task


@pytest.mark.parametrize("mode", ["hold", "toggle", "touch"])
def test_hints_say_what_to_do_now(mode: Any) -> None:
    for hand in DEVICES.values():
        assert "correct" in hand.hint(mode, False) or not hand.control
        assert "hand back" in hand.hint(mode, True) or not hand.control
    assert DEVICES["keyboard"].hint("hold", False) == "hold Space to correct"
    assert DEVICES["keyboard"].hint("hold", True) == "release Space to hand back"
    for name, hand in DEVICES.items():
        if name in ("keyboard", "mouse"):
            found = device_registry.device_in_use(load(overrides={"device": name}))
            assert found == hand, "the presets engage as the table says"


def test_a_profiles_key_that_is_the_windows_is_refused(tmp_path: Path) -> None:
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"\n[axes.x]\n[keys]\nr = "+x"\nescape = "stop"\n')
    with pytest.raises(SettingsError, match=r"'r' is bound twice, here to .* by the window"):
        profile_of("keyboard", str(mine))
    assert profile_of("keyboard", str(mine), {"toggle_correction_mode": "b"}).keys["r"] == "+x", (
        "the window has let it go"
    )
    with pytest.raises(SettingsError, match=r"'space' is bound twice, here to 'engage' .* to 'pause'; .*window.keys"):
        device_registry.device_in_use(load(overrides={"device": "keyboard", "window": {"keys": {"pause": "space"}}}))
    with pytest.raises(SettingsError, match="presets: gamepad, keyboard, mouse, pointer, spacemouse"):
        profile_of("keyboard", "joystick")


def test_a_profile_of_ones_own_is_held_and_hinted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISPLAY", ":0")
    mine = tmp_path / "mine.toml"
    mine.write_text('name = "mine"\n[axes.x]\n[axes.y]\n[keys]\ntab = "engage"\nj = "-x"\n')
    chosen = device_registry.resolve_device(load(overrides={"device": "keyboard", "profile": str(mine)}))
    assert device_registry.device_in_use(chosen).hint("hold", False) == "hold Tab to correct"
    assert device_registry.key_map(chosen, ("x", "y"))[0] == ("J", "Move left / right")
    device = make_device(chosen, make_task("line_following").action_frame.axes, TeacherChannel(), EventFeed())
    assert device.axes == ("x", "y")
    mine.write_text('name = "mine"\n[axes.x]\n[keys]\ntabb = "engage"\n')
    with pytest.raises(SettingsError, match="no key 'tabb'; did you mean 'tab'"):
        device_registry.resolve_device(chosen)


def test_choices_and_absolute_axes_are_for_hands_only() -> None:
    task = make_task("line_following")
    everything = ("everything", "sideways", "vertical")
    for name, frames, groups, absolute in (
        ("keyboard", ("camera",), everything, (0,)),
        ("oracle", ("world",), everything[:1], ()),
    ):
        chosen = load(overrides={"device": name, "correction": {"absolute_axes": ["x"]}})
        device = make_device(chosen, task.action_frame.axes, TeacherChannel(), EventFeed())
        assert device_registry.bind_device(chosen, device, task).absolute == absolute
        assert device_registry.correction_options(chosen, task) == CorrectionOptions(frames, groups)
    wrong = load(overrides={"device": "mouse", "correction": {"axes": "sideway"}})
    with pytest.raises(
        SettingsError, match=r"correction.axes = sideway .* did you mean sideways\?.*everything, sideways"
    ):
        device_registry.correction_options(wrong, task)


@pytest.mark.skipif(find_spec("metaworld") is None, reason="needs metaworld (pip install -e '.[hammer]')")
def test_a_task_offers_the_frames_that_it_has() -> None:
    task = make_task("hammer")
    task.reset(seed=0)
    offered = device_registry.correction_options(load(overrides={"task": "hammer", "device": "gamepad"}), task)
    assert offered == CorrectionOptions(("world", "camera"), ("everything", "moving", "height", "gripper"))
    task.close()


def test_the_printed_key_map(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("COLUMNS", "120")
    assert devices.run(DevicesCommand(keys="keyboard", task="push_t")) == 0
    said = capsys.readouterr().out
    assert "W S, Up Down" in said
    assert "the gripper" not in said
    assert "Emergency stop, until you clear it" in said, "the window's keys too"
    assert devices.run(DevicesCommand(keys="mouse")) == 0
    assert "Middle button, G" in capsys.readouterr().out
    (tmp_path / "mine.toml").write_text('[window.keys]\npause = "tab"\n')
    assert devices.run(DevicesCommand(keys="mouse", config=tmp_path / "mine.toml")) == 0
    assert "Tab " in capsys.readouterr().out
    for wrong, named in (
        ({"keys": "keybord"}, "did you mean 'keyboard'"),
        ({"keys": "mouse", "task": "push"}, "task = push"),
    ):
        with pytest.raises(SettingsError, match=named):
            devices.run(DevicesCommand(**wrong))


def test_the_devices_are_listed_word_for_word(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Square brackets name an extra to install; a rich table would take them for a style."""
    report = DeviceReport("spacemouse", False, "Install 'hitl-clic[spacemouse]'.")
    monkeypatch.setattr("hitl_clic.cli.devices.list_devices", lambda: [report])
    assert devices.run(DevicesCommand()) == 0
    assert report.sentence in capsys.readouterr().out
