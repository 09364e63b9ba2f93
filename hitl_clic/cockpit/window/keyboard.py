"""The keyboard of the window: turns pygame's key events into names of keys. Window process, main thread."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, cast

import pygame

from hitl_clic.cockpit.window.key_reading import PLACES, KeyReading, KeyUse, Labels
from hitl_clic.cockpit.window.keymap import Keymap

_CHARACTERS = range(0x21, 0x3000)
"""Keycodes of characters: Latin, Greek, Cyrillic, Hebrew, Arabic, Thai and more. SDL's are Unicode's."""


def typed(key: int) -> str:
    """The name of a keycode, in lower case; empty if it has none."""
    if key < _CHARACTERS.stop and chr(key).isprintable() and key != pygame.K_SPACE:
        return chr(key).lower()
    return pygame.key.name(key).lower()


def present_layout() -> dict[str, str]:
    """What is printed on the key of each place, in the layout that the display uses now."""
    # pygame has no call for this, but its key states are looked up by keycode: here each state is its own scancode
    states: Any = range(512)
    scancodes: Mapping[int, int] = cast("Any", pygame.key.ScancodeWrapper(states))
    found = {scancodes[key]: typed(key) for key in reversed(_CHARACTERS)}
    return {place: found[scancode] for scancode, place in PLACES.items() if scancode in found}


class Keyboard:
    """Names keys as profiles and the window's table do, in the layout in use.

    Args:
        keys: the window's. use: those of the device.
    """

    def __init__(self, keys: Keymap, use: KeyUse) -> None:
        self.keys, self._use = keys, use
        self._commands = {key.name: key.word for key in keys.keys} | {
            name: name for name in use.commands if keys.find(name) is None
        }
        self._down: dict[int, str] = {}
        """Names of the keys that are down, by scancode: a key goes up under the name with which it went down."""
        self._layout: dict[str, str] = {}
        self.read_layout()

    @property
    def labels(self) -> Labels:
        """What is printed on the keys whose names differ from that."""
        return self._reading.labels

    def read_layout(self) -> bool:
        """Read the layout again; whether it changed."""
        layout = present_layout()
        changed = layout != self._layout
        self._layout = layout
        self._reading = KeyReading(layout, self._use.motion, self._commands)
        return changed

    def name(self, event: pygame.event.Event) -> str:
        """The name of the key of a KEYDOWN or KEYUP event; empty for a key without use."""
        if event.type == pygame.KEYUP and event.scancode in self._down:
            return self._down.pop(event.scancode)
        name = self._reading.meaning(PLACES.get(event.scancode, ""), typed(event.key))
        if event.type == pygame.KEYDOWN:
            name = self._down.setdefault(event.scancode, name)
        return name

    def release_all(self) -> None:
        """The window lost the keyboard: no key is down."""
        self._down.clear()
