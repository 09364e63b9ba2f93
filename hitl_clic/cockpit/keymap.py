"""The one table of the cockpit's keys: used to obey them and to print them.

Pure data, no pygame. Names are pygame's key names in lower case. Every key also reaches the devices as an
`InputEvent`; those not named here belong to them alone, as their profiles say. Keys that end something lie far from
W, A, S, D so that a slip while driving costs nothing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, get_args

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
Local = Literal["help", "screenshot", "view", "energy"]
Row = tuple[str, str]
"""A line of a key map, this one's or a device's: what to press, and what it does."""

COMMANDS: tuple[Command, ...] = get_args(Command)


@dataclass(frozen=True, slots=True)
class Key:
    """One row: pygame's name of the key, its label for people, what it does, in a word and in a sentence."""

    name: str
    label: str
    action: Command | Local
    word: str
    sentence: str


KEYS: tuple[Key, ...] = (
    Key("escape", "Esc", "stop", "stop", "Emergency stop, until you clear it"),
    Key("c", "C", "clear_stop", "clear stop", "Clear the emergency stop"),
    Key("p", "P", "pause", "pause", "Pause, and go on again"),
    Key("return", "Enter", "success", "reached", "End the episode: goal reached"),
    Key("backspace", "Backspace", "failure", "failed", "End the episode: failed"),
    Key("n", "N", "reset", "new start", "Start the episode again"),
    Key("z", "Z", "discard", "undo", "Discard your last correction"),
    Key("r", "R", "toggle_kind", "relative/absolute", "Relative or absolute corrections"),
    Key("t", "T", "next_frame", "axes", "Move along other axes: the world's, the hand's, the picture's"),
    Key("o", "O", "next_axes", "only", "Correct only some axes: the robot keeps the others"),
    Key("v", "V", "view", "view", "See the robot from elsewhere"),
    Key("f1", "F1", "help", "help", "Show or hide these keys"),
    Key("f2", "F2", "energy", "energy", "Show or hide how the robot sees its choice"),
    Key("f12", "F12", "screenshot", "picture", "Save a picture of the window"),
    Key("f10", "F10", "quit", "quit", "End the session and show its summary"),
)

_BY_NAME = {key.name: key for key in KEYS}


def find(name: str) -> Key | None:
    """The row of a key, by pygame's name of it in lower case; None when it is not the cockpit's."""
    return _BY_NAME.get(name)


def labels(*actions: Command | Local) -> tuple[tuple[str, str], ...]:
    """(label, word) of the keys for these actions, in that order, for the line of keys at the foot of the panel."""
    rows = {key.action: key for key in KEYS}
    return tuple((rows[action].label, rows[action].word) for action in actions)


def rows() -> tuple[Row, ...]:
    """(what to press, what it does), for people."""
    return tuple((key.label, key.sentence) for key in KEYS)
