"""Success rate by chunk size, method, variant and seed: a grid of teaching sessions with evaluations.

    python -m benchmarks.chunk_table --task hammer --horizons 1 4 8 12 15 --methods clic bc --seeds 0 1 2
    python -m benchmarks.chunk_table --task hammer --horizons 4 --variants gaussian relative --methods clic bc ibc

Rows are stored in benchmarks/results/learning.jsonl. Experiments with a stored row are skipped; a stopped experiment
continues after its last finished part. `--jobs` experiments run at a time, each in `--processes` processes.
`python -m tools.results` writes docs/results.md and the plots from all rows.
"""

from __future__ import annotations

import itertools
import json
import signal
import sys
import time
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    Task,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)

from benchmarks.experiment import KEPT_EVERY, PLAIN, CommandFailed, Experiment, Runner, episodes_done, variant_names
from hitl_clic.aliases import current_row
from hitl_clic.os_scheduling import usable_cpus
from hitl_clic.settings_layers import load
from hitl_clic.types.errors import SettingsError

RESULTS = Path(__file__).parent / "results"
ROWS = RESULTS / "learning.jsonl"
POLL_S = 2.0


@dataclass(frozen=True)
class Arguments:
    """Which experiments to run."""

    task: str = "push_t"
    """Name of the task."""
    methods: tuple[str, ...] = ("clic",)
    """Names of the methods' presets."""
    horizons: tuple[int, ...] = (4,)
    """H, steps."""
    execute: tuple[int, ...] = (0,)
    """Ta, steps. Each is combined with each H >= Ta. 0: the method's preset decides."""
    variants: tuple[str, ...] = (PLAIN,)
    """Names of files in benchmarks/variants: noise, radius ratios, ablations."""
    seeds: tuple[int, ...] = (0,)
    """Seeds of the sessions."""
    session: str = "oracle_human_timing"
    """Session preset; it defines the teacher."""
    episodes: int = 40
    """Episodes taught."""
    points: tuple[int, ...] = ()
    """Episodes after which the policy is evaluated, multiples of ten (default: at half and at the end)."""
    evaluations: int = 20
    """Evaluated episodes at each point."""
    jobs: int = 2
    """Experiments at a time."""
    processes: int = 0
    """Processes of one experiment; more than one evaluate kept policies during the session. 0: the CPUs over jobs."""
    runs: Path = Path("runs/chunk_table")
    """Folder of the sessions. A stopped experiment continues from here."""


