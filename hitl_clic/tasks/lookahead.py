"""The teacher's action a few steps ahead, for a simulated human who anticipates its own pending motions.

Runs in the reader thread of a scripted teacher, which owns both task and teacher. Never touches the environment.
"""

from __future__ import annotations

from hitl_clic.tasks.task import Array, Task
from hitl_clic.tasks.teacher import Teacher


class TeacherLookahead:
    """The teacher's action at a predicted observation; its phase stays unchanged.

    Args:
        task: a task with `predict`; it needs no episode.

    Raises:
        ValueError: the task has no `predict`.
    """

    def __init__(self, task: Task, teacher: Teacher) -> None:
        if type(task).predict is Task.predict:
            raise ValueError(f"{type(task).__name__}.predict() is not implemented, so the teacher cannot look ahead")
        self._task, self._teacher = task, teacher

    def __call__(self, observation: Array, actions: Array) -> Array:
        """a*, float [dim_a], at the observation predicted after these actions [k, dim_a]."""
        phase = self._teacher.snapshot()
        try:
            return self._teacher.action(self._task.predict(observation, actions))
        finally:
            self._teacher.restore(phase)
