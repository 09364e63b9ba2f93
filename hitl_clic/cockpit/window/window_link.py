"""The actor's end of the window: starts the window process and talks to it from one thread of its own.

`WindowLink`'s methods are called by the actor's main thread and never wait, except `start`, `screenshot` and
`close`, which have a time limit. The thread `window-link` owns the socket and the process; nothing here runs in a
tick. Must never make the loop wait: a slow, dead or closed window costs pictures, nothing else.
"""

from __future__ import annotations

import contextlib
import logging
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import zmq

from hitl_clic.cockpit.drawing.camera_feed import SCENE3D
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.cockpit.window.keymap import Command
from hitl_clic.cockpit.window.messages import (
    FROM_WINDOW,
    TO_WINDOW,
    Drawn,
    Goodbye,
    Heartbeat,
    Press,
    Report,
    Screenshot,
    Show,
    ToWindow,
    Turned,
)
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.types.scene3d import Scene3D
from hitl_clic.types.schema import SchemaError

StateProvider = Callable[[], CockpitState | None]

_COMMANDS = 64
_RATES = 3600
_CLOSING_S = 3.0
_LAST_WORDS_MS = 200
"""How long to wait for what a window said just before it ended, milliseconds."""
_log = logging.getLogger(__name__)


class WindowError(RuntimeError):
    """The window could not do what was asked; the message says why and what to do."""


