"""Restores a terminal after its session died: `python terminal_guard.py TERMINAL`, with a pipe as its input.

A process of its own, started by `terminal_mode`. A session that ends well writes a byte to the pipe. If the pipe closes
without one, the session was killed or crashed. Imports the standard library only, so that it starts at once.
"""

from __future__ import annotations

import os
import sys
import termios
from typing import Any

SHOW_CURSOR = b"\x1b[?25h"


def by_key(attributes: list[Any]) -> list[Any]:
    """Terminal attributes with which keys arrive one by one and unechoed. Ctrl-C and Ctrl-Z keep their meaning."""
    changed = list(attributes)
    changed[3] &= ~(termios.ECHO | termios.ICANON)
    changed[6] = list(changed[6])
    changed[6][termios.VMIN], changed[6][termios.VTIME] = 1, 0
    return changed


def same(first: list[Any], second: list[Any]) -> bool:
    """Whether two sets of attributes agree in how keys arrive."""
    return bool(first[0] == second[0] and first[3] == second[3])


def main() -> None:
    """Read the present attributes, say that it is ready, and restore them if the session dies."""
    terminal = os.open(sys.argv[1], os.O_RDWR | os.O_NOCTTY)
    before = termios.tcgetattr(terminal)
    os.write(1, b"r")
    if os.read(0, 1):
        return
    # a shell that set the terminal for itself in the meantime keeps it
    if same(termios.tcgetattr(terminal), by_key(before)):
        os.write(terminal, SHOW_CURSOR)
        termios.tcsetattr(terminal, termios.TCSANOW, before)


if __name__ == "__main__":
    main()
