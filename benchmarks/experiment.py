"""One learning experiment: a session with the oracle, and evaluations of its kept policies on unseen starts.

Each part is a job (`benchmarks.job`) and stores its result in the experiment's folder. A stopped experiment continues
after its last finished part. Any thread; each job is a child process.
"""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from benchmarks import job

VARIANTS = Path(__file__).parent / "variants"
"""One TOML file a variant: the settings that differ from the presets."""
PLAIN = "plain"
"""The variant without changes."""
EVALUATED_FROM = 1_000_000
"""Seed of the first evaluated start; sessions use seed * 10,000 + episode."""
KEPT_EVERY = 10
"""Episodes between two kept policies (`recording.policy_every`)."""
POLL_S = 0.5


class CommandFailed(RuntimeError):
    """A job failed; the message holds its stderr."""


@dataclass(frozen=True)
class Experiment:
    """The parameters of an experiment.

    Attributes:
        task, method, session: names of presets. variant: name of a file in `VARIANTS`, or `PLAIN`.
        horizon, execute: H and Ta, steps. seed: of the session. episodes: taught.
        points: episodes after which the policy is evaluated, ascending. evaluations: episodes at each point.
    """

    task: str
    method: str
    session: str
    variant: str
    horizon: int
    execute: int
    seed: int
    episodes: int
    points: tuple[int, ...]
    evaluations: int

    @property
    def name(self) -> str:
        """The folder's name, different for each experiment."""
        return (
            f"{self.task}-{self.method}-{self.session}-{self.variant}-h{self.horizon}-ta{self.execute}"
            f"-s{self.seed}-n{self.episodes}"
        )

    def is_row(self, row: dict[str, Any]) -> bool:
        """Whether a row belongs to this experiment and holds at least its points."""
        same = all(row.get(name) == value for name, value in asdict(self).items() if name != "points")
        return same and set(self.points) <= set(row["points"])


