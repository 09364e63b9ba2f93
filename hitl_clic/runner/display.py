"""What a person sees of a session: the window, or a dashboard in the terminal, or nothing.

Actor's main thread. Window and dashboard ask for the cockpit's state in threads of their own.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any

from hitl_clic.cockpit.dashboard import Dashboard
from hitl_clic.cockpit.drawing.picture import write_picture
from hitl_clic.cockpit.state.state import CockpitState, SessionEnd
from hitl_clic.cockpit.window.window_link import WindowError, WindowLink
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.runner.window_setup import open_window
from hitl_clic.settings import SessionSettings
from hitl_clic.types.scene3d import Scene3D

LINGER_S = 3.0
"""How long the window shows the summary page at the end, unless it is closed or told to quit before."""
PICTURE = "window.png"

Say = Callable[[str], None]
"""Takes a line for the person."""


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
        picture = None if folder is None else folder / PICTURE
        self._window = open_window(self._settings, scene3d, feed, stack, self._say, picture)
        if self._window is not None:
            self._window.show(self._state)
            return True
        return self._dashboard and stack.enter_context(Dashboard(self._state, episodes=self._settings.episodes)).draws

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
