"""Recordings of the real tasks verify bit for bit in a new task."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from fake_session import session_records, write

from hitl_clic.session.reader import Session
from hitl_clic.session.replay import Replayer, verify
from hitl_clic.tasks.registry import TASKS, make_task, task_names


@pytest.mark.parametrize("name", [name for name in task_names() if TASKS[name].extra != "arms"] + ["lift"])
def test_a_recording_of_a_task_verifies_and_shows(name: str, tmp_path: Path) -> None:
    records = session_records(make_task(name), episodes=2, snapshot_every=20, longest=45)
    session = Session.open(write(tmp_path / "session.mcap", records))
    report = verify(session, lambda: make_task(name))
    assert report.ok, report.sentence
    assert report.ticks_checked == len(session.ticks) > 40
    assert report.snapshots_checked >= 2
    replayer = Replayer(session, make_task(name))
    replayer.seek(session.ticks[-1].tick)
    late = next(iter(replayer)).scene
    replayer.seek(session.ticks[33].tick)
    next(iter(replayer))
    replayer.seek(session.ticks[-1].tick)
    assert next(iter(replayer)).scene == late
    assert np.isfinite(late.hand).all()
