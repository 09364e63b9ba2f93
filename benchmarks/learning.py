"""Success over episodes taught: real `teach` runs with the oracle, their kept policies evaluated on unseen starts.

One JSON line a run, appended to benchmarks/results/learning.jsonl; a run that is already there is not done again.
Runs are single-threaded beside each other's learner: two commands at a time fill two cores.

    python -m benchmarks.learning --task push_t --horizons 4 8 --seeds 0 1 2
"""

from __future__ import annotations

import json
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import tyro

from hitl_clic.settings import load

ROOT = Path(__file__).resolve().parents[1]
RESULTS = ROOT / "benchmarks" / "results" / "learning.jsonl"
EVALUATED_FROM = 1_000_000
"""Seed of the first evaluated start; sessions use seed * 10,000 + episode."""


@dataclass(frozen=True)
class Arguments:
    """What to run."""

    task: str = "push_t"
    """Name of the task."""
    method: str = "fast"
    """Name of the method's preset."""
    horizons: tuple[int, ...] = (4,)
    """H, steps."""
    execute: tuple[int, ...] = ()
    """Ta of each horizon, steps, in the same order; without any the method says."""
    seeds: tuple[int, ...] = (0,)
    """Seeds of the sessions."""
    session: str = "patient"
    """Preset of the session: what kind of teacher."""
    noised: float = 0.0
    """Share of the taught episodes whose executed actions are perturbed (labels never are)."""
    episodes: int = 80
    """Episodes taught."""
    points: tuple[int, ...] = (20, 40, 60, 80)
    """Episodes after which the policy is evaluated; multiples of ten."""
    evaluations: int = 20
    """Evaluated episodes at each point."""
    runs: Path = Path("runs/learning")
    """Folder of the sessions."""


def measure(arguments: Arguments, horizon: int, execute: int, seed: int) -> dict[str, Any]:
    """One run and its curve.

    Raises:
        RuntimeError: a command failed; with what it said.
    """
    out = (
        arguments.runs / f"{arguments.task}-{arguments.method}-h{horizon}-ta{execute}-s{seed}-{time.strftime('%H%M%S')}"
    )
    began = time.perf_counter()
    _app(
        *("teach", "--session", arguments.session, "--task", arguments.task, "--method", arguments.method),
        *("--device", "oracle", "--headless"),
        *("--episodes", str(arguments.episodes), "--seed", str(seed), "--out", str(out)),
        *("--horizon", str(horizon), "--execute", str(execute)),
        *("--pace", "max", "--schedule", "paper", "--loop.exploration.episodes", str(arguments.noised)),
    )
    wall_s = time.perf_counter() - began
    summary = json.loads((out / "summary.json").read_text(encoding="utf-8"))
    curve = []
    for point in arguments.points:
        policy = next((out / "policies" / f"episode-{point:04d}").glob("*.safetensors"))
        said = _app(
            *("evaluate", str(policy), "--episodes", str(arguments.evaluations)),
            *("--seed", str(EVALUATED_FROM), "--json"),
        )
        found = json.loads(said)
        keys = ("success_rate", "l2_error_per_step", "mean_timesteps", "step_inside", "step_at_seam")
        curve.append({"episodes": point, **{key: found[key] for key in keys}})
    feedback = summary["feedback_per_step"]
    third = max(1, len(feedback) // 3)
    return {
        "figure": "learning",
        "task": arguments.task,
        "method": arguments.method,
        "horizon": horizon,
        "execute": execute,
        "session": arguments.session,
        "noised": arguments.noised,
        "seed": seed,
        "evaluated_episodes": arguments.evaluations,
        "curve": curve,
        "feedback_first_third": sum(feedback[:third]) / third,
        "feedback_last_third": sum(feedback[-third:]) / third,
        "updates": summary["updates"],
        "pairs": summary["pairs"]["made"],
        "ticks": summary["ticks"],
        "wall_s": round(wall_s, 1),
    }


def _app(*words: str) -> str:
    done = subprocess.run([sys.executable, str(ROOT / "app.py"), *words], capture_output=True, text=True, check=False)
    if done.returncode:
        raise RuntimeError(f"app.py {' '.join(words)} ended with status {done.returncode}: {done.stderr.strip()}")
    return done.stdout


def _done(arguments: Arguments, horizon: int, execute: int, seed: int) -> bool:
    if not RESULTS.exists():
        return False
    wanted = (arguments.task, arguments.method, arguments.session, horizon, execute, seed)
    keys = ("task", "method", "session", "horizon", "execute", "seed")
    rows = map(json.loads, RESULTS.read_text(encoding="utf-8").splitlines())
    return any(tuple(row[key] for key in keys) == wanted for row in rows)


def main() -> None:
    """Run what is not there yet."""
    arguments = tyro.cli(Arguments, description=__doc__)
    for seed in arguments.seeds:
        for horizon, given in zip(arguments.horizons, arguments.execute or [0] * len(arguments.horizons), strict=True):
            chosen = {"task": arguments.task, "method": arguments.method, "horizon": horizon, "execute": given}
            execute = load(session=arguments.session, overrides=chosen).execute
            if _done(arguments, horizon, execute, seed):
                continue
            line = json.dumps(measure(arguments, horizon, execute, seed))
            RESULTS.parent.mkdir(exist_ok=True)
            with RESULTS.open("a", encoding="utf-8") as file:
                file.write(line + "\n")
            print(line, flush=True)


if __name__ == "__main__":
    main()
