"""The grammar of a device choice."""

from __future__ import annotations

import pytest

from hitl_clic.devices.core.selection import Selection, parse
from hitl_clic.settings_layers import load
from hitl_clic.types.errors import SettingsError

KINDS = {"oracle": "", "keyboard": "", "spacemouse": "path or serial number", "gamepad": "name or number"}


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("keyboard", (Selection("keyboard"),)),
        ("gamepad:1", (Selection("gamepad", "1"),)),
        ("gamepad:Xbox 360", (Selection("gamepad", "Xbox 360"),)),
        ("spacemouse:/dev/hidraw0", (Selection("spacemouse", "/dev/hidraw0"),)),
        ("spacemouse:1-1:1.0", (Selection("spacemouse", "1-1:1.0"),)),  # only the first colon separates
        ("spacemouse:L+spacemouse:R", (Selection("spacemouse", "L"), Selection("spacemouse", "R"))),
        ("gamepad + keyboard", (Selection("gamepad"), Selection("keyboard"))),
        ("gamepad:0+gamepad:1+keyboard", (Selection("gamepad", "0"), Selection("gamepad", "1"), Selection("keyboard"))),
    ],
)
def test_a_choice_is_read(text: str, expected: tuple[Selection, ...]) -> None:
    assert parse(text, KINDS) == expected
    assert parse("+".join(map(str, expected)), KINDS) == expected


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("gamepd:1", "there is no device 'gamepd'; did you mean 'gamepad'"),
        ("gamepad+keybord", "there is no device 'keybord'; did you mean 'keyboard'"),
        ("", "has an empty part"),
        ("gamepad:SN30 Pro+", "chosen by a part of it, or by its number"),
        ("+keyboard", "has an empty part"),
        ("gamepad:", "'gamepad:' does not say which; write gamepad alone"),
        ("keyboard:1", "there is only one; known are spacemouse:WHICH"),
        ("keyboard+keyboard", "'keyboard' is chosen twice in 'keyboard.keyboard', and there is only one"),
        ("gamepad+gamepad", "write which, as gamepad:WHICH, where WHICH is its name or number"),
        ("gamepad:0+gamepad", "write which"),
        ("gamepad:0+gamepad:0", "'gamepad:0' is chosen twice"),
    ],
)
def test_a_wrong_choice_names_its_fault_and_what_is_known(text: str, says: str) -> None:
    with pytest.raises(ValueError, match=says):
        parse(text, KINDS)


def test_the_setting_takes_a_choice() -> None:
    assert load(overrides={"device": "gamepad: 1 + keyboard"}).device == "gamepad:1+keyboard"
    assert load(overrides={"device": "my_module:MyDevice"}).device == "my_module:MyDevice"
    with pytest.raises(SettingsError, match="no device 'keybord'"):
        load(overrides={"device": "gamepad:1+keybord"})
