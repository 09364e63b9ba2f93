"""The one table of the window's keys: used to obey them, to print them and to refuse what clashes.

Pure data, no pygame. Names are pygame's key names in lower case. Every key also reaches the devices as an
`InputEvent`; those that are not the window's belong to them alone, as their profiles say. By default keys that end
something lie far from W, A, S, D so that a slip while driving costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal, get_args

from hitl_clic.devices.core.controls import KEY_NAMES, is_key, key_label, meant

Command = Literal[
    "pause",
    "stop",
    "clear_stop",
    "success",
    "failure",
    "reset",
    "discard",
    "toggle_kind",
    "next_frame",
    "next_axes",
    "quit",
]
Local = Literal["help", "screenshot", "view", "energy", "details"]
Action = Command | Local
Row = tuple[str, str]
"""A line of a key map, this one's or a device's: what to press, and what it does."""
Bindings = tuple[tuple[str, str], ...]
"""(action, name of its key): those that are others than by default."""

COMMANDS: tuple[Command, ...] = get_args(Command)
_SHORT = {"escape": "Esc", "return": "Enter"}


@dataclass(frozen=True, slots=True)
class Key:
    """One row: pygame's name of the key, what it does: its name, in a word and in a sentence."""

    name: str
    action: Action
    word: str
    sentence: str

    @property
    def label(self) -> str:
        """The key as people call it."""
        return _SHORT.get(self.name) or key_label(self.name)


KEYS: tuple[Key, ...] = (
    Key("escape", "stop", "stop", "Emergency stop, until you clear it"),
    Key("c", "clear_stop", "clear stop", "Clear the emergency stop"),
    Key("p", "pause", "pause", "Pause, and go on again"),
    Key("return", "success", "reached", "End the episode: goal reached"),
    Key("backspace", "failure", "failed", "End the episode: failed"),
    Key("n", "reset", "new start", "Start the episode again"),
    Key("z", "discard", "undo", "Discard your last correction"),
    Key("r", "toggle_kind", "relative/absolute", "Relative or absolute corrections"),
    Key("t", "next_frame", "axes", "Along whose axes: world, hand, picture"),
    Key("o", "next_axes", "only", "Correct only some axes, or all again"),
    Key("v", "view", "view", "See the robot from elsewhere"),
    Key("f1", "help", "help", "Show or hide these keys"),
    Key("f2", "energy", "energy", "Show or hide how the robot sees its choice"),
    Key("f3", "details", "details", "Show or hide how long each part of a tick takes"),
    Key("f12", "screenshot", "picture", "Save a picture of the window"),
    Key("f10", "quit", "quit", "End the session and show its summary"),
)
"""As they are by default."""


class Keymap:
    """The table with some keys bound anew."""

    def __init__(self, bindings: Mapping[str, str] | Bindings = ()) -> None:
        """
        Args:
            bindings: the key of each action that has another one than by default.

        Raises:
            ValueError: there is no such action or key, or two actions have one key; says which.
        """
        anew = dict(bindings)
        actions = {key.action for key in KEYS}
        for action, name in anew.items():
            if action not in actions:
                raise ValueError(f"the window does nothing called {action!r}; {meant(action, actions)}")
            if not is_key(name):
                raise ValueError(f"{action}: there is no key {name!r}; {meant(name, KEY_NAMES)}")
        self.keys = tuple(replace(key, name=anew.get(key.action, key.name)) for key in KEYS)
        """All rows, in the order of the table."""
        self._by_name = {key.name: key for key in self.keys}
        for key in self.keys:
            other = self._by_name[key.name]
            if other is not key:
                raise ValueError(f"key {key.name!r} is bound twice, to {key.action} and to {other.action}")
        self._by_action = {key.action: key for key in self.keys}

    def find(self, name: str) -> Key | None:
        """The row of a key, by pygame's name of it in lower case; None when it is not the window's."""
        return self._by_name.get(name)

    def label(self, action: Action) -> str:
        """The key of an action as people call it."""
        return self._by_action[action].label

    def hints(self, *actions: Action) -> tuple[Row, ...]:
        """(key, word) of these actions, in that order, for the lines of keys at the foot of the panel."""
        return tuple((self.label(action), self._by_action[action].word) for action in actions)

    def labels(self) -> dict[str, str]:
        """The keys as people call them, by action."""
        return {key.action: key.label for key in self.keys}

    def rows(self) -> tuple[Row, ...]:
        """(what to press, what it does), for people."""
        return tuple((key.label, key.sentence) for key in self.keys)


@cache
def table(bindings: Bindings) -> Keymap:
    """The same table each time: a picture asks for it several times."""
    return Keymap(bindings)
