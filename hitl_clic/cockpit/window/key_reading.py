"""What each key of a keyboard means in the layout in use: motion by place, commands by letter.

Pure; any thread. A place is named after the key that lies there on a US keyboard. The names that leave here are those
of a profile and of the window's table, so nothing behind it knows of layouts.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from hitl_clic.devices.mapping.shaping import Profile
from hitl_clic.types.schema import Schema

PLACES: Mapping[int, str] = {
    **dict(enumerate("abcdefghijklmnopqrstuvwxyz1234567890", 4)),
    **{45: "-", 46: "=", 47: "[", 48: "]", 49: "\\", 51: ";", 52: "'", 53: "`", 54: ",", 55: ".", 56: "/"},
}
"""Places by scancode (USB HID usage, keyboard page). Only keys that type a character have one."""
_KEYS_WITH_A_PLACE = frozenset(PLACES.values())

Labels = tuple[tuple[str, str], ...]
"""(name of a key, what is printed on it) of the keys where these differ."""


@dataclass(frozen=True, slots=True)
class KeyUse:
    """What a session does with keys, besides the window's own.

    Attributes:
        motion: names of the keys that move the robot. commands: names of all other keys in use.
    """

    motion: tuple[str, ...] = ()
    commands: tuple[str, ...] = ()

    @staticmethod
    def of(profile: Profile) -> KeyUse:
        """The keys of a profile."""
        moves = {key: binding[0] in "+-" for key, binding in profile.keys.items()}
        return KeyUse(
            tuple(key for key in moves if moves[key]),
            tuple(key for key in moves if not moves[key]),
        )


KEY_USE: Schema[KeyUse] = Schema(KeyUse)


class KeyReading:
    """The meaning of each key in one layout.

    A motion key keeps its place. A command keeps its letter, wherever the letter lies. If the letter lies on a motion
    key, or if no key types it, the command moves to the place that its letter has on a US keyboard. If that place is
    taken too, the command moves to the key with the first free letter of its word, or else to any free letter.

    Args:
        layout: what is printed on the key of each place, in lower case. A place without a character has no entry. An
            empty one counts as that of the United States.
        motion: names of the keys that move the robot.
        commands: names of all other keys, each with the word that it stands for.
    """

    def __init__(self, layout: Mapping[str, str], motion: Iterable[str], commands: Mapping[str, str]) -> None:
        self._motion = _KEYS_WITH_A_PLACE.intersection(motion)
        self._commands = frozenset(commands)
        layout = layout or {place: place for place in PLACES.values()}
        where: dict[str, str] = {}
        for place, typed in layout.items():
            where.setdefault(typed, place)
        stays = {name for name in commands if name in where and where[name] not in self._motion}
        taken = {*self._motion, *(where[name] for name in stays)}
        self._moved: dict[str, str] = {}
        """Commands that do not have the key with their letter, by place."""
        for name, word in commands.items():
            if name in stays or name not in _KEYS_WITH_A_PLACE:
                continue
            letters = [where[letter] for letter in word if letter in where]
            places = [name, *filter(str.isalpha, [*letters, *layout])]
            for place in places:
                if place in layout and place not in taken:
                    taken.add(place)
                    self._moved[place] = name
                    break
        self._letters = stays | {name for name in commands if name not in _KEYS_WITH_A_PLACE}
        printed = {place: layout.get(place, place) for place in self._motion}
        printed |= {name: layout[place] for place, name in self._moved.items()}
        self.labels: Labels = tuple(sorted((name, typed) for name, typed in printed.items() if name != typed))

    def meaning(self, place: str, typed: str) -> str:
        """The name of a key in profiles and in the window's table; empty for a key without use.

        Args:
            place: its place; empty for a key that types no character. typed: its name in the layout.
        """
        if place in self._motion:
            return place
        if place in self._moved:
            return self._moved[place]
        if not place or typed in self._letters:
            return typed
        # this key types the letter of a key that lies elsewhere
        return "" if typed in self._motion or typed in self._commands else typed or place
