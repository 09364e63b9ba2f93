"""A task's stage made ready for a window."""

from __future__ import annotations

from pathlib import Path

from hitl_clic.cockpit.settings import WindowSettings
from hitl_clic.refusal import SettingsError
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
