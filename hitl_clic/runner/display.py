"""What a session shows: the window, or a dashboard in the terminal, or nothing. Without a window the terminal's keys
give the commands.

Actor's main thread. Window and dashboard read the cockpit's state in their own threads.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.cockpit.terminal_link import TerminalLink, terminal_input
from hitl_clic.cockpit.window.key_reading import Labels
from hitl_clic.cockpit.window.keymap import Keymap
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.cockpit.window.window_link import WindowError, WindowLink
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.runner.device_registry import device_spec, key_use, reads_terminal
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.task import Task
from hitl_clic.types.errors import SettingsError
from hitl_clic.types.scene3d import Scene3D

LINGER_S = 3.0
"""Time for which the window shows the summary page at the end, s."""
PICTURE = "window.png"

Say = Callable[[str], None]
"""Takes a line for the user."""


def scene3d_for(task: Task, settings: WindowSettings, folder: Path) -> Scene3D | None:
    """The task's 3D scene with the cameras of the settings; None if the task is flat. `folder` holds the model.

    Raises:
        SettingsError: the task has no camera of a given name.
    """
    scene3d = task.scene3d(folder)
    try:
        if scene3d is not None:
            return scene3d.showing(settings.cameras)
        if settings.cameras:
            raise ValueError("this task is drawn flat; allowed: none")
    except ValueError as error:
        raise SettingsError(f"window.cameras = {' '.join(settings.cameras)} is not allowed; {error}") from None
    return None


def scene3d_of(task: Task, settings: SessionSettings, stack: ExitStack) -> Scene3D | None:
    """As `scene3d_for`, with a folder that the stack removes; None without a window."""
    if settings.headless:
        return None
    return scene3d_for(task, settings.window, Path(stack.enter_context(TemporaryDirectory(prefix="scene3d-"))))


class Display:
    """What a session shows: a window, a dashboard in the terminal, or nothing.

    Args:
        settings: of the session. state: the newest state of the cockpit. say: takes a line for the user.
        dashboard: without a window, show a dashboard in the terminal.
    """

    def __init__(
        self, settings: SessionSettings, state: Callable[[], CockpitState | None], say: Say, dashboard: bool
    ) -> None:
        self._settings, self._state, self._say, self._dashboard = settings, state, say, dashboard
        self._window: WindowLink | None = None
        self._terminal: TerminalLink | None = None

    def open(self, scene3d: Scene3D | None, feed: EventFeed, stack: ExitStack, folder: Path | None) -> bool:
        """Open the window or the dashboard; the stack closes it. Whether one of them draws.

        Args:
            feed: takes the window's input events. folder: of the window's last picture; None writes none.

        Raises:
            SettingsError: no window opens, and the device needs one.
        """
        settings = self._settings
        if not settings.headless:
            last_picture = None if folder is None else folder / PICTURE
            window = WindowLink(settings.window, scene3d, last_picture, key_use(settings))
            window.add_feed(feed)
            try:
                window.start()
            except WindowError as error:
                if device_spec(settings.device).needs_window:
                    raise SettingsError(f"device = {settings.device} needs a window: {error}") from error
                self._say(f"no window ({error}); going on in the terminal")
            else:
                stack.callback(window.close)
                window.show(self._state)
                self._window = window
                return True
        terminal = terminal_input() if self._dashboard or reads_terminal(settings.device) else None
        if terminal is not None:
            self._terminal = TerminalLink(terminal, Keymap(settings.window.keys))
            self._terminal.add_feed(feed)
            self._terminal.start()
            stack.callback(self._terminal.close)
        if not self._dashboard:
            return False
        from hitl_clic.cockpit.dashboard import Dashboard  # loads rich

        return stack.enter_context(Dashboard(self._state, episodes=settings.episodes, terminal=self._terminal)).draws

    def asked(self) -> list[str]:
        """Commands from the window or the terminal since the last call."""
        source = self._window or self._terminal
        return [] if source is None else source.take_commands()

    def shows_energy(self) -> bool:
        """Whether the window shows the energy now."""
        return self._window is not None and self._window.shows_energy

    def key_labels(self) -> Labels:
        """What is printed on the keys in the layout in use, where that is not their name."""
        return () if self._window is None else self._window.key_labels

    def figures(self) -> dict[str, Any]:
        """The display's figures for `summary.json`."""
        if self._window is None or not self._window.pictures_per_s:
            return {}
        rates, cpu = self._window.pictures_per_s, self._window.cpu
        return {"pictures_per_s": round(median(rates), 1), "window_cpu": round(median(cpu), 3)}

    def write_picture(self, folder: Path) -> None:
        """Save the last picture of the window; without a window, draw it."""
        state, path = self._state(), folder / PICTURE
        if state is None:
            return
        if self._window is not None:
            if path.exists():  # the closed window saved its last picture
                return
            try:
                self._window.screenshot(path)
                return
            except WindowError as error:
                self._say(f"{error}; {path.name} is drawn without it, so camera images are outlines only")
        from hitl_clic.cockpit.drawing.picture import write_picture  # loads pygame

        write_picture(state, path)

    def linger(self) -> None:
        """Show the summary page for `LINGER_S`, or until the window is closed."""
        if self._window is None:
            return
        deadline = time.monotonic() + LINGER_S
        while self._window.alive() and time.monotonic() < deadline and "quit" not in self.asked():
            time.sleep(0.05)
