"""The part of the Task contract that concerns the rate and the end of an episode; `contract.check_task` calls it.

Pure functions that raise AssertionError. Never used while a session runs.
"""

from __future__ import annotations

import math
from numbers import Integral, Real

import numpy as np

from hitl_clic.tasks.task import Task


def check_limits(task: Task) -> None:
    """Check `control_hz` and `max_steps`. They must stand before anything steps the task."""
    rate, most = getattr(task, "control_hz", None), getattr(task, "max_steps", None)
    positive = isinstance(rate, Real) and 0 < float(rate) < math.inf
    assert positive, f"control_hz is {rate!r}; set it in the class to the steps per second, a number above 0"
    counted = isinstance(most, Integral) and int(most) > 0
    assert counted, f"max_steps is {most!r}; set it in the class to the most steps of an episode, an integer above 0"


def check_episode(task: Task) -> None:
    """Check that an episode ends: on success, or after `max_steps` steps at the latest. Actions are random."""
    rng, size = np.random.default_rng(2), len(task.action_frame.axes)
    task.reset(seed=2)
    for step in range(1, task.max_steps + 1):
        *_, terminated, truncated, info = task.step(rng.uniform(-1, 1, size).astype(np.float32))
        success = info.get("success")
        assert isinstance(success, bool | np.bool_), (
            f"step() must return info with a bool under 'success', got {success!r}"
        )
        assert terminated or not success, (
            f"step {step} returned info['success'] = True and terminated = False; return terminated = True on success"
        )
        if terminated or truncated:
            return
    raise AssertionError(
        f"no episode ends: step {task.max_steps} returned truncated = False; "
        f"count the steps since reset(), and return truncated = True from step max_steps = {task.max_steps} on"
    )
