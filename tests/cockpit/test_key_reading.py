"""Keyboard layouts: motion by place and commands by letter, without a display."""

from __future__ import annotations

from collections.abc import Mapping

import pytest
from keyboard_layouts import LAYOUTS, NOT_LATIN

from hitl_clic.cockpit.window.key_reading import PLACES, KeyReading, KeyUse
from hitl_clic.cockpit.window.keymap import KEYS, Keymap
from hitl_clic.devices.core.controls import key_label
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.hardware.keyboard import KeyboardDevice
from hitl_clic.devices.mapping.key_rows import key_rows
from hitl_clic.devices.mapping.shaping import load_profile
from hitl_clic.runner.cockpit_feed import CockpitFeed, FixedStatus
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.pusht.push_t import PushT
from hitl_clic.types.view import LoopView

PROFILE = load_profile("keyboard")
USE = KeyUse.of(PROFILE)
COMMANDS = {key.name: key.word for key in KEYS} | {
    name: name for name in USE.commands if name not in {key.name for key in KEYS}
}
MOTION = tuple(name for name in USE.motion if name in PLACES.values())


def reading(layout: Mapping[str, str]) -> KeyReading:
    return KeyReading(layout, USE.motion, COMMANDS)


def pressed(read: KeyReading, layout: Mapping[str, str], place: str) -> str:
    return read.meaning(place, layout.get(place, ""))


def key_of(read: KeyReading, layout: Mapping[str, str], name: str) -> list[str]:
    """The places whose keys have this name."""
    return [place for place in PLACES.values() if pressed(read, layout, place) == name]


@pytest.mark.parametrize("name", LAYOUTS)
def test_each_motion_key_keeps_its_place_and_each_command_has_exactly_one_key(name: str) -> None:
    layout = LAYOUTS[name]
    read = reading(layout)
    for motion in MOTION:
        assert key_of(read, layout, motion) == [motion]
    for command in COMMANDS:
        if len(command) == 1:
            assert len(key_of(read, layout, command)) == 1, f"{command} of {name}"


@pytest.mark.parametrize("name", LAYOUTS)
def test_what_is_shown_is_what_is_printed_on_the_key_that_acts(name: str) -> None:
    layout = LAYOUTS[name]
    read = reading(layout)
    labels = dict(read.labels)
    names = (*MOTION, *(one for one in COMMANDS if len(one) == 1))
    for name_of_key in names:
        (place,) = key_of(read, layout, name_of_key)
        assert labels.get(name_of_key, name_of_key) == layout[place]
    shown = {key_label(labels.get(one, one)) for one in names}
    assert len(shown) == len(names), "no label stands twice"
    assert {key.label for key in Keymap((), labels).keys if len(key.name) == 1} <= shown


def test_on_azerty_the_key_where_w_lies_moves_and_does_not_discard() -> None:
    layout = LAYOUTS["fr"]
    read = reading(layout)
    assert layout["w"] == "z"
    assert pressed(read, layout, "w") == "w", "the key that types Z moves away from the operator"
    assert key_of(read, layout, "z") == ["z"], "discard lies on the place of Z, which types W"
    labels = dict(read.labels)
    assert Keymap((), labels).label("discard") == "W"
    rows = dict(key_rows(PROFILE, ("x", "y"), printed=labels))
    assert rows["Q D, Left Right"] == "Move left / right"
    assert rows["Z S, Up Down"] == "Move up / down"


def test_on_qwertz_the_letters_of_y_and_z_are_followed() -> None:
    layout = LAYOUTS["de"]
    assert key_of(reading(layout), layout, "z") == ["y"], "discard lies where Z is printed"


def test_a_command_whose_letter_moves_and_whose_place_is_taken_gets_a_free_letter_of_its_word() -> None:
    layout = LAYOUTS["us dvorak"]
    read = reading(layout)
    (place,) = key_of(read, layout, "o")
    assert layout["s"] == "o", "the letter lies on a motion key"
    assert layout["o"] == "r", "whose place has another command"
    assert layout[place] in "only"
    assert Keymap((), read.labels).label("next_correction_axes") == layout[place].upper()


@pytest.mark.parametrize("name", NOT_LATIN)
def test_without_latin_letters_a_command_lies_on_the_place_of_its_letter(name: str) -> None:
    layout = LAYOUTS[name]
    read = reading(layout)
    for command in COMMANDS:
        if len(command) == 1:
            assert key_of(read, layout, command) == [command]


def test_keys_without_a_character_go_by_name() -> None:
    read = reading(LAYOUTS["fr"])
    for name in ("left", "page up", "left shift", "right shift", "[4]", "escape", "f10", "return"):
        assert read.meaning("", name) == name


def test_a_dead_key_or_a_stray_letter_is_no_motion_key() -> None:
    layout = LAYOUTS["fr"]
    read = reading(layout)
    assert "[" not in layout, "the circumflex waits for the next letter"
    assert read.meaning("[", "") == "["
    assert read.meaning("b", "w") == "", "a second key that types W does not move"


def test_a_profile_may_move_with_a_dead_key() -> None:
    read = KeyReading(LAYOUTS["fr"], ("[",), {"p": "pause"})
    assert read.meaning("[", "") == "["


def test_without_a_motion_key_letters_stay_where_they_are_printed() -> None:
    layout = LAYOUTS["fr"]
    read = KeyReading(layout, (), COMMANDS)
    assert key_of(read, layout, "z") == ["w"], "a gamepad needs no keys: Z discards wherever it lies"


def test_key_map_hints_and_messages_name_the_keys_of_the_layout_in_use() -> None:
    layout, labels = LAYOUTS["fr"], list[tuple[tuple[str, str], ...]]([()])
    settings = SessionSettings(device="keyboard", task="push_t")
    views: Slot[LoopView] = Slot()
    feed = CockpitFeed(
        settings,
        PushT(),
        views,
        FixedStatus(),
        KeyboardDevice(EventFeed(), PROFILE, axes=("x", "y")),
        key_labels=lambda: labels[0],
    )
    views.publish(LoopView(0, 0, 0, "autonomous", "relative", None, None, 0, None, {}, command_frame="camera"))
    state = feed.state()
    assert state is not None
    assert dict(state.device_keys)["W S, Up Down"] == "Move up / down"
    assert state.keymap.label("discard") == "Z"
    labels[0] = reading(layout).labels
    state = feed.state()
    assert state is not None
    assert dict(state.device_keys)["Z S, Up Down"] == "Move up / down"
    assert state.keymap.label("discard") == "W"
