"""The table of the window's keys: it runs their actions, prints them and refuses conflicts.

Pure data, no pygame; any thread. Names are pygame's key names in lower case. Every key also reaches the devices as an
`InputEvent`. Keys that end an episode lie far from W, A, S, D, so that a slip while driving costs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from functools import cache
from typing import Literal

from hitl_clic.devices.core.controls import KEY_NAMES, is_key, key_label, suggestion
from hitl_clic.types.commands import COMMANDS

_Switch = Literal["toggle_correction_mode", "next_command_frame", "next_correction_axes"]
_Ending = Literal["success", "failure", "reset", "reset_keep", "quit"]
WindowCommand = Literal["pause", "stop", "clear_stop", "discard", "slow_motion", _Ending, _Switch]
LocalAction = Literal["help", "screenshot", "view", "energy", "details"]
Action = WindowCommand | LocalAction
Row = tuple[str, str]
"""A line of a key map, the window's or a device's: (what to press, what it does)."""
Bindings = tuple[tuple[str, str], ...]
"""(action, name of its key) of each action without its default key; or (name of a key, what is printed on it)."""

_SHORT = {"escape": "Esc", "return": "Enter"}


@dataclass(frozen=True, slots=True)
class Key:
    """One row: pygame's name of the key, its action, and the action as a word and as a sentence.

    `printed`: what is printed on the key in the layout in use; empty: its name.
    """

    name: str
    action: Action
    word: str
    sentence: str
    printed: str = ""

    @property
    def label(self) -> str:
        """The key's usual name."""
        return _SHORT.get(self.name) or key_label(self.printed or self.name)


KEYS: tuple[Key, ...] = (
    Key("escape", "stop", "stop", "Emergency stop, until you clear it"),
    Key("c", "clear_stop", "clear stop", "Clear the emergency stop"),
    Key("p", "pause", "pause", "Pause or continue"),
    Key("return", "success", "success", COMMANDS["success"]),
    Key("backspace", "failure", "failure", COMMANDS["failure"]),
    Key("n", "reset", "restart", COMMANDS["reset"]),
    Key("f9", "reset_keep", "restart, keep", COMMANDS["reset_keep"]),
    Key("z", "discard", "discard", COMMANDS["discard"]),
    Key("r", "toggle_correction_mode", "relative/absolute", "Switch between relative and absolute corrections"),
    Key("t", "next_command_frame", "frame", COMMANDS["next_command_frame"]),
    Key("o", "next_correction_axes", "only", "Correct only some axes, or all"),
    Key("h", "slow_motion", "slow motion", COMMANDS["slow_motion"]),
    Key("v", "view", "view", "Change the camera view"),
    Key("f1", "help", "help", "Show or hide these keys"),
    Key("f2", "energy", "energy", "Show or hide the energy of the next action"),
    Key("f3", "details", "details", "Show or hide the time of each part of a tick"),
    Key("f12", "screenshot", "screenshot", "Save a picture of the window"),
    Key("f10", "quit", "quit", "End the session and show its summary"),
)
"""The default keys."""


class Keymap:
    """The table with some keys changed.

    `bindings`: the key of each action without its default key. `printed`: what is printed on a key, by its name, where
    the two differ. Raises ValueError, which names the action or the key, if one is unknown or if two actions have one
    key.
    """

    def __init__(self, bindings: Mapping[str, str] | Bindings = (), printed: Mapping[str, str] | Bindings = ()) -> None:
        changed, labels = dict(bindings), dict(printed)
        actions = {key.action for key in KEYS}
        for action, name in changed.items():
            if action not in actions:
                raise ValueError(f"there is no window action {action!r}; {suggestion(action, actions)}")
            if not is_key(name):
                raise ValueError(f"{action}: there is no key {name!r}; {suggestion(name, KEY_NAMES)}")
        names = {key.action: changed.get(key.action, key.name) for key in KEYS}
        self._by_action = {
            key.action: replace(key, name=names[key.action], printed=labels.get(names[key.action], "")) for key in KEYS
        }
        self.keys = tuple(self._by_action.values())
        """All rows, in the order of the table."""
        self._by_name = {key.name: key for key in self.keys}
        for key in self.keys:
            other = self._by_name[key.name]
            if other is not key:
                raise ValueError(f"key {key.name!r} is bound twice, to {key.action} and to {other.action}")

    def find(self, name: str) -> Key | None:
        """The row of this key, by pygame's name in lower case; None if the window does not use it."""
        return self._by_name.get(name)

    def label(self, action: Action) -> str:
        """The usual name of an action's key."""
        return self._by_action[action].label

    def hints(self, *actions: Action) -> tuple[Row, ...]:
        """(key, word) of these actions, in that order."""
        return tuple((self.label(action), self._by_action[action].word) for action in actions)

    def labels(self) -> dict[str, str]:
        """The keys' usual names by action."""
        return {key.action: key.label for key in self.keys}

    def rows(self) -> tuple[Row, ...]:
        """(key, sentence) of all actions."""
        return tuple((key.label, key.sentence) for key in self.keys)


@cache
def table(bindings: Bindings, printed: Bindings = ()) -> Keymap:
    """The cached table of these bindings."""
    return Keymap(bindings, printed)
