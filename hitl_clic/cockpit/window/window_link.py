"""The actor's side of the window: starts the window process and exchanges messages with it.

The actor's main thread calls `WindowLink`'s methods. They never wait, except `start`, `screenshot` and `close`, which
have a timeout. The thread `window-link` owns the socket and the process; nothing here runs in a tick. A slow, dead or
closed window must never delay the control loop.
"""

from __future__ import annotations

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

from hitl_clic.child_process import child_environment
from hitl_clic.cockpit.drawing.camera_feed import SCENE3D
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.cockpit.window import messages
from hitl_clic.cockpit.window.key_reading import KEY_USE, KeyUse, Labels
from hitl_clic.cockpit.window.keymap import WindowCommand
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.types.scene3d import Scene3D
from hitl_clic.types.schema import SchemaError

StateProvider = Callable[[], CockpitState | None]

_KEPT_RATES = 3600
_CLOSING_S = 3.0
_LAST_MESSAGES_MS = 200
"""Longest wait for the last messages of a window that ended, ms."""
_log = logging.getLogger(__name__)


class WindowError(RuntimeError):
    """The window cannot open or save a picture; the message says why and what to do."""


class WindowLink:
    """One window process and the thread that exchanges messages with it.

    Args:
        scene3d: the window shows camera images of it, while states have poses. None: the flat scene.
        last_picture: file for the last picture when the teacher closes the window.
        keys: the device's keys, which decide where the window's lie in other keyboard layouts.

    `commands` holds the teacher's commands (see `keymap`), oldest first. Closing the window means "quit".
    """

    def __init__(
        self,
        settings: WindowSettings,
        scene3d: Scene3D | None = None,
        last_picture: Path | None = None,
        keys: KeyUse | None = None,
    ) -> None:
        self.commands: queue.SimpleQueue[WindowCommand] = queue.SimpleQueue()
        self.pictures_per_s: deque[float] = deque(maxlen=_KEPT_RATES)
        """New pictures per second, one value per second."""
        self.cpu: deque[float] = deque(maxlen=_KEPT_RATES)
        """Processor time of the window's process per second, s, one value per second."""
        self.shows_energy = False
        """Whether the window shows the energy. Otherwise it need not be computed."""
        self.key_labels: Labels = ()
        """What is printed on the keys in the layout in use, where that is not their name."""
        self._settings, self._scene3d, self._last_picture = settings, scene3d, last_picture
        self._keys = keys or KeyUse()
        self._feeds: tuple[EventFeed, ...] = ()
        self._provider: StateProvider | None = None
        self._screenshots: queue.SimpleQueue[messages.Screenshot] = queue.SimpleQueue()
        self._screenshot_reports: queue.SimpleQueue[messages.Report] = queue.SimpleQueue()
        self._closing, self._opened = threading.Event(), threading.Event()
        self._problem = ""
        self._alive = False
        self._thread: threading.Thread | None = None

    def add_feed(self, feed: EventFeed) -> None:
        """Send every later event of the window to this feed."""
        self._feeds = (*self._feeds, feed)

    def start(self) -> None:
        """Open the window and wait until it is open.

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
        """Draw the states of `provider`, which the link's thread calls `fps` times a second.

        `provider` must not wait. If it returns None, the last picture stays.
        """
        self._provider = provider

    def take_commands(self) -> list[str]:
        """The commands given in the window since the last call, oldest first. Never blocks."""
        return [self.commands.get_nowait() for _ in range(self.commands.qsize())]

    def alive(self) -> bool:
        """Whether the window is open."""
        return self._alive

    def screenshot(self, path: Path, timeout_s: float = 5.0) -> None:
        """Save the newest picture as a PNG; waits until it is written. Never call it in a tick.

        Raises:
            WindowError: the window is closed, or the file could not be written in time.
        """
        if not self._alive:
            raise WindowError(f"no picture at {path}: the window is closed")
        target = str(path.absolute())
        self._screenshots.put(messages.Screenshot(target))
        deadline = time.monotonic() + timeout_s
        while (left := deadline - time.monotonic()) > 0:
            try:
                report = self._screenshot_reports.get(timeout=left)
            except queue.Empty:
                break
            if report.what == "not_saved":
                raise WindowError(report.text)
            if report.text == target:  # not a screenshot that the teacher took with a key
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
            socket.setsockopt(zmq.SNDHWM, 4)  # a slow window gets new states, not old ones
            socket.setsockopt(zmq.MAXMSGSIZE, 1 << 16)
            try:
                process = self._spawn(self._bind(socket, Path(private)))
                try:
                    self._exchange(socket, process)
                finally:
                    self._stop(socket, process)
            except (OSError, zmq.ZMQError) as error:
                self._problem = f"the window process cannot be started: {error}"
            finally:
                self._alive = False
                self._dispatch(InputEvent(time.perf_counter_ns(), "closed"))
                self._opened.set()
                socket.close()
                context.term()

    def _bind(self, socket: zmq.Socket[bytes], private: Path) -> str:
        """An IPC endpoint, which only this user can reach; without IPC a free loopback port."""
        if zmq.has("ipc"):
            endpoint = f"ipc://{private / 'window'}"
            socket.bind(endpoint)
            return endpoint
        return f"tcp://127.0.0.1:{socket.bind_to_random_port('tcp://127.0.0.1')}"

    def _spawn(self, endpoint: str) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "hitl_clic.cockpit.window.process", "--connect", endpoint]
        command += ["--settings", self._settings.model_dump_json(), "--keys", KEY_USE.dumps(self._keys).decode()]
        if self._scene3d is not None:
            command += ["--scene3d", SCENE3D.dumps(self._scene3d).decode()]
        if self._last_picture is not None:
            command += ["--last-picture", str(self._last_picture.absolute())]
        # A session of its own: Ctrl-C in the terminal reaches only the actor, which then closes the window.
        return subprocess.Popen(command, env=child_environment(), stdin=subprocess.DEVNULL, start_new_session=True)

    def _exchange(self, socket: zmq.Socket[bytes], process: subprocess.Popen[bytes]) -> None:
        period_s = 1.0 / self._settings.fps
        due = time.monotonic()
        while not self._closing.is_set():
            left = due - time.monotonic()
            if left > 0:
                if socket.poll(max(1, round(left * 1e3))) and not self._receive(socket):
                    return
                continue
            due = max(due + period_s, time.monotonic())
            if process.poll() is not None:
                while socket.poll(_LAST_MESSAGES_MS):
                    if not self._receive(socket):
                        return
                status = f"(exit status {process.returncode})"
                if not self._opened.is_set():
                    self._problem = f"the window process ended before it opened {status}"
                _log.warning("the window process ended by itself %s; the session goes on without it", status)
                return
            self._send(socket)

    def _receive(self, socket: zmq.Socket[bytes]) -> bool:
        """Handle one message; False if the window is closed."""
        try:
            message = messages.FROM_WINDOW.unpack(socket.recv())
        except SchemaError as error:
            _log.warning("window: %s", error)
            return True
        match message:
            case InputEvent():
                self._dispatch(message)
            case messages.Press(_, command):
                self.commands.put(command)
            case messages.Drawn(per_s, cpu):
                self.pictures_per_s.append(per_s)
                self.cpu.append(cpu)
            case messages.Layout(labels):
                self.key_labels = labels
            case messages.Turned(energy):
                self.shows_energy = energy
            case messages.Report("ready"):
                self._alive = True
                self._opened.set()
            case messages.Report("failed", text):
                self._problem = text
                return False
            case messages.Report("closed"):
                self.commands.put("quit")
                return False
            case messages.Report():
                self._screenshot_reports.put(message)
        return True

    def _send(self, socket: zmq.Socket[bytes]) -> None:
        if not self._alive:
            return
        state = self._provider() if self._provider is not None else None
        waiting: list[messages.ToWindow] = [messages.Show(state) if state is not None else messages.Heartbeat()]
        waiting += [self._screenshots.get_nowait() for _ in range(self._screenshots.qsize())]
        for message in waiting:
            try:
                socket.send(messages.TO_WINDOW.pack(message), zmq.NOBLOCK)
            except zmq.Again:  # a slow window misses states, but no screenshots
                if isinstance(message, messages.Screenshot):
                    self._screenshots.put(message)

    def _stop(self, socket: zmq.Socket[bytes], process: subprocess.Popen[bytes]) -> None:
        if process.poll() is None:
            try:
                socket.send(messages.TO_WINDOW.pack(messages.Goodbye()), zmq.NOBLOCK)
                process.wait(_CLOSING_S)
            except (zmq.Again, subprocess.TimeoutExpired):
                process.kill()
                process.wait()

    def _dispatch(self, event: InputEvent) -> None:
        for feed in self._feeds:
            feed.put(event)
