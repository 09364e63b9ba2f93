"""Several devices at once: their profiles, texts and refusals."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
from fake_hid import wait_until

from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.registry import chosen_devices
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.runner.device_registry import EVERY_AXIS, device_in_use, device_spec, key_map, make_device
from hitl_clic.runner.device_registry import resolve_device as resolve
from hitl_clic.settings_layers import load
from hitl_clic.types.errors import SettingsError


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
