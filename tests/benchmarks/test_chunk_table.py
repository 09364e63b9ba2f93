"""The grid of experiments: which experiments run, which are skipped, and the tables of the rows.

A fake program replaces the jobs: it writes the files of `teach` and `evaluate`, and can be slow or fail.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from rich.console import Console

from benchmarks import chunk_table, plots, tables
from benchmarks.chunk_table import Arguments, append_row, grid, read_rows, run
from benchmarks.experiment import VARIANTS, CommandFailed, Experiment, Runner, episodes_done, variant_names
from hitl_clic.settings_layers import load
from hitl_clic.types.errors import SettingsError

FAKE_PROGRAM = """
import json, sys, time
from pathlib import Path
given = json.loads(sys.argv[2])
log = Path(__file__).with_suffix(".log")
with log.open("a") as file:
    file.write(" ".join(sys.argv[1:]) + "\\n")
behave = json.loads(Path(__file__).with_suffix(".json").read_text())
if sys.argv[1] == "teach":
    out = Path(given["out"])
    for episode in range(10, given["episodes"] + 1, 10):
        kept = out / "policies" / f"episode-{episode:04d}"
        kept.mkdir(parents=True)
        (kept / "weights-1.safetensors").touch()
    time.sleep(behave["teach_s"])
    steps = [10, 30]
    print("{}")
    (out / "summary.json").write_text(json.dumps({"feedback_per_step": [1.0, 0.2], "timesteps": steps, "updates": 7,
        "pairs": {"made": 5}, "ticks": sum(steps)}))
else:
    if behave["evaluate_fails"]:
        sys.exit("no such policy")
    after = int(Path(given["source"]).parent.name[-4:])
    print(json.dumps({"success_rate": after / 100, "mean_timesteps": 50.0, "episodes": [], "task": "hammer"}))
"""
PATIENCE_S = 60.0
EXPERIMENT = Experiment("hammer", "clic", "oracle_human_timing", "plain", 8, 4, 0, 20, (10, 20), 20)


class Program:
    """The fake program on disk and the log of its calls."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "fake.py"
        self.path.write_text(FAKE_PROGRAM, encoding="utf-8")
        self.behave()

    def behave(self, teach_s: float = 0.0, evaluate_fails: bool = False) -> None:
        found = {"teach_s": teach_s, "evaluate_fails": evaluate_fails}
        self.path.with_suffix(".json").write_text(json.dumps(found), encoding="utf-8")

    def asked(self) -> list[str]:
        log = self.path.with_suffix(".log")
        return [line.split()[0] for line in log.read_text(encoding="utf-8").splitlines()] if log.exists() else []

    def runner(self, runs: Path, processes: int = 1) -> Runner:
        return Runner(runs, start=(sys.executable, str(self.path)), processes=processes)

    def given(self, function: str) -> list[dict[str, Any]]:
        """The arguments of each call of a function."""
        lines = self.path.with_suffix(".log").read_text(encoding="utf-8").splitlines()
        return [json.loads(line.partition(" ")[2]) for line in lines if line.startswith(function)]


@pytest.fixture
def program(tmp_path: Path) -> Program:
    return Program(tmp_path)


def test_an_experiment_gives_its_curve_and_figures(program: Program, tmp_path: Path) -> None:
    row = program.runner(tmp_path / "runs").run(EXPERIMENT)
    assert [(point["episodes"], point["success_rate"]) for point in row["curve"]] == [(10, 0.1), (20, 0.2)]
    assert row["feedback_per_step"] == pytest.approx((10 * 1.0 + 30 * 0.2) / 40)
    assert (row["feedback_first_third"], row["feedback_last_third"], row["pairs"]) == (1.0, 0.2, 5)
    assert EXPERIMENT.is_row(json.loads(json.dumps(row)))
    assert not replace(EXPERIMENT, seed=1).is_row(row)
    assert replace(EXPERIMENT, points=(20,)).is_row(row)  # more is known than is asked
    assert not replace(EXPERIMENT, points=(10, 20, 30)).is_row(row)


def test_kept_policies_are_evaluated_during_the_session(program: Program, tmp_path: Path) -> None:
    program.behave(teach_s=PATIENCE_S)
    runner, folder = program.runner(tmp_path / "runs", processes=3), tmp_path / "runs" / EXPERIMENT.name
    failed: list[CommandFailed] = []

    def run() -> None:
        try:
            runner.run(EXPERIMENT)
        except CommandFailed as error:
            failed.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    try:
        until = time.monotonic() + PATIENCE_S
        while len(list(folder.glob("evaluated-*.json"))) < len(EXPERIMENT.points):
            assert time.monotonic() < until
            time.sleep(0.02)
    finally:
        runner.stop()
        thread.join(PATIENCE_S)
    assert not (folder / "taught.json").exists(), "it was still taught"
    assert [given["processes"] for given in program.given("evaluate")] == [2, 2], "the session has the third"
    assert failed


