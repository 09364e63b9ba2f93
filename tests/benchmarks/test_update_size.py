"""The benchmark of the size of an update, on a small network and a recorded session."""

from __future__ import annotations

from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

import pytest

from benchmarks import update_size
from benchmarks.update_size import Arguments, Size, missing, table, taught

RECORDED = Path(__file__).parents[2] / "recordings" / "oracle"
TINY = Size(batch=8, samples=4, penalty=2, hidden=8, trunk=8)

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.fixture(autouse=True)
def _tiny(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(update_size, "SIZES", {"tiny": TINY})
    monkeypatch.setattr(update_size, "HELD_BACK", 2)


def found(rows: list[dict[str, Any]], runs: Path, measure: Any, **changes: Any) -> list[dict[str, Any]]:
    values = {"sizes": ("tiny",), "runs": runs, "evaluations": 1, **changes}
    return list(missing(Arguments(measure, (RECORDED,), **values), rows))


def test_learning_needs_a_cost_and_stored_figures_are_not_measured_again(tmp_path: Path) -> None:
    with pytest.raises(SystemExit, match="measure cost first"):
        found([], tmp_path, "learn")
    rows = found([], tmp_path, "cost", seconds=0.05)
    assert rows[0]["figure"] == "update_cost"
    assert 0 < rows[0]["ms"] < 1000
    assert rows[0]["gflop"] > 0
    rows[0]["ms"] = 10.0
    rows += found(rows, tmp_path, "learn", seconds=0.4, seeds=(0, 1))
    assert [row["seed"] for row in rows[1:]] == [0, 1]
    assert [(mark["seconds"], mark["updates"]) for mark in rows[1]["curve"]] == [
        (0.05, 5),
        (0.1, 10),
        (0.2, 20),
        (0.4, 40),
    ]
    errors = [mark["error"] for row in rows[1:] for mark in row["curve"]]
    assert len(set(errors)) > 2
    assert all(0 < error < 3 for error in errors)
    rows += found(rows, tmp_path, "success", seconds=0.4, seeds=(1,))
    assert rows[-1]["success_rate"] in (0.0, 1.0)
    assert found(rows, tmp_path, "learn", seconds=0.4, seeds=(0, 1)) == []
    assert found(rows, tmp_path, "success", seconds=0.4, seeds=(1,)) == []
    lines = table(rows)
    assert len(lines) == 3
    cells = [cell.strip() for cell in lines[2].strip("|").split("|")]
    assert cells[:3] == [rows[0]["task"], str(rows[0]["horizon"]), "tiny"]
    assert cells[5:7] == ["0.4", "40"]
    ends = [row["curve"][-1]["error"] for row in rows if row["figure"] == "update_size"]
    assert cells[9] == f"{fmean(ends):.3f} ± {pstdev(ends):.3f}"
    assert cells[-2:] == [f"{rows[-1]['success_rate']:.2f}", "2"]


def test_held_back_episodes_are_not_learnt() -> None:
    of = taught(RECORDED, TINY, 3)
    assert {pair.episode % 2 for pair in of.learnt} == {0}
    assert {pair.episode % 2 for pair in of.held} == {1}
    assert of.settings.seed == 3
    assert (of.settings.policy.batch, of.settings.policy.network.hidden) == (8, (8, 8, 8))


def test_sizes_have_their_documented_numbers() -> None:
    policy = TINY.policy()
    assert policy["negatives"] == {"samples": 4, "steps": 1}
    assert policy["penalty_samples"] == 2
