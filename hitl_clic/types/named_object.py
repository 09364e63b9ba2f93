"""Objects that a setting names: "module:name". Runs the module's code; any thread."""

from __future__ import annotations

import importlib
import sys
from pathlib import Path
from typing import Any

from hitl_clic.types.errors import UserError


def load_object(path: str, setting: str, others: tuple[str, ...] = ()) -> Any:
    """The object that "module:name" names; modules in the present folder are found too.

    Args:
        path: of the object. setting: its name in messages. others: what else is allowed there, for messages.

    Raises:
        UserError: there is no such module, it cannot be imported, or it has no such name.
    """
    module, _, name = path.partition(":")
    if not module or not name:
        known = ", ".join((*others, "module:name"))
        raise UserError(f"{setting} = {path} is not known; allowed: {known}")
    here = str(Path.cwd())
    if here not in sys.path:
        sys.path.append(here)
    try:
        found: Any = importlib.import_module(module)
    except ModuleNotFoundError as problem:
        if problem.name is not None and not module.startswith(problem.name):
            raise UserError(f"{setting} = {path} needs {problem.name}, which is not installed") from problem
        raise UserError(
            f"{setting} = {path} is not known: there is no module {module} here; allowed: "
            f"{', '.join((*others, 'module:name of a module that Python can import'))}"
        ) from problem
    except Exception as problem:  # the module's own code may raise anything
        raise UserError(f"{setting} = {path}: importing {module} failed: {in_words(problem)}") from problem
    for part in name.split("."):
        if not hasattr(found, part):
            raise UserError(f"{setting} = {path} is not known: {module} has no {name}")
        found = getattr(found, part)
    return found


def in_words(problem: BaseException) -> str:
    """An error of another's code in one line."""
    return f"{type(problem).__name__}: {' '.join(str(problem).split()) or 'no message'}"
