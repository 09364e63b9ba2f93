"""A short whole session with each baseline: taught, then evaluated from its folder."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from session_process import SMALL, TINY, here

from hitl_clic.learner import checkpoint
from hitl_clic.session.reader import Session

QUICK = ["--device", "oracle", "--headless", "--pace", "max", "--episodes", "2", "--task-options", "max_steps", "40"]
QUICK += ["--schedule", "lockstep", "--training.episode-updates", "5"]


def small(method: str) -> list[str]:
    """The options that make a method small; only methods with an energy have those of the energy."""
    return SMALL if method == "ibc" else TINY


@pytest.mark.parametrize("method", ["bc", "ibc", "flow"])
def test_a_baseline_is_taught_and_evaluated_like_the_method(method: str, tmp_path: Path) -> None:
    out = tmp_path / "session"
    status, _, problems = here(
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
    status, said, problems = here("evaluate", out, "--episodes", 1, "--seed", 77, "--json")
    assert status == 0, problems
    found = json.loads(said)
    assert (found["method"], found["updates"]) == (method, checkpoint.read_weights(newest)[0].step)
    assert 0 < found["l2_error_per_step"] < 3
