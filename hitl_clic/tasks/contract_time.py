"""Checks that a Task and a Teacher are quick enough for the loop; each implementation's test calls them.

Pure functions that raise AssertionError with what was expected. They measure the thread's processor time: nothing else
should compute beside them. Never used while a session runs.
"""

from __future__ import annotations

import time

import numpy as np

from hitl_clic.tasks.contract import STEPS, drive, random_actions
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher

_FORECAST_SHARE = 1 / 3
"""Share of a tick's period that a forecast of four steps may take, processor time, usually: it is asked
for between two ticks, and the next must not wait for it."""
_FORECAST_STEPS = 1.5
"""How many of the task's own steps a forecast of four may take, where that is more: on a machine on which a step alone
takes a quarter of a tick no fixed share tells a slow forecast from a slow machine."""


def check_forecast_time(task: Task) -> None:
    """Check that a forecast keeps no tick waiting.

    Raises:
        AssertionError: usually it takes more than its share of a tick, and more than the task itself would.
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
    assert usual <= allowed, f"a forecast of four steps takes {usual:.1f} ms, allowed are {allowed:.1f} ms"


def check_teacher_time(teacher: Teacher, task: Task, slowest_ms: float = 20.0) -> None:
    """Check that a teacher answers in time.

    Args:
        slowest_ms: 99th percentile allowed for one call, in milliseconds of the thread's own processor time.

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
    assert p99 <= slowest_ms, f"a call takes {p99:.1f} ms at the 99th percentile, allowed are {slowest_ms} ms"
