"""Ablations: success of methods and variants that learn from the same recorded corrections.

    python -m benchmarks.again --sessions runs/chunk_table/hammer-clic-*-h15-*/session-* --variants plain paper_energy

All rows use the same data. This is cheaper than new sessions, but it does not measure the corrections that a variant
would have received itself. There is one JSON line for each session, method and variant, stored in
benchmarks/results/again.jsonl; stored rows are skipped. Seeds are the sessions' own. `python -m tools.results` writes
the table into docs/results.md.
"""

from __future__ import annotations

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console

from benchmarks import tables
from benchmarks.chunk_table import RESULTS, append_row, processes, read_rows
from benchmarks.experiment import EVALUATED_FROM, PLAIN, VARIANTS, CommandFailed, Runner, variant_names
from hitl_clic.settings import SessionSettings

ROWS = RESULTS / "again.jsonl"


@dataclass(frozen=True)
class Arguments:
    """What to train."""

    sessions: tuple[Path, ...]
    """Session folders, one for each seed."""
    methods: tuple[str, ...] = ("clic",)
    """Names of method presets. For a session's own method, the session's numbers are used."""
    variants: tuple[str, ...] = (PLAIN,)
    """Names of files in benchmarks/variants."""
    updates: int = 3000
    """Updates of each network."""
    evaluations: int = 20
    """Evaluated episodes."""
    jobs: int = 2
    """Trainings at a time."""
    processes: int = 0
    """Processes of one evaluation. 0: the CPUs over jobs."""
    runs: Path = Path("runs/again")
    """Output folder of the policies."""


@dataclass(frozen=True)
class Relearnt:
    """One row: a method and variant trained on one session, with that session's horizon, execute and seed."""

    task: str
    horizon: int
    execute: int
    seed: int
    method: str
    variant: str
    updates: int
    evaluations: int

    def is_row(self, row: dict[str, Any]) -> bool:
        """Whether a row of results belongs to this training."""
        return asdict(self).items() <= row.items()


def measure(session: Path, job: Relearnt, runner: Runner) -> dict[str, Any]:
    """Train and evaluate once; the row.

    Raises:
        CommandFailed: a command failed.
    """
    out = runner.runs / f"{session.name}-{job.method}-{job.variant}"
    config = None if job.variant == PLAIN else VARIANTS / f"{job.variant}.toml"
    began = time.perf_counter()
    runner.call("learn", sessions=session, method=job.method, updates=job.updates, config=config, out=out)
    learn_s = time.perf_counter() - began
    found = runner.call(
        "evaluate", source=out, episodes=job.evaluations, seed=EVALUATED_FROM, processes=runner.processes
    )
    figures = {key: value for key, value in found.items() if isinstance(value, float)}
    return {"figure": "again", **asdict(job), **figures, "learn_s": round(learn_s, 1)}


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Markdown: success rate, mean ± standard deviation over sessions; one row a variant, one column a method."""
    lines: list[str] = []
    kinds = sorted({(row["task"], row["horizon"], row["updates"]) for row in rows})
    for kind in kinds:
        here = [row for row in rows if (row["task"], row["horizon"], row["updates"]) == kind]
        cells = tables.cells(map(_as_learning, here), lambda row: (row["variant"], row["method"]))
        lines += [f"{kind[0]}, H = {kind[1]}, {kind[2]} updates:", "", *tables.grid(cells), ""]
    return lines


def _as_learning(row: dict[str, Any]) -> dict[str, Any]:
    curve = [{"episodes": 0, "success_rate": row["success_rate"]}]
    return {**row, "episodes": 0, "curve": curve}


def main() -> int:
    """Run the missing experiments; the exit status."""
    arguments = tyro.cli(Arguments, description=__doc__)
    unknown = [name for name in arguments.variants if name not in variant_names()]
    if unknown:
        sys.stderr.write(f"again: variants = {unknown[0]} is not allowed; allowed: {', '.join(variant_names())}\n")
        return 2
    console, rows = Console(stderr=True), read_rows(ROWS)
    asked = []
    for method in arguments.methods:
        for variant in arguments.variants:
            for session in arguments.sessions:
                of = SessionSettings.from_toml(session / "settings.toml")
                job = Relearnt(
                    of.task, of.horizon, of.execute, of.seed, method, variant, arguments.updates, arguments.evaluations
                )
                if not any(job.is_row(row) for row in rows):
                    asked.append((session, job))
    failed = 0
    runner = Runner(arguments.runs, processes=processes(arguments.processes, arguments.jobs, len(asked)))
    with ThreadPoolExecutor(arguments.jobs) as pool:
        try:
            for (session, job), future in [(one, pool.submit(measure, *one, runner)) for one in asked]:
                try:
                    row = future.result()
                except CommandFailed as error:
                    failed += 1
                    console.print(f"{session.name}, {job.method}, {job.variant}: {error}", style="red")
                    continue
                append_row(row, ROWS)
                sys.stdout.write(json.dumps(row) + "\n")
                sys.stdout.flush()
        except BaseException:
            runner.stop()
            raise
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main())
