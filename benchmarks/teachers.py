"""Success rate, episode length and call time of the scripted teachers, each alone on its task.

    python -m benchmarks.teachers [--tasks push_t hammer] [--seeds 100]

Episodes use seeds 0 to `--seeds` - 1. There is one JSON line for each task.
"""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.figure import percentiles, tell
from hitl_clic.tasks import make_task, make_teacher, task_names


def main() -> None:
    """Measure each task."""
    options = argparse.ArgumentParser(description="Success, episode length and call time of the scripted teachers.")
    options.add_argument("--tasks", nargs="*", default=task_names(), help="names of tasks (default all)")
    options.add_argument("--seeds", type=int, default=100, help="number of episodes (default 100)")
    given = options.parse_args()
    for name in given.tasks:
        task, teacher = make_task(name), make_teacher(name)
        reached, lengths, calls_ms = 0, [], []
        for seed in range(given.seeds):
            observation, _ = task.reset(seed=seed)
            teacher.reset()
            steps, over = 0, False
            while not over:
                began = time.perf_counter()
                action = teacher.action(observation)
                calls_ms.append((time.perf_counter() - began) * 1e3)
                observation, _, terminated, truncated, info = task.step(action)
                steps, over = steps + 1, terminated or truncated
            reached += bool(info["success"])
            lengths.append(steps)
        found = {"seeds": given.seeds, "reached": reached, "mean_steps": round(float(np.mean(lengths)), 1)}
        tell("teacher", {"task": name, **found, "call_ms": percentiles(calls_ms, 50, 99, 100)})


if __name__ == "__main__":
    main()
