"""Whole sessions taught with a SpaceMouse on fake reports and with a gamepad on SDL's virtual one."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
from session_process import LIVELY, ROOT, SMALL, finish

from hitl_clic.session.reader import Session
from hitl_clic.types.records import EventRecord


@pytest.mark.realtime
@pytest.mark.parametrize(
    ("hardware", "device"),
    [
        ("spacemouse", "spacemouse"),
        ("gamepad", "gamepad"),
        ("gamepad", "gamepad:0+gamepad:Spare"),  # the second is never there, and the first teaches all the same
    ],
)
def test_corrections_by_hand_are_recorded_and_become_pairs(tmp_path: Path, hardware: str, device: str) -> None:
    out = tmp_path / "session"
    arguments = ["teach", "--task", "push_t", "--device", device, "--headless", "--episodes", "1"]
    arguments += ["--loop.rate-hz", "20", "--task-options", "max_steps", "80", "--out", str(out), *SMALL, *LIVELY]
    session = subprocess.Popen(
        [sys.executable, str(ROOT / "tests/support/hid_session.py"), hardware, *arguments],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env=os.environ
        | {"PYTHONPATH": os.pathsep.join([str(ROOT), str(ROOT / "tests/support")]), "OMP_NUM_THREADS": "1"},
        cwd=ROOT,
    )
    status, _, problems = finish(session, timeout_s=150.0)
    assert status == 0, problems
    recorded = Session.open(out)
    assert recorded.settings.device == device
    human = [record for record in recorded.ticks if record.human_action is not None and record.taught.all()]
    assert len(human) > 20
    # pushed right and away: right and up the picture, in which y points down
    pushed = [record for record in human if np.allclose(record.human_action, (1.0, -1.0))]
    assert len(pushed) > 0.8 * len(human)
    assert all(record.state == "correcting" for record in human)
    assert any(record.state == "autonomous" and record.connected for record in recorded.ticks), "it rests in between"
    lost = [record for record in recorded.ticks if not record.connected]
    assert all(record.state == "autonomous" for record in lost), "a disconnected device corrects nothing"
    events = [record for record in recorded.records() if isinstance(record, EventRecord)]
    # unplugged, or silent before that on a busy machine
    assert any(event.name == "device_lost" and event.detail["why"] for event in events)
    assert any(event.name == "device_back" for event in events)
    pairs = json.loads((out / "summary.json").read_text())["pairs"]
    assert pairs["made"] == pairs["ingested"] == len(recorded.pairs) > 10
    starts = {record.tick for record in human}
    assert all(pair.tick in starts for pair in recorded.pairs)
