"""`hitl-clic COMMAND` and `python -m hitl_clic COMMAND`: runs one command and reports its errors. Main thread.

Exit status: 0 for success; 1 for a fault (its traceback is in `crash.log`) or a failed check; 2 for an error that the
user can mend; 130 after Ctrl-C.
"""

from __future__ import annotations

import keyword
import platform
import sys
import traceback
from collections.abc import Sequence
from datetime import datetime
from importlib import import_module
from pathlib import Path

from hitl_clic.cli import parse
from hitl_clic.cli.commands import Command
from hitl_clic.types.errors import UserError

PROGRAM = "hitl-clic"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command; returns its exit status.

    Raises:
        SystemExit: 0 after help; 2 after one line about an error that the user can mend.
    """
    arguments = list(sys.argv[1:] if argv is None else argv)
    command = parse.parse(arguments)
    try:
        return _run(command)
    except UserError as error:
        parse.refuse(error)
    except KeyboardInterrupt:
        sys.stderr.write(f"{PROGRAM}: ended with Ctrl-C\n")
        return 130
    except Exception as error:
        return _fault(error, command, arguments)


def _fault(error: Exception, command: Command, arguments: Sequence[str]) -> int:
    """Print one line with the error and the file of its traceback."""
    settings = getattr(command, "settings", None)
    folder: Path | None = getattr(command, "out", None) or getattr(settings, "out", None)
    try:
        where = f"the traceback is in {_write_traceback(error, folder, [PROGRAM, *arguments])}"
    except OSError as unwritable:
        where = f"its traceback could not be written ({unwritable})"
    line = " ".join(str(error).split()) or "no message"
    sys.stderr.write(f"{PROGRAM}: {type(error).__name__}: {line}; {where}\n")
    return 1


def _write_traceback(error: Exception, folder: Path | None, command: Sequence[str]) -> Path:
    """Append the traceback to `crash.log` in the session's folder, or in `runs` if there is none; returns the file.

    Raises:
        OSError: the file cannot be written.
    """
    place = folder if folder is not None and folder.is_dir() else Path("runs")
    place.mkdir(parents=True, exist_ok=True)
    path = place / "crash.log"
    now = datetime.now().isoformat(timespec="seconds")
    lines = [
        f"{now}  Python {platform.python_version()} on {sys.platform}",
        f"command: {' '.join(command)}",
        "".join(traceback.format_exception(error)),
    ]
    with path.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path


def _run(command: Command) -> int:
    """Each command loads only what it needs."""
    name = next(name for name, spec in parse.COMMANDS.items() if isinstance(command, spec.command))
    module = f"{name}_" if keyword.iskeyword(name) else name.replace("-", "_")
    status: int = import_module(f"hitl_clic.cli.{module}").run(command)
    return status


if __name__ == "__main__":
    raise SystemExit(main())
