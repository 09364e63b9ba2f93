"""The keys of the terminal as commands and as a device's events: the window's keys, without a window.

The actor's main thread calls `TerminalLink`'s methods, which never wait, except `close`. The thread `terminal-link`
reads the terminal; nothing here runs in a tick. In the background it reads nothing.
"""

from __future__ import annotations

import logging
import os
import queue
import signal
import sys
import threading
import time
from importlib.util import find_spec

from hitl_clic.cockpit.window.keymap import Keymap, LocalAction
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.terminal_keys import TerminalKeyParser

POLL_S = 0.02
"""Longest time between two signs of life for the device, s."""
ESCAPE_S = 0.05
"""Time after which an Escape that nothing follows is the key, s; the rest of a sequence comes sooner."""
_BACKGROUND_S = 0.1
_HERE: tuple[LocalAction, ...] = ("view", "screenshot")
"""The window's own actions that a terminal has too."""
_log = logging.getLogger(__name__)


def terminal_input() -> int | None:
    """File descriptor of the standard input, if it is a terminal that can be read key by key; None otherwise."""
    try:
        descriptor = sys.stdin.fileno()
        return descriptor if find_spec("termios") is not None and os.isatty(descriptor) else None
    except (OSError, ValueError):  # closed, or replaced by something that is no file
        return None


class TerminalLink:
    """One terminal and the thread that reads it.

    Args:
        terminal: file descriptor. keys: the window's.

    Attributes:
        commands: as of `WindowLink`, oldest first.
        actions: the actions for the dashboard, oldest first: "view" and "screenshot".
    """

    def __init__(self, terminal: int, keys: Keymap) -> None:
        self.commands: queue.SimpleQueue[str] = queue.SimpleQueue()
        self.actions: queue.SimpleQueue[LocalAction] = queue.SimpleQueue()
        from hitl_clic.cockpit.terminal_mode import TerminalMode  # not on Windows

        self._mode, self._keys = TerminalMode(terminal), keys
        self._parser, self._parsed_s = TerminalKeyParser(), 0.0
        self._feeds: tuple[EventFeed, ...] = ()
        self._closing = threading.Event()
        self._thread = threading.Thread(target=self._run, name="terminal-link", daemon=True)

    def add_feed(self, feed: EventFeed) -> None:
        """Send every later key of the terminal to this feed."""
        self._feeds = (*self._feeds, feed)

    def start(self) -> None:
        """Start reading."""
        self._mode.handle_suspension()
        self._thread.start()

    def take_commands(self) -> list[str]:
        """The commands given since the last call, oldest first. Never blocks."""
        return [self.commands.get_nowait() for _ in range(self.commands.qsize())]

    def take_actions(self) -> list[LocalAction]:
        """The dashboard's actions since the last call, oldest first. Never blocks."""
        return [self.actions.get_nowait() for _ in range(self.actions.qsize())]

    def close(self) -> None:
        """Stop reading and restore the terminal. Safe to call twice."""
        self._closing.set()
        if self._thread.is_alive():
            self._thread.join(timeout=2.0)
        self._mode.close()

    # All below runs in the thread.

    def _run(self) -> None:
        # a process that is sent to the background between the check and the call gets an error, and is not stopped
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGTTIN, signal.SIGTTOU})
        try:
            while not self._closing.is_set():
                if not self._mode.take():
                    self._closing.wait(_BACKGROUND_S)
                    continue
                for name in self._names():
                    self._press(name)
                self._dispatch("alive")
        except OSError as error:
            _log.warning("%s; the session goes on without it", error)
        finally:
            self._dispatch("closed")

    def _names(self) -> list[str]:
        """The keys pressed since the last call."""
        data, now_s = self._mode.read(POLL_S), time.monotonic()
        if data is not None:
            self._parsed_s = now_s
            return self._parser.feed(data)
        if self._parser.incomplete and now_s - self._parsed_s >= ESCAPE_S:
            return self._parser.flush()
        return []

    def _press(self, name: str) -> None:
        self._dispatch("key_down", name)
        key = self._keys.find(name)
        if key is None:
            return
        if key.action in _HERE:
            self.actions.put(key.action)
        elif key.action not in ("help", "energy", "details"):
            self.commands.put(key.action)

    def _dispatch(self, kind: str, name: str = "") -> None:
        event = InputEvent(time.perf_counter_ns(), kind, name)  # type: ignore[arg-type]
        for feed in self._feeds:
            feed.put(event)
