"""Keyboard layouts in the real window: real key events under a virtual display with the layout of `setxkbmap`."""

from __future__ import annotations

import os
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from typing import TypeVar

import pytest
from keyboard_layouts import LAYOUTS

from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.cockpit.window.key_reading import KeyUse
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.cockpit.window.window_link import WindowLink
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.keyboard import KeyboardDevice
from hitl_clic.devices.mapping.shaping import load_profile
from hitl_clic.types.scene import Scene, Shape
from tools.virtual_display import MISSING, xdotool

pytestmark = [
    pytest.mark.skipif(bool(MISSING), reason=MISSING),
    pytest.mark.skipif(shutil.which("setxkbmap") is None, reason="needs setxkbmap (apt install x11-xkb-utils)"),
]
KEYCODES = {
    **{place: 24 + at for at, place in enumerate("qwertyuiop[]")},
    **{place: 38 + at for at, place in enumerate("asdfghjkl;'`")},
    **{place: 52 + at for at, place in enumerate("zxcvbnm,./")},
}
"""X11's keycodes by place; a keycode is a place, whatever the layout."""
STATE = CockpitState(
    "Push-T", Scene((512.0, 512.0), (Shape("robot", ((256.0, 256.0),), 15.0),), (256.0, 256.0), 10.0), device="Keyboard"
)
SPACE_CODE, KP_4_CODE, NUM_LOCK_CODE, LEFT_SHIFT_CODE, RIGHT_SHIFT_CODE = 65, 83, 77, 50, 62


T = TypeVar("T")


class Desk:
    """A window, its events and a keyboard in front of it."""

    def __init__(self, display: str, window: WindowLink, feed: EventFeed) -> None:
        self.display, self.window, self.feed = display, window, feed

    def layout(self, name: str) -> None:
        """Choose a layout, and wait until the window has read it."""
        before = self.window.key_labels
        subprocess.run(["setxkbmap", "-display", self.display, *name.split()], check=True, timeout=10.0)
        if name == "de":  # there all names are as printed
            self.until(lambda: self.press(KEYCODES["y"]).name == "z")
            self.commands()
        elif name != "us":
            self.until(lambda: self.window.key_labels != before)

    def press(self, code: int) -> InputEvent:
        """Press and release the key of a keycode; the event that the devices get for the press."""
        self.feed.drain(0.0)
        xdotool(self.display, "key", code)
        return self.until(lambda: next((e for e in self.feed.drain(0.05) if e.kind == "key_down"), None))

    def commands(self) -> list[str]:
        """All commands of the window since the last call, once the events before them have come."""
        self.press(KEYCODES["b"])
        return self.window.take_commands()

    @staticmethod
    def until(look: Callable[[], T | None]) -> T:
        deadline = time.monotonic() + 20.0
        while time.monotonic() < deadline:
            if found := look():
                return found
            time.sleep(0.01)
        raise AssertionError("it did not happen")


@pytest.fixture(scope="module")
def desk(display: str) -> Iterator[Desk]:
    feed, before = EventFeed(), dict(os.environ)
    os.environ["DISPLAY"] = display
    os.environ.pop("SDL_VIDEODRIVER", None)
    link = WindowLink(WindowSettings(width=960, height=540, niceness=0), keys=KeyUse.of(load_profile("keyboard")))
    link.add_feed(feed)
    link.show(lambda: STATE)
    try:
        link.start()
        xdotool(display, "search", "--class", "hitl-clic", "windowfocus")
        Desk.until(lambda: any(event.kind == "focus_gained" for event in feed.drain(0.05)))
        yield Desk(display, link, feed)
    finally:
        link.close()
        os.environ.clear()
        os.environ.update(before)


@pytest.fixture(autouse=True)
def _back_to_us(desk: Desk) -> Iterator[None]:
    yield
    desk.layout("us")
    desk.until(lambda: not desk.window.key_labels)


