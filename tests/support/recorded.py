"""Small recorded sessions of registered tasks, driven at random, without a learner."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import fake_session

from hitl_clic.session.topics import SettingsRecord
from hitl_clic.settings_layers import load
from hitl_clic.tasks.registry import make_task


def record(folder: Path, task: str, episodes: int = 2, **options: Any) -> Path:
    """Record a session; returns its folder. options: of the task."""
    chosen = {"task": task, "task_options": options, "device": "oracle", "horizon": 4, "execute": 2, "headless": True}
    settings = load(overrides=chosen)
    made = make_task(task, **options)

    def change(found: Any) -> Any:
        if isinstance(found, SettingsRecord):
            return replace(found, task=task, values=settings.model_dump(mode="json"), tick_hz=settings.loop.rate_hz)
        return found

    fake_session.write(folder / "session.mcap", fake_session.session_records(made, episodes), change)
    made.close()
    return folder
