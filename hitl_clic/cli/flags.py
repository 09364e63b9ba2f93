"""Flags from pydantic fields: `--name VALUE`, `--table.name VALUE`, `--name` and `--no-name` for a bool. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from difflib import get_close_matches
from pathlib import Path
from typing import Any, get_origin

from pydantic import Field
from pydantic.dataclasses import dataclass
from pydantic.fields import FieldInfo

from hitl_clic.aliases import current_setting
from hitl_clic.types.errors import SettingsError, allowed, among, fields_of, members, without_none


@dataclass(frozen=True)
class FileFlags:
    """The files that settings come from."""

    session: str | None = Field(default=None, description="Preset of a whole session: a name in configs/sessions.")
    config: Path | None = Field(default=None, description="TOML file with any settings, laid over the presets.")


def flag(name: str) -> str:
    """The flag of a dotted setting. A name that Python reserves ends with "_", its flag does not."""
    return "--" + name.rstrip("_").replace("_", "-")


def leaves(fields: Mapping[str, FieldInfo], prefix: str = "") -> dict[str, FieldInfo]:
    """Every field that is no table, by its dotted name."""
    found: dict[str, FieldInfo] = {}
    for name, field in fields.items():
        inner = fields_of(kind_of(field))
        found |= {prefix + name: field} if inner is None else leaves(inner, f"{prefix}{name}.")
    return found


def of_method(fields: Mapping[str, FieldInfo], values: Mapping[str, Any]) -> dict[str, FieldInfo]:
    """The fields, where a table depends on its `kind` those of the kind in the values."""
    found = dict(fields)
    for name, field in fields.items():
        kinds, table = members(kind_of(field)), values.get(name)
        chosen = table.get("kind") if isinstance(table, Mapping) else None
        if chosen in kinds:
            found[name] = FieldInfo(annotation=kinds[chosen], description=field.description)
    return found


def kind_of(field: FieldInfo) -> Any:
    """The field's type without `None`."""
    return without_none(field.annotation)[0]


def takes_several(field: FieldInfo) -> bool:
    """Whether a flag takes any number of words: tuples, and tables as pairs NAME VALUE."""
    return get_origin(kind_of(field)) in (tuple, list, dict)


class Reader:
    """Reads the arguments of one command.

    Args:
        program: how the command is called, for messages. fields: its flags and arguments.
        positional: the field that takes words without a flag; empty: none does.
        without: dotted names in the fields that are no flags.
    """

    def __init__(
        self, program: str, fields: Mapping[str, FieldInfo], positional: str = "", without: Sequence[str] = ()
    ) -> None:
        self._program, self._positional = program, positional
        self._fields = {name: field for name, field in leaves(fields).items() if name not in without}

    def read(self, arguments: Sequence[str]) -> dict[str, Any]:
        """The arguments as text or bool, nested as the fields are.

        Raises:
            SettingsError: an unknown flag, a flag without its value, or a word too many.
        """
        given: dict[str, Any] = {}
        loose: list[str] = []
        words = list(arguments)
        while words:
            word = words.pop(0)
            if not word.startswith("--"):
                loose.append(word)
                continue
            text, equals, value = word.partition("=")
            name, wanted = self._named(text)
            taken = [value] if equals else None
            _put(given, name, self._value(name, wanted, taken, words))
        self._put_loose(given, loose)
        return given

    def _named(self, text: str) -> tuple[str, bool]:
        """The setting that a flag names, and whether it is switched on (for a bool)."""
        name = text[2:].replace("-", "_")
        if (now := self._known(name)) is not None:
            return now, True
        table, dot, last = name.rpartition(".")
        for positive in (name.removeprefix("no_"), f"{table}{dot}{last.removeprefix('no_')}"):
            now = self._known(positive) if positive != name else None
            if now is not None and kind_of(self._fields[now]) is bool:
                return now, False
        raise self._strange(text)

    def _known(self, name: str) -> str | None:
        for now in (name, f"{name}_", current_setting(name), current_setting(f"clic.{name}").removeprefix("policy.")):
            if now in self._fields and now != self._positional:
                return now
        return None

    def _value(self, name: str, wanted: bool, taken: list[str] | None, words: list[str]) -> Any:
        field = self._fields[name]
        if kind_of(field) is bool:
            if taken is not None:
                no = flag(f"no_{name}" if "." not in name else ".no_".join(name.rsplit(".", 1)))
                raise SettingsError(f"{name} = {taken[0]} is not allowed; allowed: {flag(name)} or {no}")
            return wanted
        if takes_several(field):
            if taken is None:
                taken = []
                while words and not words[0].startswith("--"):
                    taken.append(words.pop(0))
            return tuple(taken)
        if taken is None:
            if not words or words[0].startswith("--"):
                raise SettingsError(f"{flag(name)} has no value; allowed: {allowed(field)}")
            taken = [words.pop(0)]
        optional = without_none(field.annotation)[1]
        return None if optional and taken[0] == "none" else taken[0]

    def _put_loose(self, given: dict[str, Any], loose: list[str]) -> None:
        if loose and self._positional and takes_several(self._fields[self._positional]):
            given[self._positional] = tuple(Path(word) for word in loose)
        elif loose and self._positional:
            given[self._positional], *loose = loose
            if loose:
                raise self._strange(loose[0])
        elif loose:
            raise self._strange(loose[0])

    def _strange(self, word: str) -> SettingsError:
        """The error for an unknown word: the likeliest flag, whatever its table, and the flags of the named table."""
        name = current_setting(word.removeprefix("--").replace("-", "_"))
        table, _, last = name.rpartition(".")
        known = [field for field in self._fields if field != self._positional]
        ends = get_close_matches(last, [field.rpartition(".")[2] for field in known], n=1)
        meant = [field for field in known if field.rpartition(".")[2] in ends]
        table = table if any(field.startswith(f"{table}.") for field in known) else ""
        shown = [flag(field) for field in known if field.rpartition(".")[0] == table]
        likely = [flag(field) for field in get_close_matches(name, meant, n=1, cutoff=0)]
        question = f"did you mean {among(likely)}? " if likely else ""
        return SettingsError(
            f"{word} is not an option of {self._program}; {question}allowed: {', '.join(shown) or 'none'}"
        )


def _put(given: dict[str, Any], name: str, value: Any) -> None:
    *tables, last = name.split(".")
    for table in tables:
        given = given.setdefault(table, {})
    given[last] = value