class Runner:
    """Runs the jobs of experiments; `stop` ends running jobs from another thread.

    Args:
        runs: folder of the experiments' folders. threads: torch threads of each job. start: command of a job.
        processes: of one experiment at a time. The session needs about one; the others already evaluate its kept
            policies.
    """

    def __init__(self, runs: Path, threads: int = 1, start: tuple[str, ...] = job.COMMAND, processes: int = 1) -> None:
        self.runs, self._start, self.processes = runs, start, processes
        self._environment = job.environment(threads)
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[str]] = set()
        self._stopped = False

    def run(self, experiment: Experiment, on_part: Callable[[str], None] = lambda part: None) -> dict[str, Any]:
        """Run an experiment; its row of results.

        Args:
            on_part: called with the name of each part when it starts.

        Raises:
            CommandFailed: a job failed, or `stop` was called.
        """
        folder = self.runs / experiment.name
        taught = folder / "taught.json"
        if not taught.exists():
            shutil.rmtree(folder, ignore_errors=True)  # an unfinished session starts again from the beginning
            folder.mkdir(parents=True, exist_ok=True)
            # a new name, because a job that is being stopped may still write into the old folder
            session = Path(tempfile.mkdtemp(prefix="session-", dir=folder))
            on_part("teach")
            began = time.perf_counter()
            with self._evaluating(experiment, session):
                self._teach(experiment, session)
            _write(taught, {"wall_s": round(time.perf_counter() - began, 1), "session": session.name})
        about = _read(taught)
        session = folder / about.pop("session")
        curve = []
        for point in experiment.points:
            found = _evaluated(session, point, experiment.evaluations)
            if not found.exists():
                on_part(f"evaluate {point}")
                self._evaluate(experiment, session, point, self.processes)
            curve.append({"episodes": point, **_figures(_read(found))})
        summary = _read(session / "summary.json")
        return {"figure": "learning", **asdict(experiment), "curve": curve, **_session(summary), **about}

    def stop(self) -> None:
        """End the running jobs and start no others."""
        with self._lock:
            self._stopped = True
            for process in self._running:
                with contextlib.suppress(ProcessLookupError):
                    os.killpg(process.pid, signal.SIGTERM)

    def _teach(self, experiment: Experiment, out: Path) -> None:
        self.call(
            "teach",
            task=experiment.task,
            method=experiment.method,
            preset=experiment.session,
            config=None if experiment.variant == PLAIN else VARIANTS / f"{experiment.variant}.toml",
            horizon=experiment.horizon,
            execute=experiment.execute,
            episodes=experiment.episodes,
            seed=experiment.seed,
            out=out,
            device="oracle",
            pace="max",
            schedule="lockstep",
        )

    def _evaluate(self, experiment: Experiment, session: Path, point: int, processes: int) -> None:
        result = self.call(
            "evaluate",
            source=next(_kept(session, point)),
            episodes=experiment.evaluations,
            seed=EVALUATED_FROM,
            processes=processes,
        )
        _write(_evaluated(session, point, experiment.evaluations), result)

    @contextlib.contextmanager
    def _evaluating(self, experiment: Experiment, session: Path) -> Iterator[None]:
        """Meanwhile evaluate each policy as soon as it is kept. At the end, wait for the evaluation under way."""
        taught = threading.Event()

        def work() -> None:
            for point in experiment.points:
                while not any(_kept(session, point)):
                    if taught.wait(POLL_S):
                        return
                with contextlib.suppress(CommandFailed):  # `run` tries it again after the session
                    self._evaluate(experiment, session, point, self.processes - 1)
                if taught.is_set():
                    return  # `run` has more processes for the rest

        thread = threading.Thread(target=work, name="evaluate")
        if self.processes > 1:
            thread.start()
        try:
            yield
        finally:
            taught.set()
            if self.processes > 1:
                thread.join()

    def call(self, function: str, **arguments: Any) -> dict[str, Any]:
        """The result of a function of `hitl_clic`, called in a child process (`benchmarks.job`).

        Raises:
            CommandFailed: the job failed, or `stop` was called.
        """
        command = [*self._start, *job.command(function, **arguments)[len(job.COMMAND) :]]
        with self._lock:
            if self._stopped:
                raise CommandFailed("stopped")
            process = subprocess.Popen(
                command,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                text=True,
                env=self._environment,
                start_new_session=True,
            )
            self._running.add(process)
        output, errors = process.communicate()
        with self._lock:
            self._running.discard(process)
        if process.returncode:
            why = "stopped" if self._stopped else errors.strip()
            raise CommandFailed(f"{function} {arguments} ended with status {process.returncode}: {why}")
        result: dict[str, Any] = json.loads(output)
        return result


def _kept(session: Path, point: int) -> Iterator[Path]:
    """The policy kept after so many episodes; nothing before."""
    return (session / "policies" / f"episode-{point:04d}").glob("*.safetensors")


def _evaluated(session: Path, point: int, evaluations: int) -> Path:
    return session.parent / f"evaluated-{point:04d}-{evaluations}.json"


def episodes_done(folder: Path) -> int:
    """Episodes taught so far in an experiment's folder, counted by its kept policies."""
    return KEPT_EVERY * len(list(folder.glob("session-*/policies/episode-*")))


def variant_names() -> tuple[str, ...]:
    """Names of all variants, `PLAIN` first."""
    return (PLAIN, *sorted(path.stem for path in VARIANTS.glob("*.toml")))


def _figures(found: dict[str, Any]) -> dict[str, Any]:
    return {key: value for key, value in found.items() if isinstance(value, float)}


def _session(summary: dict[str, Any]) -> dict[str, Any]:
    feedback = summary["feedback_per_step"]
    third = max(1, len(feedback) // 3)
    steps = summary["timesteps"]
    return {
        "feedback_per_step": sum(f * n for f, n in zip(feedback, steps, strict=True)) / max(1, sum(steps)),
        "feedback_first_third": sum(feedback[:third]) / third,
        "feedback_last_third": sum(feedback[-third:]) / third,
        "updates": summary["updates"],
        "pairs": summary["pairs"]["made"],
        "ticks": summary["ticks"],
    }


def _write(path: Path, found: dict[str, Any]) -> None:
    beside = path.with_suffix(".part")
    beside.write_text(json.dumps(found), encoding="utf-8")
    os.replace(beside, path)


def _read(path: Path) -> dict[str, Any]:
    read: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
    return read
