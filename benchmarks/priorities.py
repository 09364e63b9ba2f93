"""Lateness of ticks beside a planner that never pauses, a learner and a drawing process, by the planner's priority.

    python -m benchmarks.priorities [--seconds 10] [--rates-hz 20 50 100] [--levels 0 3] [--others 0]

A level is the planner's nice level below the tick; 0 is without an order of threads. Each measurement has a process of
its own, because an ordinary user cannot raise a priority again, and measurements take turns. The tick is a loop of
Python of about 0.5 ms; the learner updates `clic` with one thread, and drawing is replaced by sums of arrays. Both have
the priority of a session. `--others` adds busy processes of other programs, at the usual priority.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import threading
import time
from contextlib import ExitStack
from typing import Any

import numpy as np
import torch

from benchmarks.figure import percentiles, tell
from benchmarks.samples import DIM_A, DIM_O, method, trainer
from hitl_clic.child_process import child_environment
from hitl_clic.clic.compiled_planner import prepare
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.policy import EnergyPolicy
from hitl_clic.clic.settings import ClicSettings
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.control.clock import RealTimeClock
from hitl_clic.learner.settings import TrainingSettings
from hitl_clic.os_scheduling import LOOP_SLICE_S, lower_priority, request_slice, set_niceness
from hitl_clic.runner.process_state import frozen_heap, real_time_process

HORIZON = 8
WORK_S = 0.0005
"""Time of a tick's own work."""
NICENESS = {"learner": TrainingSettings().niceness, "drawing": WindowSettings().niceness, "other": 0}


def measure(seconds: float, rate_hz: float, level: int, others: int) -> dict[str, Any]:
    """Ticks in this process, beside the busy children."""
    settings = method("clic", "cpu")
    assert isinstance(settings, ClicSettings)
    with ExitStack() as stack:
        for role in ("learner", "drawing", *["other"] * others):
            child = [sys.executable, "-m", "benchmarks.priorities", "--role", role]
            process = subprocess.Popen(child, env=child_environment(), start_new_session=True)
            stack.callback(process.wait)
            stack.callback(process.kill)
        stack.enter_context(real_time_process(1))
        prepare(settings)
        learnt = trainer(settings, HORIZON)
        learnt.update()
        clock = RealTimeClock(rate_hz)
        generator = torch.Generator().manual_seed(0)
        weights = learnt.weights()
        shape = ChunkShape(HORIZON, DIM_A)
        policy = EnergyPolicy(weights, DIM_O, shape, settings, generator, yield_hook=clock.yield_to_tick)
        policy.prepare()
        stopped, plans = threading.Event(), [0]

        def plan() -> None:
            state, nothing = np.zeros(DIM_O, np.float32), np.zeros((0, DIM_A), np.float32)
            while not stopped.is_set():
                policy.plan(state, nothing, None)
                plans[0] += 1

        planner = threading.Thread(target=plan, name="planner")
        planner.start()
        stack.callback(planner.join)
        stack.callback(stopped.set)
        time.sleep(4)  # the children load torch
        stack.enter_context(frozen_heap())
        request_slice(LOOP_SLICE_S)
        assert planner.native_id is not None
        if level:
            own = os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
            if not set_niceness(planner.native_id, own + level):
                raise SystemExit("this system has no nice levels of threads, or refuses them")
        late, overruns = _ticks(clock, round(seconds * rate_hz))
    return {
        "rate_hz": rate_hz,
        "planner_level": level,
        "other_programs": others,
        "ticks": len(late),
        "lateness_ms": percentiles(late, 50, 99, 99.9, 100),
        "overruns": overruns,
        "plans_per_s": round(plans[0] / (seconds + 4), 1),
    }


def _ticks(clock: RealTimeClock, count: int) -> tuple[list[float], int]:
    """Lateness of each tick, ms, and the number of overruns."""
    late, overruns = [], 0
    clock.start()
    for _ in range(count):
        late.append(clock.wait() * 1e-6)
        until = time.perf_counter() + WORK_S
        while time.perf_counter() < until:
            pass
        overruns += clock.finish()
    return late, overruns


def be_busy(role: str) -> None:
    """A child: work until it is killed."""
    if NICENESS[role]:
        lower_priority(NICENESS[role])
    torch.set_num_threads(1)
    if role == "learner":
        settings = method("clic", "cpu")
        learnt = trainer(settings, HORIZON)
        while True:
            learnt.update()
    numbers = np.ones((256, 256), np.float32)
    while True:
        numbers = numbers * np.float32(0.999) + np.float32(0.001)


def main() -> None:
    """The command line."""
    made = argparse.ArgumentParser(description="Lateness of ticks beside busy threads and processes.")
    made.add_argument("--seconds", type=float, default=10.0, help="time of one measurement, seconds (default 10)")
    made.add_argument("--rates-hz", type=float, nargs="+", default=[20.0, 50.0, 100.0], help="ticks per second")
    made.add_argument("--levels", type=int, nargs="+", default=[0, 3], help="nice levels of the planner (default 0 3)")
    made.add_argument("--others", type=int, default=0, help="busy processes of other programs (default 0)")
    made.add_argument("--only", action="store_true", help=argparse.SUPPRESS)
    made.add_argument("--role", choices=tuple(NICENESS), help=argparse.SUPPRESS)
    given = made.parse_args()
    if given.role:
        be_busy(given.role)
    if given.only:
        tell("priorities", measure(given.seconds, given.rates_hz[0], given.levels[0], given.others))
        return
    for rate_hz in given.rates_hz:
        for level in given.levels:
            command = [sys.executable, "-m", "benchmarks.priorities", "--only", "--seconds", str(given.seconds)]
            command += ["--rates-hz", str(rate_hz), "--levels", str(level), "--others", str(given.others)]
            subprocess.run(command, env=child_environment(), check=True)


if __name__ == "__main__":
    main()
