"""What a teacher would want a moment later, as a person reckons with what its hands are about to do.

Used by a scripted teacher's reader thread; both the task and the teacher are its own. Never touches the environment.
"""

from __future__ import annotations

from hitl_clic.tasks.task import Array, Task
from hitl_clic.tasks.teacher import Teacher


class Foresight:
    """Asks a teacher about what follows from an observation and some actions; the teacher's phase stays as it is.

    Args:
        task: foresees; no episode of it need have begun.

    Raises:
        ValueError: the task cannot foresee.
    """

    def __init__(self, task: Task, teacher: Teacher) -> None:
        if type(task).foresee is Task.foresee:
            raise ValueError(f"{type(task).__name__} cannot be foreseen from an observation")
        self._task, self._teacher = task, teacher

    def __call__(self, observation: Array, actions: Array) -> Array:
        """a*, float [dim_a], after these actions, [k, dim_a], each in [-1, 1]."""
        phase = self._teacher.snapshot()
        try:
            return self._teacher.action(self._task.foresee(observation, actions))
        finally:
            self._teacher.restore(phase)
