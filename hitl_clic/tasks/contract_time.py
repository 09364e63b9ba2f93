"""Time limits of a Task and a Teacher; the test of each implementation calls these checks.

Pure functions that raise AssertionError. They measure processor time of the thread: run nothing else beside them.
Never used while a session runs.
"""

from __future__ import annotations

import time

import numpy as np

from hitl_clic.tasks.contract import STEPS, drive, random_actions
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher

_FORECAST_SHARE = 1 / 3
"""Largest median processor time of a four-step forecast, as a share of one tick. The loop forecasts between ticks."""
_FORECAST_STEPS = 1.5
"""The same limit in task steps; the larger limit counts. It applies on machines where one step takes a quarter tick."""


def check_forecast_time(task: Task) -> None:
    """Check the median processor time of a four-step forecast.

    Raises:
        AssertionError: it exceeds both limits.
    """
    task.reset(seed=6)
    actions = random_actions(np.random.default_rng(4), len(task.action_frame.axes))
    drive(task, actions[:100])
    times: list[tuple[int, int]] = []
    for step in range(100, STEPS - 4):
        began = time.thread_time_ns()
        task.forecast(actions[step : step + 4])
        between = time.thread_time_ns()
        task.step(actions[step])
        times.append((between - began, time.thread_time_ns() - between))
    usual, of_step = (float(value) / 1e6 for value in np.median(times, axis=0))
    allowed = max(_FORECAST_SHARE * 1e3 / task.control_hz, _FORECAST_STEPS * of_step)
    assert usual <= allowed, f"forecast() of four steps takes {usual:.1f} ms, allowed {allowed:.1f} ms; simplify it"


def check_teacher_time(teacher: Teacher, task: Task, slowest_ms: float = 20.0) -> None:
    """Check the time of `Teacher.action`.

    Args:
        slowest_ms: allowed 99th percentile of one call, ms of processor time.

    Raises:
        AssertionError: it takes longer.
    """
    observation, _ = task.reset(seed=21)
    teacher.reset()
    times: list[int] = []
    for _ in range(STEPS):
        began = time.thread_time_ns()
        action = teacher.action(observation)
        times.append(time.thread_time_ns() - began)
        observation, _, terminated, truncated, _ = task.step(action)
        if terminated or truncated:
            break
    p99 = float(np.percentile(times, 99)) / 1e6
    assert p99 <= slowest_ms, f"Teacher.action takes {p99:.1f} ms (99th percentile), allowed {slowest_ms} ms"
