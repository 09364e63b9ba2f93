"""Processes with a terminal of their own: a real pseudo-terminal, whose other end a test types on."""

from __future__ import annotations

import fcntl
import os
import pty
import subprocess
import termios
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE_S = 120.0


class PtyProcess:
    """A process whose standard input, output and controlling terminal is a new pseudo-terminal.

    `setting`: changes of its environment.
    """

    def __init__(self, command: Sequence[object], setting: Mapping[str, str] | None = None) -> None:
        self.master, slave = pty.openpty()
        fcntl.ioctl(slave, termios.TIOCSWINSZ, (50).to_bytes(2, "little") + (160).to_bytes(2, "little") + bytes(4))
        environment = {name: value for name, value in os.environ.items() if name not in ("DISPLAY", "WAYLAND_DISPLAY")}
        environment |= {"PYTHONPATH": f"{ROOT}:{ROOT / 'tests' / 'support'}", "TERM": "xterm", "OMP_NUM_THREADS": "1"}

        def own_terminal() -> None:
            os.setsid()
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

        self.before = termios.tcgetattr(slave)
        self.process = subprocess.Popen(
            [str(word) for word in command],
            stdin=slave,
            stdout=slave,
            stderr=slave,
            env={**environment, **(setting or {})},
            cwd=ROOT,
            preexec_fn=own_terminal,
        )
        self._slave = slave  # stays open, so that the attributes outlive the process
        self._said = bytearray()
        threading.Thread(target=self._read, daemon=True).start()

    @property
    def said(self) -> str:
        """All that it wrote so far."""
        return self._said.decode(errors="replace")

    def attributes(self) -> list[Any]:
        """How the terminal is set now."""
        return termios.tcgetattr(self._slave)

    def by_key(self) -> bool:
        """Whether keys arrive one by one and unechoed."""
        return not self.attributes()[3] & (termios.ICANON | termios.ECHO)

    def restored(self) -> bool:
        """Whether the terminal is as it was."""
        return self.attributes() == self.before

    def type(self, text: str) -> None:
        """Press keys."""
        os.write(self.master, text.encode())

    def until(self, condition: Callable[[], Any], what: str, seconds: float = PATIENCE_S) -> Any:
        """Wait until something is true and return it."""
        deadline = time.monotonic() + seconds
        while not (found := condition()):
            assert time.monotonic() < deadline, f"{what} did not happen: {self.said[-3000:]}"
            time.sleep(0.02)
        return found

    def close(self) -> None:
        """Kill it if it still runs."""
        self.process.kill()
        self.process.wait()
        os.close(self._slave)

    def _read(self) -> None:
        try:
            while data := os.read(self.master, 65536):
                self._said += data
        except OSError:  # the last user of the other end is gone
            pass
