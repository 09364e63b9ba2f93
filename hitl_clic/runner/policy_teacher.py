"""A learnt policy as the scripted teacher of another session: a good policy teaches a worse one.

The teacher's reader thread; an action takes as long as a plan every Ta ticks.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np

from hitl_clic.runner.policy import Policy
from hitl_clic.tasks.foreign.plain_state import from_bytes, to_bytes
from hitl_clic.tasks.task import Array, Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.errors import UserError


class PolicyTeacher(Teacher):
    """Runs the chunks of a saved policy, each for its first step, because the learner may act in between.

    Args:
        source: session folder or checkpoint. task: that it teaches.

    Raises:
        UserError: there is no checkpoint, or it is of a task with other sizes.
    """

    def __init__(self, source: Path, task: Task) -> None:
        self._policy = Policy.load(source, seed=0)
        sizes = int(np.prod(task.observation_space.shape or ())), len(task.action_frame.axes)
        if (self._policy.dim_o, self._policy.dim_a) != sizes:
            raise UserError(
                f"environment.teacher = {source} observes {self._policy.dim_o} numbers and acts with "
                f"{self._policy.dim_a}; the task has {sizes[0]} and {sizes[1]}"
            )
        self._name, self._step = f"{source}:{self._policy.version}", 0

    def reset(self) -> None:
        self._step = 0

    def action(self, observation: Array) -> Array:
        self._policy.restart_sampling(self._step)  # equal phase and observation give equal actions
        self._step += 1
        return np.clip(self._policy.plan(observation).actions[0], -1.0, 1.0)

    def snapshot(self) -> bytes:
        return to_bytes({"policy": self._name, "step": self._step})

    def restore(self, snapshot: bytes) -> None:
        content = from_bytes(snapshot)
        if not isinstance(content, dict) or content.get("policy") != self._name:
            raise ValueError(f"not a phase of {self._name}")
        self._step = int(content["step"])
