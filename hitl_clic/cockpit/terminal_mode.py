"""Reads a terminal key by key, and restores it whatever happens. Linux and macOS.

The thread of `terminal_link` calls `take` and `read`. The main thread calls `close` and handles Ctrl-Z. A guard process
restores the terminal if this process is killed or crashes.
"""

from __future__ import annotations

import os
import select
import signal
import subprocess
import sys
import termios
import threading
from types import FrameType
from typing import Any

from hitl_clic.cockpit import terminal_guard

_GUARD_S = 5.0
"""Longest wait for the guard process, s."""


class TerminalMode:
    """One terminal that this process reads key by key, while it is in the foreground.

    Args:
        terminal: file descriptor.
    """

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._lock = threading.Lock()
        self._before: list[Any] | None = None
        self._suspended = self._closed = False
        self._guard: subprocess.Popen[bytes] | None = None
        self._handled: Any = None

    def handle_suspension(self) -> None:
        """Restore the terminal at Ctrl-Z. Only the main thread can do this; elsewhere the shell has to."""
        if threading.current_thread() is threading.main_thread():
            self._handled = signal.signal(signal.SIGTSTP, self._suspend)

    def take(self) -> bool:
        """Set the terminal, if it is not set. False in the background, where it belongs to another program."""
        with self._lock:
            if self._suspended or self._closed or not self._foreground():
                return False
            present = termios.tcgetattr(self._terminal)
            if self._before is None:
                self._before = present
                self._start_guard()
            wanted = terminal_guard.by_key(self._before)
            if not terminal_guard.same(present, wanted):
                termios.tcsetattr(self._terminal, termios.TCSANOW, wanted)
            return True

    def read(self, timeout_s: float) -> bytes | None:
        """Bytes of pressed keys; None if none came in time.

        Raises:
            OSError: the terminal is gone.
        """
        if not select.select([self._terminal], [], [], timeout_s)[0] or not self._foreground():
            return None
        data = os.read(self._terminal, 256)
        if not data:
            raise OSError("the terminal was closed")
        return data

    def close(self) -> None:
        """Restore the terminal. Safe to call twice."""
        with self._lock:
            if self._closed:
                return
            self._closed = True
            self._restore()
        if self._handled is not None:
            signal.signal(signal.SIGTSTP, self._handled)
        if self._guard is not None:
            try:
                self._guard.communicate(b"x", timeout=_GUARD_S)
            except subprocess.TimeoutExpired:
                self._guard.kill()
                self._guard.wait()

    def _foreground(self) -> bool:
        try:
            return os.tcgetpgrp(self._terminal) == os.getpgrp()
        except OSError:  # the terminal is gone, or it is not this session's
            return False

    def _restore(self) -> None:
        if self._before is None or not self._foreground():  # the shell restores what a background process left
            return
        os.write(self._terminal, terminal_guard.SHOW_CURSOR)
        termios.tcsetattr(self._terminal, termios.TCSANOW, self._before)

    def _start_guard(self) -> None:
        command = [sys.executable, "-I", "-S", terminal_guard.__file__, os.ttyname(self._terminal)]
        self._guard = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            start_new_session=True,  # no signal of this terminal ends it
        )
        assert self._guard.stdout is not None
        select.select([self._guard.stdout], [], [], _GUARD_S)  # it has read the attributes that it restores

    def _suspend(self, number: int, frame: FrameType | None) -> None:
        """Ctrl-Z: restore the terminal, then stop as without a handler; goes on here with `fg` or `bg`."""
        del frame
        self._suspended = True
        with self._lock:
            self._restore()
        signal.signal(number, signal.SIG_DFL)
        signal.pthread_kill(threading.get_ident(), number)
        signal.signal(number, self._suspend)
        self._suspended = False
