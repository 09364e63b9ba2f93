"""Effect of the window on tick lateness: real-time sessions with and without the window take turns.

    python -m benchmarks.window [--tasks push_t] [--seconds 30] [--rounds 4]

The oracle teaches with seed 7; learner, planner and recorder run. The Kolmogorov-Smirnov distance compares the lateness
of sessions with and without the window (`distance_across`), and of sessions of one kind (`distance_within`), which
shows the effect of chance. It needs a display, such as `xvfb-run -a`. There is one JSON line for each task.
"""

from __future__ import annotations

import itertools
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

import numpy as np
from numpy.typing import NDArray

from benchmarks import job
from benchmarks.figure import parser, percentiles, tell
from hitl_clic.session.reader import Session

STARTING_S = 5.0
"""First part of each session, which is not measured."""
TIMEOUT_S = 60.0
"""Longest wait for a session to start, or to end."""
LEVELS = (50, 90, 99, 100)


@dataclass(frozen=True, slots=True)
class Turn:
    """One session: lateness of each tick in milliseconds.

    Pictures per second, and processor time of the window per second, s; 0 without a window.
    """

    window: bool
    lateness_ms: NDArray[np.float64]
    overruns: int
    pictures_per_s: float
    window_cpu: float


def turn(task: str, window: bool, seconds: float, folder: Path) -> Turn:
    """Run one session for `seconds` after its start phase.

    Raises:
        RuntimeError: the session failed, or its window did not open.
    """
    out = folder / "session"
    command = job.command(
        "teach",
        task=task,
        device="oracle",
        preset="oracle_human_timing",
        pace="realtime",
        episodes=100_000,
        seed=7,
        out=out,
        headless=not window,
    )
    with (folder / "output").open("w", encoding="utf-8") as output:
        # a process group of its own, so that SIGINT does not reach this process
        teaching = subprocess.Popen(
            command, stdout=output, stderr=subprocess.STDOUT, start_new_session=True, env=job.environment()
        )
        try:
            _until_it_ticks(out, teaching)
            time.sleep(STARTING_S + seconds)
            teaching.send_signal(signal.SIGINT)
            teaching.wait(TIMEOUT_S)
        finally:
            if teaching.poll() is None:
                os.killpg(teaching.pid, signal.SIGKILL)
                teaching.wait()
    if not (out / "summary.json").exists():
        raise RuntimeError(f"teaching {task} failed: {(folder / 'output').read_text(encoding='utf-8').strip()}")
    figures = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    shown = figures.get("pictures_per_s", 0.0), figures.get("window_cpu", 0.0)
    if window and not shown[0]:
        raise RuntimeError("no window opened: a display is needed; without one, run it under: xvfb-run -a")
    ticks = Session.open(out).ticks
    kept = [tick for tick in ticks if tick.time_ns - ticks[0].time_ns > STARTING_S * 1e9]
    return Turn(window, np.array([tick.lateness_ns * 1e-6 for tick in kept]), sum(t.overrun for t in kept), *shown)


def _until_it_ticks(out: Path, teaching: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + TIMEOUT_S
    while teaching.poll() is None and time.monotonic() < deadline:
        try:
            if Session.open(out).ticks:
                return
        except ValueError:
            pass  # the recording does not exist yet, or is incomplete
        time.sleep(0.2)


def distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Kolmogorov-Smirnov distance of two samples, from 0 to 1."""
    at = np.sort(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(sample), at, side="right") / len(sample) for sample in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())


def compare(turns: Sequence[Turn]) -> dict[str, Any]:
    """Percentiles of each kind of session, and the distances across and within the kinds."""
    kinds = {kind: [each for each in turns if each.window == kind] for kind in (True, False)}
    found: dict[str, Any] = {}
    for kind, name in ((True, "with"), (False, "without")):
        late = np.concatenate([each.lateness_ms for each in kinds[kind]])
        found[f"{name}_ms"] = percentiles(late.tolist(), *LEVELS)
        found[f"{name}_p99_each_ms"] = [round(float(np.percentile(each.lateness_ms, 99)), 2) for each in kinds[kind]]
        found |= {f"{name}_ticks": len(late), f"{name}_overruns": sum(each.overruns for each in kinds[kind])}
    across = [distance(a.lateness_ms, b.lateness_ms) for a, b in itertools.product(kinds[True], kinds[False])]
    within = [
        distance(a.lateness_ms, b.lateness_ms) for kind in kinds.values() for a, b in itertools.combinations(kind, 2)
    ]
    found["distance_across"] = round(float(np.median(across)), 3)
    found["distance_within"] = round(float(np.median(within)), 3)
    found["pictures_per_s"] = float(np.median([each.pictures_per_s for each in kinds[True]]))
    found["window_cpu"] = float(np.median([each.window_cpu for each in kinds[True]]))
    return found


def main() -> int:
    """Measure each task; the exit status."""
    options = parser("Effect of the window on tick lateness.")
    options.set_defaults(seconds=30.0)
    options.add_argument("--tasks", nargs="+", default=["push_t"], help="names of tasks (default push_t)")
    options.add_argument("--rounds", type=int, default=4, help="sessions of each kind (default 4, at least 2)")
    given = options.parse_args()
    if given.rounds < 2:
        options.error("--rounds must be 2 or more, to compare two sessions of a kind")
    for task in given.tasks:
        turns = []
        for window in (True, False) * given.rounds:
            with TemporaryDirectory() as folder:
                try:
                    turns.append(turn(task, window, given.seconds, Path(folder)))
                except (RuntimeError, subprocess.TimeoutExpired) as error:
                    sys.stderr.write(f"window: {error}\n")
                    return 1
        tell("window", {"task": task, "seconds": given.seconds, "rounds": given.rounds, **compare(turns)})
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
