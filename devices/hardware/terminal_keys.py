"""Turns the bytes that a terminal sends into names of keys, as the window names them. Pure; one reader thread."""

from __future__ import annotations

import codecs
import re
from collections.abc import Iterator, Mapping

ESCAPE = "\x1b"
_NAMES: Mapping[str, str] = {
    **{"\r": "return", "\n": "return", "\t": "tab", " ": "space", "\x7f": "backspace", "\x08": "backspace"},
    ESCAPE: "escape",
}
_BY_LETTER: Mapping[str, str] = {
    **{"A": "up", "B": "down", "C": "right", "D": "left", "H": "home", "F": "end"},
    **{"P": "f1", "Q": "f2", "R": "f3", "S": "f4"},
}
"""Keys by the last letter of their sequence."""
_BY_NUMBER: Mapping[int, str] = {
    **{1: "home", 2: "insert", 3: "delete", 4: "end", 5: "page up", 6: "page down", 7: "home", 8: "end"},
    **{11: "f1", 12: "f2", 13: "f3", 14: "f4", 15: "f5", 17: "f6", 18: "f7", 19: "f8", 20: "f9", 21: "f10"},
    **{23: "f11", 24: "f12"},
}
"""Keys by the number in their sequence, which ends in "~"."""
_SEQUENCE = re.compile(
    r"\x1b(?:O(?P<letter>[A-Z])|\[\[(?P<linux>[A-E])|\[(?P<values>[0-9;:?<>=]*)[ -/]*(?P<end>[@-Z\\-~]))"
)
_BEGUN = re.compile(r"\x1b(?:O|\[[0-9;:?<>=]*[ -/]*|\[\[)?\Z")
"""The beginning of a sequence whose rest may still come."""
_LATIN = str.maketrans(
    "йцукенгшщзхъфывапролджэячсмитьбюςερτυθιοπασδφγηξκλζχψωβνμקראטוןםפשדגכעיחלךףזסבהנמצתץ",
    "qwertyuiop[]asdfghjkl;'zxcvbnm,.wertyuiopasdfghjklzxcvbnmertyuiopasdfghjkl;zxcvbnm,.",
)
"""The Latin letter on the key of a Russian, Greek or Hebrew one."""
_SHIFT, _CTRL = 1, 4
"""Bits of the number of a modified key, less 1."""


class TerminalKeyParser:
    """Reads key presses. A terminal reports no release, and a held key as further presses."""

    def __init__(self) -> None:
        self._decoder = codecs.getincrementaldecoder("utf-8")(errors="ignore")
        self._waiting = ""

    @property
    def incomplete(self) -> bool:
        """Whether a sequence has begun and not ended; a lone Escape looks like one."""
        return bool(self._waiting)

    def feed(self, data: bytes) -> list[str]:
        """Names of the keys in these bytes; a capital letter also gives "left shift"."""
        self._waiting += self._decoder.decode(data)
        return list(self._names(complete=False))

    def flush(self) -> list[str]:
        """The keys of an incomplete sequence, after which nothing came: the Escape key, and what follows it."""
        return list(self._names(complete=True))

    def _names(self, complete: bool) -> Iterator[str]:
        while self._waiting:
            found = _SEQUENCE.match(self._waiting)
            if found is not None:
                self._waiting = self._waiting[found.end() :]
                yield from _sequence(found)
            elif not complete and _BEGUN.match(self._waiting):
                return
            else:
                character, self._waiting = self._waiting[0], self._waiting[1:]
                yield from _character(character)


def _sequence(found: re.Match[str]) -> Iterator[str]:
    """The key of an escape sequence, after the modifiers that were held with it."""
    if found["linux"]:
        yield f"f{ord(found['linux']) - ord('A') + 1}"
        return
    if found["letter"] == "M":  # Enter of the number pad
        yield "return"
        return
    values = [int(value) if value.isdecimal() else 0 for value in (found["values"] or "").split(";")]
    end = found["letter"] or found["end"]
    name = _BY_NUMBER.get(values[0]) if end == "~" else _BY_LETTER.get(end)
    if name is None:  # a report that is no key, such as of a mouse
        return
    held = max(0, values[1] - 1) if len(values) > 1 else 0
    if held & _SHIFT:
        yield "left shift"
    if held & _CTRL:
        yield "left ctrl"
    yield name


def _character(character: str) -> Iterator[str]:
    if character in _NAMES:
        yield _NAMES[character]
    elif character.isprintable():
        lower = character.lower()
        if lower != character:
            yield "left shift"
        yield lower.translate(_LATIN)