def test_an_evaluation_that_fails_during_the_session_is_tried_again_after_it(program: Program, tmp_path: Path) -> None:
    program.behave(evaluate_fails=True)
    with pytest.raises(CommandFailed, match="no such policy"):
        program.runner(tmp_path / "runs", processes=2).run(EXPERIMENT)
    program.behave()
    row = program.runner(tmp_path / "runs", processes=2).run(EXPERIMENT)
    assert [point["success_rate"] for point in row["curve"]] == [0.1, 0.2]
    assert program.asked().count("teach") == 1
    assert [given["processes"] for given in program.given("evaluate")][-2:] == [2, 2], "now all are free"


@pytest.mark.parametrize(
    ("given", "jobs", "experiments", "each"), [(0, 2, 9, 4), (0, 16, 16, 1), (0, 9, 2, 4), (5, 2, 9, 5)]
)
def test_the_experiments_that_run_at_a_time_share_the_cpus(
    monkeypatch: pytest.MonkeyPatch, given: int, jobs: int, experiments: int, each: int
) -> None:
    monkeypatch.setattr(chunk_table, "usable_cpus", lambda: 8)
    assert chunk_table.processes(given, jobs, experiments) == each


def test_a_failed_evaluation_does_not_teach_again(program: Program, tmp_path: Path) -> None:
    program.behave(evaluate_fails=True)
    with pytest.raises(CommandFailed, match="no such policy"):
        program.runner(tmp_path / "runs").run(EXPERIMENT)
    program.behave()
    program.runner(tmp_path / "runs").run(EXPERIMENT)
    assert program.asked() == ["teach", "evaluate", "evaluate", "evaluate"]


def test_a_stopped_session_is_taught_from_its_beginning(program: Program, tmp_path: Path) -> None:
    program.behave(teach_s=60.0)
    runner = program.runner(tmp_path / "runs")
    failed: list[BaseException] = []

    def work() -> None:
        try:
            runner.run(EXPERIMENT)
        except CommandFailed as error:
            failed.append(error)

    thread = threading.Thread(target=work)
    thread.start()
    deadline = time.monotonic() + 60
    while episodes_done(tmp_path / "runs" / EXPERIMENT.name) < 20:
        assert time.monotonic() < deadline
        time.sleep(0.01)
    runner.stop()
    thread.join(timeout=20)
    assert not thread.is_alive()
    assert "stopped" in str(failed[0])
    program.behave()
    (left,) = (tmp_path / "runs" / EXPERIMENT.name).glob("session-*")
    row = program.runner(tmp_path / "runs").run(EXPERIMENT)
    (taken,) = (tmp_path / "runs" / EXPERIMENT.name).glob("session-*")
    assert taken != left  # a session that is killed but not dead yet writes elsewhere
    assert program.asked().count("teach") == 2
    assert row["wall_s"] < 50


def test_a_grid_runs_side_by_side_and_goes_on_after_a_failure(
    program: Program, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = tmp_path / "rows.jsonl"
    monkeypatch.setattr(chunk_table, "append_row", lambda row: append_row(row, rows))
    experiments = [replace(EXPERIMENT, seed=seed) for seed in range(3)]
    program.behave(evaluate_fails=True)
    with (tmp_path / "progress.txt").open("w", encoding="utf-8") as file:
        failures = run(experiments[:1], program.runner(tmp_path / "runs"), jobs=2, console=Console(file=file))
        assert len(failures) == 1
        assert EXPERIMENT.name in failures[0]
        assert "no such policy" in failures[0]
        program.behave()
        assert run(experiments, program.runner(tmp_path / "runs"), jobs=2, console=Console(file=file)) == []
    assert sorted(row["seed"] for row in read_rows(rows)) == [0, 1, 2]
    assert [json.loads(line)["figure"] for line in capsys.readouterr().out.splitlines()] == ["learning"] * 3


def test_an_incomplete_row_is_skipped(tmp_path: Path) -> None:
    rows = tmp_path / "results" / "rows.jsonl"
    append_row({"seed": 0}, rows)
    with rows.open("a", encoding="utf-8") as file:
        file.write('{"seed": 1, "cur')
    append_row({"seed": 2}, rows)
    assert [row["seed"] for row in read_rows(rows)] == [0, 2]


def test_a_grid_holds_every_valid_combination() -> None:
    asked = grid(Arguments("hammer", ("clic", "bc"), (1, 8), (0, 4), ("plain", "relative"), (0, 1), episodes=50))
    # of H = 8 clic by itself executes 4, which is not asked twice; bc executes all 8
    cells = {("clic", 1, 1), ("bc", 1, 1), ("clic", 8, 4), ("bc", 8, 8), ("bc", 8, 4)}
    assert {(e.method, e.horizon, e.execute) for e in asked} == cells
    assert len(asked) == len(set(asked)) == len(cells) * 2 * 2
    assert all(e.points == (20, 50) for e in asked)


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (Arguments(variants=("rude",)), "variants = rude is not allowed; allowed: plain, "),
        (Arguments(points=(15,)), "points = 15 is not allowed; allowed: multiples of 10 up to episodes = 40"),
        (Arguments(points=(50,)), "points = 50"),
        (Arguments(episodes=5), "episodes = 5"),
        (Arguments(jobs=0), "jobs = 0"),
        (Arguments(task="juggle"), "task = juggle"),
        (Arguments(horizons=(4,), methods=("magic",)), "method = magic"),
    ],
)
def test_errors_name_the_field_and_the_allowed_values(arguments: Arguments, said: str) -> None:
    with pytest.raises(SettingsError) as refused:
        grid(arguments)
    assert said in str(refused.value)


