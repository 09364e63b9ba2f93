"""The traceback of a fault, kept in a file. Any thread."""

from __future__ import annotations

import platform
import sys
import traceback
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

NAME = "crash.log"
HOME = Path("runs")
"""Where a fault goes that belongs to no session's folder."""


def write_crash_log(error: BaseException, folder: Path | None, command: Sequence[str]) -> Path:
    """Append a fault's traceback to `crash.log`; the file.

    Args:
        folder: of the session; None, or one that does not exist: `HOME` in the working directory.
        command: the command line, for whoever reads the file.

    Raises:
        OSError: it cannot be written.
    """
    place = folder if folder is not None and folder.is_dir() else HOME
    place.mkdir(parents=True, exist_ok=True)
    path = place / NAME
    lines = [
        f"{datetime.now().isoformat(timespec='seconds')}  Python {platform.python_version()} on {sys.platform}",
        f"command: {' '.join(command)}",
        "".join(traceback.format_exception(error)),
    ]
    with path.open("a", encoding="utf-8") as file:
        file.write("\n".join(lines) + "\n")
    return path
