"""How well the scripted teachers do their own tasks: success, length of an episode, time of a call; one line a task."""

from __future__ import annotations

import argparse
import time

import numpy as np

from benchmarks.figure import percentiles, tell
from hitl_clic.tasks import make_task, make_teacher, task_names

SEEDS = range(100)


def main() -> None:
    """Measure every task, or only those named."""
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--tasks", nargs="*", default=task_names(), help="names of tasks (default all)")
    for name in options.parse_args().tasks:
        task, teacher = make_task(name), make_teacher(name)
        reached, lengths, calls_ms = 0, [], []
        for seed in SEEDS:
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
        found = {"seeds": len(SEEDS), "reached": reached, "mean_steps": round(float(np.mean(lengths)), 1)}
        tell("teacher", {"task": name, **found, "call_ms": percentiles(calls_ms, 50, 99, 100)})


if __name__ == "__main__":
    main()
