"""Search and inheritance of presets and device profiles.

Folders, in this order: `./configs`, the user's folder (`user_folder`), the package. Called at the start of a process,
on its main thread. Reads TOML files; writes nothing.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Mapping
from itertools import takewhile
from pathlib import Path
from typing import Any, Literal

import platformdirs

from hitl_clic.aliases import current_name, current_settings

Kind = Literal["tasks", "methods", "sessions", "devices"]
PACKAGE = Path(__file__).parent / "configs"
"""The presets of the package."""
EXTENDS = "extends"
"""Key of a preset or profile: the one of the same type whose values it starts from."""


class PresetError(ValueError):
    """A preset cannot be read; the text is one line for the user."""


def user_folder() -> Path:
    """The user's own presets and profiles, for example ~/.config/hitl-clic on Linux."""
    return Path(platformdirs.user_config_dir("hitl-clic", appauthor=False))


def folders() -> tuple[Path, ...]:
    """The search path; the first folder with the file wins."""
    return Path("configs"), user_folder(), PACKAGE


def names(kind: Kind) -> tuple[str, ...]:
    """The names of all presets of one type, sorted. Names with a leading underscore are only base presets."""
    found = {path.stem for folder in folders() for path in (folder / kind).glob("*.toml")}
    return tuple(sorted(name for name in found if not name.startswith("_")))


def find(kind: Kind, name: str) -> Path | None:
    """The file of a preset, or None."""
    if Path(name).name != name:  # "../x" must not be opened
        return None
    files = (folder / kind / f"{name}.toml" for folder in folders())
    return next((path for path in files if path.is_file()), None)


def read(kind: Kind, name: str) -> dict[str, Any]:
    """The values of a preset, over those of the presets it extends.

    A preset in `./configs` or in the user's folder may extend the package's preset of its own name.

    Raises:
        PresetError: unreadable file, invalid TOML, unknown base preset, or a cycle.
    """
    path = find(kind, name)
    if path is None:
        raise PresetError(f"there is no preset {name} in {kind}; known: {', '.join(names(kind))}")
    return read_file(kind, path)


def read_file(kind: Kind, path: Path) -> dict[str, Any]:
    """The values of one file, over those of the presets or profiles it extends.

    Raises:
        PresetError: as `read`.
    """
    return _read(kind, path, ())


def sentence(kind: Kind, name: str) -> str:
    """What a preset is for: the first sentence of the comment at the top of its file; empty if it has none."""
    path = find(kind, name)
    lines = iter([] if path is None else path.read_text(encoding="utf-8").splitlines())
    comment = " ".join(line.removeprefix("#").strip() for line in takewhile(lambda line: line.startswith("#"), lines))
    return re.split(r"(?<=[.:]) (?=[A-Z])", comment, maxsplit=1)[0]


def read_toml(path: Path) -> dict[str, Any]:
    """The content of a TOML file. Raises PresetError."""
    try:
        return tomllib.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise PresetError(f"{path} cannot be read ({error.strerror}); allowed: a TOML file with settings") from None
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise PresetError(f"{path} is not TOML ({error}); allowed: lines like name = value") from None


def lay_over(below: dict[str, Any], above: Mapping[str, Any]) -> None:
    """Put the values of `above` into `below`: tables merge, everything else is replaced."""
    for name, value in above.items():
        if isinstance(value, Mapping):
            there = below.get(name)
            below[name] = there if isinstance(there, dict) else {}
            lay_over(below[name], value)
        else:
            below[name] = value


def flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    """The values of nested tables by dotted name."""
    found: dict[str, Any] = {}
    for name, value in values.items():
        found |= flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return found


def _read(kind: Kind, path: Path, above: tuple[Path, ...]) -> dict[str, Any]:
    if path in above:
        circle = " -> ".join(file.stem for file in (*above[above.index(path) :], path))
        raise PresetError(f"{path}: {EXTENDS} forms a cycle: {circle}")
    values = read_toml(path)
    base = values.pop(EXTENDS, None)
    if kind != "devices":  # a profile holds names of keys, not of settings
        values = current_settings(values)
    if base is None:
        return values
    base = current_name(kind, base) if isinstance(base, str) else base
    file = find(kind, base) if isinstance(base, str) else None
    if file == path:  # a user's preset extends the package's of the same name
        file = packaged if (packaged := PACKAGE / kind / path.name).is_file() and packaged != path else file
    if file is None:
        raise PresetError(f"{path}: {EXTENDS} = {base} is not known; allowed: {', '.join(names(kind))}")
    merged = _read(kind, file, (*above, path))
    lay_over(merged, values)
    return merged
