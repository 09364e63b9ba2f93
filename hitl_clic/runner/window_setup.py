"""A task's 3D scene made ready for a window, and the window that a person teaches or practises in.

Actor's main thread, before the loop begins.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.cockpit.window.window_link import WindowError, WindowLink
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.runner.device_registry import device_spec
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.task import Task
from hitl_clic.types.errors import SettingsError
from hitl_clic.types.scene3d import Scene3D


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


def open_window(
    settings: SessionSettings,
    scene3d: Scene3D | None,
    feed: EventFeed,
    stack: ExitStack,
    say: Callable[[str], None],
    last_picture: Path | None = None,
) -> WindowLink | None:
    """A window whose events go to the feed, closed by the stack. None: none is wanted, or none opens (`say` tells).

    Args:
        last_picture: where a window that the person closes leaves what it showed last.

    Raises:
        SettingsError: none opens, and the device takes its input from it.
    """
    if settings.headless:
        return None
    window = WindowLink(settings.window, scene3d, last_picture)
    window.add_feed(feed)
    try:
        window.start()
    except WindowError as error:
        if device_spec(settings.device).needs_window:
            raise SettingsError(f"device = {settings.device} needs a window: {error}") from error
        say(f"no window ({error}); going on in the terminal")
        return None
    stack.callback(window.close)
    return window