def grid(arguments: Arguments) -> list[Experiment]:
    """The experiments of the grid, in the order of the horizons; the seeds of a cell are adjacent.

    Raises:
        SettingsError: a name or a number is not allowed; the message lists what is allowed.
    """
    _check(arguments)
    episodes = arguments.episodes
    points = tuple(sorted(arguments.points)) or tuple(sorted({_tens(episodes // 2), _tens(episodes)}))
    made: list[Experiment] = []
    for horizon, method, variant, given, seed in itertools.product(
        arguments.horizons, arguments.methods, arguments.variants, arguments.execute, arguments.seeds
    ):
        if given > horizon:
            continue
        chosen = {"task": arguments.task, "method": method, "horizon": horizon, "execute": given}
        execute = load(session=arguments.session, overrides=chosen).execute
        experiment = Experiment(
            task=arguments.task,
            method=method,
            session=arguments.session,
            variant=variant,
            horizon=horizon,
            execute=execute,
            seed=seed,
            episodes=episodes,
            points=points,
            evaluations=arguments.evaluations,
        )
        if experiment not in made:
            made.append(experiment)
    return made


def _check(arguments: Arguments) -> None:
    for variant in arguments.variants:
        if variant not in variant_names():
            raise SettingsError(f"variants = {variant} is not allowed; allowed: {', '.join(variant_names())}")
    if arguments.episodes < KEPT_EVERY:
        raise SettingsError(f"episodes = {arguments.episodes} is not allowed; allowed: {KEPT_EVERY} or more")
    for point in arguments.points:
        if point % KEPT_EVERY or not KEPT_EVERY <= point <= arguments.episodes:
            raise SettingsError(
                f"points = {point} is not allowed; allowed: multiples of {KEPT_EVERY} up to episodes "
                f"= {arguments.episodes}"
            )
    if arguments.jobs < 1:
        raise SettingsError(f"jobs = {arguments.jobs} is not allowed; allowed: 1 or more")
    if arguments.processes < 0:
        raise SettingsError(f"processes = {arguments.processes} is not allowed; allowed: 0 or more")


def _tens(episodes: int) -> int:
    return max(KEPT_EVERY, episodes // KEPT_EVERY * KEPT_EVERY)


def processes(given: int, jobs: int, experiments: int) -> int:
    """The processes of one experiment; 0 shares the CPUs between the experiments that run at a time."""
    return given or max(1, usable_cpus() // max(1, min(jobs, experiments)))


def read_rows(path: Path = ROWS) -> list[dict[str, Any]]:
    """The stored rows under present names; an incomplete line is skipped."""
    if not path.exists():
        return []
    rows = []
    for line in path.read_text(encoding="utf-8").splitlines():
        try:
            rows.append(current_row(json.loads(line)))
        except json.JSONDecodeError:
            continue
    return rows


def append_row(row: dict[str, Any], path: Path = ROWS) -> None:
    """Append a row on a new line, also after an incomplete line."""
    path.parent.mkdir(parents=True, exist_ok=True)
    cut_short = path.exists() and path.stat().st_size > 0 and not path.read_bytes().endswith(b"\n")
    with path.open("a", encoding="utf-8") as file:
        file.write(("\n" if cut_short else "") + json.dumps(row) + "\n")


def run(experiments: list[Experiment], runner: Runner, jobs: int, console: Console) -> list[str]:
    """Run the experiments, `jobs` at a time. Each row goes to the file and to stdout. Returns the failures."""
    failures: list[str] = []
    progress = Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        MofNCompleteColumn(),
        TextColumn("episodes"),
        TimeElapsedColumn(),
        TextColumn("left"),
        TimeRemainingColumn(elapsed_when_finished=True),
        console=console,
        speed_estimate_period=3600.0,
    )
    with progress, ThreadPoolExecutor(jobs) as pool:
        whole = progress.add_task(f"{len(experiments)} experiments", total=sum(e.episodes for e in experiments))
        bars: dict[Future[dict[str, Any]], tuple[Experiment, Any]] = {}

        def begin(experiment: Experiment) -> None:
            bar = progress.add_task(experiment.name, total=experiment.episodes)
            future = pool.submit(
                runner.run,
                experiment,
                lambda part: progress.update(bar, description=f"{experiment.name}: {part}"),
            )
            bars[future] = (experiment, bar)

        waiting = list(experiments)
        finished = 0
        try:
            while waiting or bars:
                while waiting and len(bars) < jobs:
                    begin(waiting.pop(0))
                done, _ = wait(bars, POLL_S, FIRST_COMPLETED)
                for future in done:
                    experiment, bar = bars.pop(future)
                    progress.remove_task(bar)
                    finished += experiment.episodes
                    try:
                        row = future.result()
                    except CommandFailed as error:
                        failures.append(f"{experiment.name}: {error}")
                        console.print(failures[-1], style="red")
                        continue
                    append_row(row)
                    sys.stdout.write(json.dumps(row) + "\n")
                    sys.stdout.flush()
                    console.print(_progress_line(experiment, row, progress.tasks[whole], finished))
                under_way = 0
                for experiment, bar in bars.values():
                    taught = min(episodes_done(runner.runs / experiment.name), experiment.episodes)
                    progress.update(bar, completed=taught)
                    under_way += taught
                progress.update(whole, completed=finished + under_way)
        except BaseException:
            runner.stop()
            raise
    return failures


def _progress_line(experiment: Experiment, row: dict[str, Any], whole: Task, finished: int) -> str:
    """A progress line for logs, because bars are drawn on terminals only."""
    left = (whole.elapsed or 0.0) * ((whole.total or 0) - finished) / finished
    return f"{experiment.name}: {row['curve'][-1]['success_rate']:.2f}; about {left / 60:.0f} minutes left for the rest"


def main() -> int:
    """Run the missing experiments; the exit status."""
    arguments = tyro.cli(Arguments, description=__doc__)
    console = Console(stderr=True)
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # end like Ctrl-C and stop the child processes
    try:
        asked = grid(arguments)
    except SettingsError as error:
        sys.stderr.write(f"chunk_table: {error}\n")
        return 2
    rows = read_rows()
    missing = [experiment for experiment in asked if not any(experiment.is_row(row) for row in rows)]
    console.print(f"{len(asked)} experiments, {len(asked) - len(missing)} of them done before")
    began = time.perf_counter()
    runner = Runner(arguments.runs, processes=processes(arguments.processes, arguments.jobs, len(missing)))
    try:
        failures = run(missing, runner, arguments.jobs, console)
    except KeyboardInterrupt:
        console.print("stopped; the same command continues from here")
        return 1
    if missing:
        console.print(f"{len(missing)} experiments in {(time.perf_counter() - began) / 60:.1f} minutes")
        console.print("python -m tools.results writes them into docs/results.md")
    return 1 if failures else 0


if __name__ == "__main__":
    raise SystemExit(main())
