"""A virtual display with key events, for pictures and tests of the window. Linux only; starts Xvfb and xdotool."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager

MISSING = (
    "" if shutil.which("Xvfb") and shutil.which("xdotool") else "needs Xvfb and xdotool (apt install xvfb xdotool)"
)
"""Message about missing programs; empty if none is missing."""


@contextmanager
def virtual_display() -> Iterator[str]:
    """Start a display; its name, such as ":7".

    Raises:
        RuntimeError: the server did not start.
    """
    read, write = os.pipe()
    server = subprocess.Popen(
        # without noreset the server would restart whenever its last client disconnects
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
    """Run xdotool with these arguments; its stdout."""
    done = subprocess.run(
        ["xdotool", *map(str, words)],
        env={**os.environ, "DISPLAY": display},
        capture_output=True,
        text=True,
        timeout=10.0,
        check=False,
    )
    return done.stdout
