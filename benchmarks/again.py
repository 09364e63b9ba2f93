"""What each part is worth: variants and methods that all learn from the same recorded corrections, then act alone.

Much cheaper than teaching anew, and every row has the same data; what it cannot show is what a method would have met
while it was taught. One JSON line for each session, method and variant, kept in benchmarks/results/again.jsonl and not
done again. `python -m tools.results` makes the table of them in docs/results.md.

    python -m benchmarks.again --sessions runs/chunk_table/hammer-clic-*-h15-* --variants plain paper_energy mask
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
from benchmarks.chunk_table import RESULTS, append_row, read_rows
from benchmarks.experiment import EVALUATED_FROM, PLAIN, VARIANTS, CommandFailed, Runner, variant_names
from hitl_clic.settings import SessionSettings

ROWS = RESULTS / "again.jsonl"


@dataclass(frozen=True)
class Arguments:
    """What to learn again."""

    sessions: tuple[Path, ...]
    """Session folders, one for each seed."""
    methods: tuple[str, ...] = ("clic",)
    """Names of the methods' presets; for the sessions' own method their own numbers."""
    variants: tuple[str, ...] = (PLAIN,)
    """Names of files in benchmarks/variants."""
    updates: int = 3000
    """Updates of each network."""
    evaluations: int = 20
    """Evaluated episodes."""
    jobs: int = 2
    """At a time."""
    runs: Path = Path("runs/again")
    """Folder of what is learnt."""


@dataclass(frozen=True)
class Relearned:
    """One row: what was learnt from which session. Horizon, execute and seed are the session's."""

    task: str
    horizon: int
    execute: int
    seed: int
    method: str
    variant: str
    updates: int
    evaluations: int

    def is_row(self, row: dict[str, Any]) -> bool:
        """Whether a row of results is this one's."""
        return asdict(self).items() <= row.items()


def measure(session: Path, job: Relearned, runner: Runner) -> dict[str, Any]:
    """Learn again and evaluate.

    Raises:
        CommandFailed: a command failed.
    """
    out = runner.runs / f"{session.name}-{job.method}-{job.variant}"
    config = None if job.variant == PLAIN else VARIANTS / f"{job.variant}.toml"
    began = time.perf_counter()
    runner.call("learn", sessions=session, method=job.method, updates=job.updates, config=config, out=out)
    learn_s = time.perf_counter() - began
    found = runner.call("evaluate", source=out, episodes=job.evaluations, seed=EVALUATED_FROM)
    figures = {key: value for key, value in found.items() if isinstance(value, float)}
    return {"figure": "again", **asdict(job), **figures, "learn_s": round(learn_s, 1)}


def table(rows: list[dict[str, Any]]) -> list[str]:
    """Lines of Markdown: success rates, mean ± standard deviation over sessions, variants down and methods across."""
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
    """Run what is not there yet; the exit status."""
    arguments = tyro.cli(Arguments, description=__doc__)
    unknown = [name for name in arguments.variants if name not in variant_names()]
    if unknown:
        sys.stderr.write(f"again: variants = {unknown[0]} is not allowed; allowed: {', '.join(variant_names())}\n")
        return 2
    console, runner, rows = Console(stderr=True), Runner(arguments.runs), read_rows(ROWS)
    asked = []
    for method in arguments.methods:
        for variant in arguments.variants:
            for session in arguments.sessions:
                of = SessionSettings.from_toml(session / "settings.toml")
                job = Relearned(
                    of.task, of.horizon, of.execute, of.seed, method, variant, arguments.updates, arguments.evaluations
                )
                if not any(job.is_row(row) for row in rows):
                    asked.append((session, job))
    failed = 0
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
