"""A task's stage made ready for a window, and the window that a person teaches or practises in."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from tempfile import TemporaryDirectory

from devices.events import EventFeed
from hitl_clic.cockpit.settings import WindowSettings
from hitl_clic.cockpit.window_link import WindowError, WindowLink
from hitl_clic.commands.hands import HANDS
from hitl_clic.refusal import SettingsError
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.stage import Stage
from hitl_clic.tasks.task import Task


def staged(task: Task, settings: WindowSettings, folder: Path) -> Stage | None:
    """The task's stage as the settings want it seen, its model in this folder; None where scenes are flat.

    Raises:
        SettingsError: a camera is named that the task has not.
    """
    stage = task.stage(folder)
    try:
        if stage is not None:
            return stage.showing(settings.cameras)
        if settings.cameras:
            raise ValueError("this task is drawn flat; allowed: none")
    except ValueError as error:
        raise SettingsError(f"window.cameras = {' '.join(settings.cameras)} is not allowed; {error}") from None
    return None


def stage_of(task: Task, settings: SessionSettings, stack: ExitStack) -> Stage | None:
    """The task's stage, its model in a folder that the stack removes; None without a window.

    Raises:
        SettingsError: as `staged`.
    """
    if settings.headless:
        return None
    return staged(task, settings.window, Path(stack.enter_context(TemporaryDirectory(prefix="stage-"))))


def open_window(
    settings: SessionSettings,
    stage: Stage | None,
    feed: EventFeed,
    stack: ExitStack,
    say: Callable[[str], None],
    last_picture: Path | None = None,
) -> WindowLink | None:
    """A window whose events go to the feed, closed by the stack; None if none is wanted or, `say` says so, none opens.

    Args:
        last_picture: where a window that the person closes leaves what it showed last.

    Raises:
        RuntimeError: none opens, but the device is nothing without one.
    """
    if settings.headless:
        return None
    window = WindowLink(settings.window, stage, last_picture)
    window.add_feed(feed)
    try:
        window.start()
    except WindowError as error:
        if HANDS[settings.device].needs_window:
            raise RuntimeError(str(error)) from error
        say(f"no window ({error}); going on in the terminal")
        return None
    stack.callback(window.close)
    return window
