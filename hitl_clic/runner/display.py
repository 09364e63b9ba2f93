"""What a person sees of a session: the window, or a dashboard in the terminal, or nothing.

Actor's main thread. Window and dashboard ask for the cockpit's state in threads of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory
from typing import Any

from hitl_clic.cockpit.dashboard import Dashboard
from hitl_clic.cockpit.drawing.picture import write_picture
from hitl_clic.cockpit.state.state import CockpitState, SessionEnd
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.cockpit.window.window_link import WindowError, WindowLink
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.runner.device_registry import device_spec
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.task import Task
from hitl_clic.types.errors import SettingsError
from hitl_clic.types.scene3d import Scene3D

LINGER_S = 3.0
"""How long the window shows the summary page at the end, unless it is closed or told to quit before."""
PICTURE = "window.png"

Say = Callable[[str], None]
"""Takes a line for the person."""


def scene3d_for(task: Task, settings: WindowSettings, folder: Path) -> Scene3D | None:
    """The task's 3D scene with the cameras of the settings, its model in this folder; None where scenes are flat.

    Raises:
        SettingsError: the task does not have a camera that is named.
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
    """The task's 3D scene, its model in a folder that the stack removes; None without a window.

    Raises:
        SettingsError: as `scene3d_for`.
    """
    if settings.headless:
        return None
    return scene3d_for(task, settings.window, Path(stack.enter_context(TemporaryDirectory(prefix="scene3d-"))))


class Display:
    """The window of a session, or what stands in for it.

    Args:
        settings: of the session. state: the newest state of the cockpit. say: takes a line for the person.
        dashboard: without a window, show a dashboard in the terminal.
    """

    def __init__(
        self, settings: SessionSettings, state: Callable[[], CockpitState | None], say: Say, dashboard: bool
    ) -> None:
        self._settings, self._state, self._say, self._dashboard = settings, state, say, dashboard
        self._window: WindowLink | None = None

    def open(self, scene3d: Scene3D | None, feed: EventFeed, stack: ExitStack, folder: Path | None) -> bool:
        """Open what there is to show; the stack closes it. Whether anything is drawn.

        Args:
            feed: takes the window's input events. folder: for the window's last picture.

        Raises:
            UserError: no window opens, and the device takes its input from it.
        """
        settings = self._settings
        if not settings.headless:
            window = WindowLink(settings.window, scene3d, None if folder is None else folder / PICTURE)
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
        return self._dashboard and stack.enter_context(Dashboard(self._state, episodes=settings.episodes)).draws

    def asked(self) -> list[str]:
        """Commands from the window since the last call."""
        return [] if self._window is None else self._window.take_commands()

    def shows_energy(self) -> bool:
        """Whether the window shows the energy now."""
        return self._window is not None and self._window.shows_energy

    def figures(self) -> dict[str, Any]:
        """What `summary.json` says of the display."""
        if self._window is None or not self._window.pictures_per_s:
            return {}
        return {"pictures_per_s": round(median(self._window.pictures_per_s), 1)}

    def write_picture(self, folder: Path) -> None:
        """The last instant as the window showed it; without a window, as one would have."""
        state, path = self._state(), folder / PICTURE
        if state is None:
            return
        if self._window is not None:
            if path.exists():  # the person closed the window, and it left its last picture
                return
            try:
                self._window.screenshot(path)
                return
            except WindowError as error:
                self._say(f"{error}; {path.name} is drawn without it, so camera images are outlines only")
        write_picture(state, path)

    def linger(self) -> None:
        """Leave the summary page in the window for a moment."""
        if self._window is None:
            return
        deadline = time.monotonic() + LINGER_S
        while self._window.alive() and time.monotonic() < deadline and "quit" not in self.asked():
            time.sleep(0.05)


def session_end(figures: dict[str, Any], folder: Path) -> SessionEnd:
    """The summary page."""
    return SessionEnd(figures["wall_s"] or 0.0, figures["updates"] or 0, str(folder))
