"""What tests of the commands share: a recording with its settings."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
from fake_session import session_records, write

from hitl_clic.runner.parts import Parts
from hitl_clic.runner.recordings import settings_of
from hitl_clic.session.reader import Session
from hitl_clic.session.topics import SettingsRecord
from hitl_clic.settings import SessionSettings
from hitl_clic.settings_layers import load


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> Session:
    """Line Following, driven at random, with settings as a real session writes them."""
    settings = load(overrides={"task": "line_following", "device": "oracle", "task_options": {"max_steps": 15}})

    def named(record: Any) -> Any:
        if isinstance(record, SettingsRecord):
            return dataclasses.replace(record, task=settings.task, values=settings.model_dump(mode="json"))
        return record

    task = Parts().make_task(settings)
    path = tmp_path_factory.mktemp("recorded") / "session.mcap"
    return Session.open(write(path, session_records(task), named))


@pytest.fixture
def settings(recorded: Session) -> SessionSettings:
    return settings_of(recorded)
