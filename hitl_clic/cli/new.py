"""`hitl-clic new task|device|method NAME`: writes a small package that installs and runs as it is. Main thread."""

from __future__ import annotations

import re
from pathlib import Path

from hitl_clic.cli.commands import NewCommand
from hitl_clic.types.errors import UserError, among, unknown

TEMPLATES = Path(__file__).parents[1] / "templates"
KINDS = ("task", "device", "method")
TRY = {
    "task": "hitl-clic teach --task {name} --device oracle",
    "device": "hitl-clic devices",
    "method": "hitl-clic teach --task line_following --method {name} --device oracle",
}


def run(command: NewCommand) -> int:
    """Write the package, and say what to do next. Raises UserError, see `write_package`."""
    words = [str(word) for word in command.words]
    if len(words) != 2:
        raise UserError(
            f"new needs two words, for example: hitl-clic new task reach; allowed: {among(KINDS)} and a name"
        )
    kind, name = words
    folder = write_package(kind, name, Path.cwd())
    print(f"wrote {', '.join(sorted(file.name for file in folder.iterdir()))} into {folder}")
    print(f"next:\n  pip install -e ./{folder.name}\n  pytest ./{folder.name}\n  {TRY[kind].format(name=name)}")
    return 0


def write_package(kind: str, name: str, where: Path) -> Path:
    """Write a package of this name into a new folder of `where`; returns the folder.

    Raises:
        UserError: an unknown kind, a name that is no module's, or a folder that exists.
    """
    if kind not in KINDS:
        raise UserError(f"new = {kind} is not known; {unknown(kind, KINDS)}")
    if not re.fullmatch(r"[a-z][a-z0-9_]*", name):
        raise UserError(f"name = {name} is not allowed; allowed: small letters, digits and _, as reach_2d")
    folder = where / name
    if folder.exists():
        raise UserError(f"name = {name} is not allowed: {folder} exists already")
    folder.mkdir(parents=True)
    words = {"@module@": name, "@Class@": "".join(part.capitalize() for part in name.split("_"))}
    for file in sorted((TEMPLATES / kind).glob("*.txt")):
        (folder / _filled(file.name.removesuffix(".txt"), words)).write_text(
            _filled(file.read_text("utf-8"), words), "utf-8"
        )
    return folder


def _filled(text: str, words: dict[str, str]) -> str:
    for mark, word in words.items():
        text = text.replace(mark, word)
    return text
