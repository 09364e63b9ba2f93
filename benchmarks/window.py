"""What the window costs the loop: real-time sessions with it and without, in turns, and how late their ticks begin.

    python -m benchmarks.window [--tasks push_t] [--seconds 30] [--rounds 4]

The scripted teacher teaches, so learner, planner, device and recording work as for a person. The turns share what
else the machine does. How far two distributions of lateness are apart is the greatest distance between their curves
(Kolmogorov's and Smirnov's); beside it stands how far two sessions of the same kind are, which is what chance makes.
Needs a display; `xvfb-run -a` gives one. One line a task.
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
"""Of each session, left out: the window opens, everything is loaded and first used."""
PATIENCE_S = 60.0
"""Longest wait for a session to begin, or to end."""
LEVELS = (50, 90, 99, 100)


@dataclass(frozen=True, slots=True)
class Turn:
    """One session. Lateness in milliseconds, one for each tick; pictures a second, 0 without a window."""

    window: bool
    lateness_ms: NDArray[np.float64]
    overruns: int
    pictures_per_s: float


def turn(task: str, window: bool, seconds: float, folder: Path) -> Turn:
    """Teach for a while.

    Raises:
        RuntimeError: the session failed, or there was no window though one was asked for.
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
    with (folder / "said").open("w", encoding="utf-8") as said:
        # stopped as a person stops it, by the signal; a group of its own, so that ours does not get it
        teaching = subprocess.Popen(
            command, stdout=said, stderr=subprocess.STDOUT, start_new_session=True, env=job.environment()
        )
        try:
            _until_it_ticks(out, teaching)
            time.sleep(STARTING_S + seconds)
            teaching.send_signal(signal.SIGINT)
            teaching.wait(PATIENCE_S)
        finally:
            if teaching.poll() is None:
                os.killpg(teaching.pid, signal.SIGKILL)
                teaching.wait()
    if not (out / "summary.json").exists():
        raise RuntimeError(f"teaching {task} failed: {(folder / 'said').read_text(encoding='utf-8').strip()}")
    pictures = json.loads((out / "summary.json").read_text(encoding="utf-8")).get("pictures_per_s", 0.0)
    if window and not pictures:
        raise RuntimeError("no window opened: a display is needed; without one, run it under: xvfb-run -a")
    ticks = Session.open(out).ticks
    kept = [tick for tick in ticks if tick.time_ns - ticks[0].time_ns > STARTING_S * 1e9]
    return Turn(window, np.array([tick.lateness_ns * 1e-6 for tick in kept]), sum(t.overrun for t in kept), pictures)


def _until_it_ticks(out: Path, teaching: subprocess.Popen[bytes]) -> None:
    given_up = time.monotonic() + PATIENCE_S
    while teaching.poll() is None and time.monotonic() < given_up:
        try:
            if Session.open(out).ticks:
                return
        except ValueError:
            pass  # not there yet, or not yet a whole recording
        time.sleep(0.2)


def distance(one: NDArray[np.float64], other: NDArray[np.float64]) -> float:
    """Kolmogorov's and Smirnov's: the greatest difference of two samples' shares below any value, from 0 to 1."""
    at = np.sort(np.concatenate([one, other]))
    shares = [np.searchsorted(np.sort(sample), at, side="right") / len(sample) for sample in (one, other)]
    return float(np.abs(shares[0] - shares[1]).max())


def compare(turns: Sequence[Turn]) -> dict[str, Any]:
    """What the turns of each kind have in common, and how far the kinds are apart."""
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
    return found


def main() -> int:
    """Measure each task; the exit status."""
    options = parser("What the window costs the loop.")
    options.set_defaults(seconds=30.0)
    options.add_argument("--tasks", nargs="+", default=["push_t"], help="names of tasks (default push_t)")
    options.add_argument("--rounds", type=int, default=4, help="sessions of each kind (default 4, at least 2)")
    given = options.parse_args()
    if given.rounds < 2:
        options.error("--rounds must be 2 or more: what chance makes is seen between two sessions of a kind")
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