@pytest.mark.parametrize("name", variant_names()[1:])
def test_every_variant_is_one_the_settings_allow(name: str) -> None:
    """Every variant also changes a setting of at least one task."""
    changed = 0
    for task in ("push_t", "two_arm_lift"):
        plain = load(overrides={"task": task}, session="oracle_human_timing")
        varied = load(overrides={"task": task}, session="oracle_human_timing", config=VARIANTS / f"{name}.toml")
        changed += varied.model_copy(update={"out": None}) != plain.model_copy(update={"out": None})
    assert changed


def _row(seed: int, rates: dict[int, float], **other: Any) -> dict[str, Any]:
    base = {
        "task": "hammer",
        "method": "clic",
        "session": "oracle_human_timing",
        "variant": "plain",
        "horizon": 8,
        "execute": 4,
        "evaluations": 20,
    }
    curve = [{"episodes": n, "success_rate": rate} for n, rate in rates.items()]
    return {**base, "seed": seed, "episodes": max(rates), "curve": curve, "wall_s": 120.0, "ticks": 2000, **other}


def test_a_cell_compares_seeds_after_as_many_episodes() -> None:
    rows = [_row(0, {20: 0.4, 40: 1.0}), _row(1, {20: 0.6}), _row(1, {10: 0.0})]
    (cell,) = tables.cells(rows, lambda row: row["horizon"]).values()
    assert (cell.episodes, cell.success) == (20, (0.4, 0.6))
    assert cell.text() == "0.50 ± 0.10 (2)"


def test_a_cell_uses_the_row_of_a_seed_with_the_most_evaluations() -> None:
    rows = [_row(0, {40: 0.9}, evaluations=100), _row(0, {80: 1.0}), _row(1, {40: 0.7})]
    (cell,) = tables.cells(rows, lambda row: row["horizon"]).values()
    assert (cell.episodes, cell.success, cell.evaluated) == (40, (0.9, 0.7), "20-100")


def test_minutes_are_unknown_where_no_run_has_them() -> None:
    (cell,) = tables.cells([_row(0, {40: 0.9}, wall_s=None)], lambda row: row["horizon"]).values()
    assert tables.minutes(cell) is None


def test_tables_show_rows_beside_the_paper(tmp_path: Path) -> None:
    rows = [_row(0, {40: 0.95}, feedback_per_step=0.2), _row(1, {40: 1.0}, feedback_per_step=0.3)]
    rows += [_row(0, {40: 0.5}, variant="relative"), _row(0, {40: 0.25}, method="bc", variant="relative")]
    text = tables.learning(rows)
    assert "| clic | 8 | 4 | 40 | 0.97 ± 0.03 (2) | 20 | 0.00 | 0.25 | 0.38 |  | 500 | 9884 | 2.0 |" in text
    assert "| variant | bc | clic |" in text
    assert "| plain |  | 0.97 ± 0.03 (2) |" in text
    assert "| relative | 0.25 (1) | 0.50 (1) |" in text
    assert plots.write(rows, tmp_path) == [tmp_path / "hammer.png"]
    assert (tmp_path / "hammer.png").exists()


@pytest.mark.filterwarnings("error")
def test_a_task_of_which_only_variants_were_run(tmp_path: Path) -> None:
    rows = [_row(0, {40: 0.5}, variant="relative")]
    assert "| relative | 0.50 (1) |" in tables.learning(rows)
    plots.write(rows, tmp_path)
    assert (tmp_path / "hammer.png").exists()


def test_more_evaluated_episodes_are_evaluated_anew(program: Program, tmp_path: Path) -> None:
    for evaluations in (20, 40):
        program.runner(tmp_path / "runs").run(replace(EXPERIMENT, evaluations=evaluations))
    assert program.asked() == ["teach", *["evaluate"] * 4]