class WindowLink:
    """One window process and the thread that speaks with it.

    With a 3-D scene the window draws what its cameras see, as long as states come with poses. A window that the person
    closes saves its last picture at `last_picture`, if that is given.

    `commands` holds what the person asked for (see `keymap`), oldest first. When it is full a new one is dropped and
    counted in `commands_dropped`, except "stop" and "quit", which replace the oldest. A person who closes the window
    gives "quit".
    """

    def __init__(
        self, settings: WindowSettings, scene3d: Scene3D | None = None, last_picture: Path | None = None
    ) -> None:
        self.commands: queue.Queue[Command] = queue.Queue(_COMMANDS)
        self.commands_dropped = 0
        self.states_dropped = 0
        """States the window was too slow to take."""
        self.malformed = 0
        """Messages of the window that were not understood."""
        self.pictures_per_s: deque[float] = deque(maxlen=_RATES)
        """How often the window showed something new, in each of the last seconds."""
        self.shows_energy = False
        """Whether the person looks at the energy: nobody need work it out otherwise."""
        self._settings, self._scene3d, self._last_picture = settings, scene3d, last_picture
        self._feeds: tuple[EventFeed, ...] = ()
        self._provider: StateProvider | None = None
        self._wanted: queue.Queue[Screenshot] = queue.Queue()
        self._saved: queue.Queue[Report] = queue.Queue()
        self._closing = threading.Event()
        self._opened = threading.Event()
        self._problem = ""
        self._alive = False
        self._thread: threading.Thread | None = None

    def add_feed(self, feed: EventFeed) -> None:
        """From now on give every event of the window to this feed."""
        self._feeds = (*self._feeds, feed)

    def start(self) -> None:
        """Open the window and wait until it is there.

        Raises:
            WindowError: it could not open (no display, or it took longer than `open_timeout_s`).
            RuntimeError: called twice.
        """
        if self._thread is not None:
            raise RuntimeError("the window was started twice")
        self._thread = threading.Thread(target=self._run, name="window-link", daemon=True)
        self._thread.start()
        if not self._opened.wait(self._settings.open_timeout_s):
            self._problem = f"the window did not open within {self._settings.open_timeout_s:g} s"
        if self._problem:
            self.close()
            raise WindowError(self._problem)

    def show(self, provider: StateProvider) -> None:
        """From now on draw what `provider` gives, asked `fps` times a second in the link's thread.

        It must be quick and must not wait; None leaves the last picture standing.
        """
        self._provider = provider

    def asked(self) -> list[str]:
        """What was asked for in the window since the last call, oldest first. Never blocks."""
        commands: list[str] = []
        with contextlib.suppress(queue.Empty):
            while True:
                commands.append(self.commands.get_nowait())
        return commands

    def alive(self) -> bool:
        """Whether the window is open."""
        return self._alive

    def screenshot(self, path: Path, timeout_s: float = 5.0) -> None:
        """Save the newest picture as a PNG; waits until it is written, so never call it in a tick.

        Raises:
            WindowError: the window is closed, or the file could not be written in time.
        """
        if not self._alive:
            raise WindowError(f"no picture at {path}: the window is closed")
        target = str(path.absolute())
        self._wanted.put(Screenshot(target))
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            try:
                report = self._saved.get(timeout=left)
            except queue.Empty:
                break
            if report.what == "not_saved":
                raise WindowError(report.text)
            if report.text == target:  # not one the person saved with a key meanwhile
                return
        raise WindowError(f"no picture at {path}: the window did not answer within {timeout_s:g} s")

    def close(self) -> None:
        """Close the window and end the thread. Safe to call twice."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout=_CLOSING_S + 2.0)

    # All below runs in the thread.

    def _run(self) -> None:
        with tempfile.TemporaryDirectory(prefix="cockpit-") as private:
            context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
            socket = context.socket(zmq.PAIR)
            socket.setsockopt(zmq.LINGER, 500)
            socket.setsockopt(zmq.SNDHWM, 4)  # a window that lags gets the newest states, not old ones
            socket.setsockopt(zmq.MAXMSGSIZE, 1 << 16)
            try:
                process = self._spawn(self._bind(socket, Path(private)))
                try:
                    self._talk(socket, process)
                finally:
                    self._end(socket, process)
            except (OSError, zmq.ZMQError) as error:
                self._problem = f"the window process cannot be started: {error}"
            finally:
                self._alive = False
                self._to_feeds(InputEvent(time.perf_counter_ns(), "closed"))
                self._opened.set()
                socket.close()
                context.term()

    def _bind(self, socket: zmq.Socket[bytes], private: Path) -> str:
        """An endpoint only this user reaches, where the platform has one; else a free loopback port."""
        if zmq.has("ipc"):
            endpoint = f"ipc://{private / 'window'}"
            socket.bind(endpoint)
            return endpoint
        return f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}"

    def _spawn(self, endpoint: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "hitl_clic.cockpit.window.window", "--connect", endpoint]
        command += ["--settings", self._settings.model_dump_json()]
        if self._scene3d is not None:
            command += ["--scene3d", SCENE3D.dumps(self._scene3d).decode()]
        if self._last_picture is not None:
            command += ["--last-picture", str(self._last_picture.absolute())]
        # Its own session: Ctrl-C in the terminal reaches the actor alone, which then says goodbye.
        return subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)

    def _talk(self, socket: zmq.Socket[bytes], process: subprocess.Popen[bytes]) -> None:
        period_s = 1.0 / self._settings.fps
        due = time.monotonic()
        while not self._closing.is_set():
            left = due - time.monotonic()
            if left > 0:
                if socket.poll(max(1, round(left * 1e3))) and not self._hear(socket):
                    return
                continue
            due = max(due + period_s, time.monotonic())
            if process.poll() is not None:
                while socket.poll(_LAST_WORDS_MS):
                    if not self._hear(socket):
                        return
                self._lost(process.returncode)
                return
            self._tell(socket)

    def _hear(self, socket: zmq.Socket[bytes]) -> bool:
        """Take one message; False when the window is gone."""
        try:
            message = FROM_WINDOW.unpack(socket.recv())
        except SchemaError as error:
            self.malformed += 1
            _log.warning("window: %s", error)
            return True
        match message:
            case InputEvent():
                self._to_feeds(message)
            case Press(_, command):
                self._command(command)
            case Drawn(per_s):
                self.pictures_per_s.append(per_s)
            case Turned(energy):
                self.shows_energy = energy
            case Report("ready"):
                self._alive = True
                self._opened.set()
            case Report("failed", text):
                self._problem = text
                return False
            case Report("closed"):
                self._command("quit")
                return False
            case Report():
                self._saved.put(message)
        return True

    def _tell(self, socket: zmq.Socket[bytes]) -> None:
        if not self._alive:
            return
        state = self._provider() if self._provider is not None else None
        messages: list[ToWindow] = [Show(state) if state is not None else Heartbeat()]
        while not self._wanted.empty():
            messages.append(self._wanted.get_nowait())
        for message in messages:
            try:
                socket.send(TO_WINDOW.pack(message), zmq.NOBLOCK)
            except zmq.Again:
                self.states_dropped += 1
                if isinstance(message, Screenshot):
                    self._wanted.put(message)

    def _lost(self, returncode: int) -> None:
        sentence = f"the window process ended by itself (exit status {returncode}); the session goes on without it"
        if not self._opened.is_set():
            self._problem = f"the window process ended before it opened (exit status {returncode})"
        _log.warning(sentence)

    def _end(self, socket: zmq.Socket[bytes], process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            try:
                socket.send(TO_WINDOW.pack(Goodbye()), zmq.NOBLOCK)
                process.wait(_CLOSING_S)
            except (zmq.Again, subprocess.TimeoutExpired):
                process.kill()
                process.wait()

    def _to_feeds(self, event: InputEvent) -> None:
        for feed in self._feeds:
            feed.put(event)

    def _command(self, command: Command) -> None:
        """Queue a command without waiting; "stop" and "quit" always find room."""
        while True:
            try:
                self.commands.put_nowait(command)
                return
            except queue.Full:
                self.commands_dropped += 1
                if command not in ("stop", "quit"):
                    return
                try:
                    self.commands.get_nowait()
                except queue.Empty:
                    continue
