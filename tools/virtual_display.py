"""A display that nobody sees, and a person's keys on it: for pictures and tests of the real window."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

MISSING = (
    "" if shutil.which("Xvfb") and shutil.which("xdotool") else "needs Xvfb and xdotool (apt install xvfb xdotool)"
)
"""What is lacking here for a virtual display, in a sentence; empty if nothing."""


@contextmanager
def virtual_display() -> Iterator[str]:
    """The name of a display of its own (":7"), with a free number that the server picks itself.

    Raises:
        RuntimeError: the server did not start.
    """
    read, write = os.pipe()
    server = subprocess.Popen(
        # without noreset it would begin anew, and be away for a moment, whenever its last client has gone
        ["Xvfb", "-displayfd", str(write), "-screen", "0", "1280x800x24", "-nolisten", "tcp", "-noreset"],
        pass_fds=(write,),
        stderr=subprocess.DEVNULL,
    )
    os.close(write)
    try:
        with os.fdopen(read) as pipe:
            number = pipe.readline().strip()
        if not number:
            raise RuntimeError("Xvfb did not start")
        yield f":{number}"
    finally:
        server.terminate()
        server.wait(5.0)


def xdotool(display: str, *words: object) -> str:
    """Do something a person would do; what xdotool prints."""
    done = subprocess.run(
        ["xdotool", *map(str, words)],
        env={**os.environ, "DISPLAY": display},
        capture_output=True,
        text=True,
        timeout=10.0,
        check=False,
    )
    return done.stdout
