"""A short session with each baseline in real processes: taught, then evaluated from its folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from session_process import SMALL, TINY, app

import app as command_line
from hitl_clic.learner import checkpoint
from hitl_clic.session.reader import Session

QUICK = ["--device", "oracle", "--headless", "--pace", "max", "--episodes", "2", "--task-options", "max_steps", "40"]
QUICK += ["--schedule", "lockstep", "--training.episode-updates", "5"]


def small(method: str) -> list[str]:
    """The options that make a method small; only methods with an energy have those of the energy."""
    return SMALL if method == "ibc" else TINY


@pytest.mark.parametrize("method", ["bc", "ibc", "flow"])
def test_a_baseline_is_taught_and_evaluated_like_the_method(
    method: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "session"
    status, _, problems = app(
        "teach", "--task", "line_following", "--method", method, *small(method), *QUICK, "--out", out
    )
    assert status == 0, problems
    summary = json.loads((out / "summary.json").read_text())
    assert summary["method"] == method
    assert summary["updates"] > 0
    assert summary["weight_swaps"] > 2
    assert summary["pairs"]["made"] == summary["pairs"]["ingested"] > 0
    assert len({tick.weight_version for tick in Session.open(out).ticks}) > 2, "it drove with what it had learnt"
    newest = checkpoint.latest(out)
    assert newest is not None
    assert checkpoint.read_weights(newest)[1]["policy.kind"] == method
    capsys.readouterr()
    assert command_line.main(["evaluate", str(out), "--episodes", "1", "--seed", "77", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert (found["method"], found["updates"]) == (method, checkpoint.read_weights(newest)[0].step)
    assert 0 < found["l2_error_per_step"] < 3
