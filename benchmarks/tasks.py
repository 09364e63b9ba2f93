"""Speed of the tasks: steps a second, and time of reset, snapshot, restore and scene.

    python -m benchmarks.tasks [--seconds 10] [--tasks push_t hammer]

Actions are random with seed 0. There is one JSON line for each task.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from functools import partial

import numpy as np

from benchmarks.figure import parser, percentiles, tell
from hitl_clic.tasks import make_task, task_names

_ROUNDS = 50
"""Calls of each kind, apart from steps."""


def main() -> None:
    """Measure each task for `--seconds`."""
    options = parser("Speed of the tasks.")
    options.add_argument("--tasks", nargs="*", default=task_names(), help="names of tasks (default all)")
    given = options.parse_args()
    for name in given.tasks:
        began = time.perf_counter()
        task = make_task(name)
        made_s = time.perf_counter() - began
        rng = np.random.default_rng(0)
        task.reset(seed=0)
        steps, began = 0, time.perf_counter()
        while time.perf_counter() - began < given.seconds:
            _, _, terminated, truncated, _ = task.step(
                rng.uniform(-1, 1, len(task.action_frame.axes)).astype(np.float32)
            )
            steps += 1
            if terminated or truncated:
                task.reset()
        rate = steps / (time.perf_counter() - began)
        snapshot = task.snapshot()
        calls: dict[str, Callable[[], object]] = {
            "restore_ms": partial(task.restore, snapshot),
            "snapshot_ms": task.snapshot,
            "scene_ms": task.scene,
            "reset_ms": task.reset,
        }
        found = {name: percentiles([_ms(call) for _ in range(_ROUNDS)], 50, 99) for name, call in calls.items()}
        sizes = {"make_s": round(made_s, 2), "steps_per_s": round(rate, 1), "snapshot_bytes": len(snapshot)}
        tell("task", {"task": name, **sizes, **found})
        task.close()


def _ms(call: Callable[[], object]) -> float:
    """Duration of one call, milliseconds."""
    began = time.perf_counter()
    call()
    return (time.perf_counter() - began) * 1e3


if __name__ == "__main__":
    main()