@pytest.mark.parametrize("layout", [name for name in LAYOUTS if name != "us"])
def test_motion_keys_keep_their_places_and_the_labels_are_those_of_the_layout(desk: Desk, layout: str) -> None:
    desk.layout(layout)
    for place in "wasdqe":
        assert desk.press(KEYCODES[place]).name == place
    assert not desk.commands(), "no motion key gives a command"
    labels = dict(desk.window.key_labels)
    for place in "wasdqe":
        assert labels.get(place, place) == LAYOUTS[layout][place]


def test_on_azerty_the_key_of_z_moves_and_that_of_w_discards(desk: Desk) -> None:
    desk.layout("fr")
    device = KeyboardDevice(desk.feed, load_profile("keyboard"), stale_after_s=5.0, axes=("x", "y"))
    xdotool(desk.display, "keydown", KEYCODES["w"])
    desk.until(lambda: device.read(0.05).motion == (0.0, -1.0))
    xdotool(desk.display, "keyup", KEYCODES["w"])
    desk.until(lambda: device.read(0.05).motion == (0.0, 0.0))
    assert desk.commands() == []
    desk.press(KEYCODES["z"])
    assert desk.commands() == ["discard"]
    assert dict(desk.window.key_labels)["z"] == "w"


@pytest.mark.parametrize(
    ("layout", "place", "command"),
    [
        ("de", "y", "discard"),
        ("de", "p", "pause"),
        ("us dvorak", "r", "pause"),
        ("us dvorak", "i", "clear_stop"),
        ("us dvorak", "/", "discard"),
        ("gr", "p", "pause"),
        ("gr", "z", "discard"),
        ("ru", "c", "clear_stop"),
        ("ru", "z", "discard"),
        ("il", "n", "reset"),
    ],
)
def test_commands_go_by_letter_or_by_its_place(desk: Desk, layout: str, place: str, command: str) -> None:
    desk.layout(layout)
    desk.press(KEYCODES[place])
    assert desk.commands() == [command]


def test_on_dvorak_the_key_of_o_moves_and_its_command_has_the_letter_that_is_shown(desk: Desk) -> None:
    desk.layout("us dvorak")
    assert LAYOUTS["us dvorak"]["s"] == "o"
    shown = dict(desk.window.key_labels)["o"]
    (place,) = (place for place, typed in LAYOUTS["us dvorak"].items() if typed == shown)
    desk.press(KEYCODES[place])
    assert desk.commands() == ["next_correction_axes"]


def test_the_layout_may_change_while_a_key_is_down(desk: Desk) -> None:
    desk.feed.drain(0.0)
    xdotool(desk.display, "keydown", KEYCODES["m"])
    desk.until(lambda: any(e.kind == "key_down" and e.name == "m" for e in desk.feed.drain(0.05)))
    desk.layout("fr")  # there M lies elsewhere
    xdotool(desk.display, "keyup", KEYCODES["m"])
    desk.until(lambda: any(e.kind == "key_up" and e.name == "m" for e in desk.feed.drain(0.05)))


def test_the_number_pad_goes_by_place_with_and_without_num_lock(desk: Desk) -> None:
    names = []
    for _ in range(2):
        names.append(desk.press(KP_4_CODE).name)
        desk.press(NUM_LOCK_CODE)
    assert names == ["[4]", "[4]"]


def test_left_and_right_modifiers_and_space_are_told_apart_in_every_layout(desk: Desk) -> None:
    for layout in ("fr", "ru"):
        desk.layout(layout)
        names = [desk.press(code).name for code in (LEFT_SHIFT_CODE, RIGHT_SHIFT_CODE, SPACE_CODE)]
        assert names == ["left shift", "right shift", "space"]


def test_a_dead_key_is_no_other_key(desk: Desk) -> None:
    desk.layout("fr")
    assert desk.press(KEYCODES["["]).name == "["
    assert desk.press(KEYCODES["w"]).name == "w", "the key after it is not swallowed"
    assert desk.commands() == []
