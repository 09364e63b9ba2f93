"""The simulated tasks (gymnasium environments with exact snapshots) and a scripted teacher for each.

Importing this registers the gymnasium ids and imports no simulator.
"""

from __future__ import annotations

import sys

import gymnasium

from hitl_clic.tasks.registry import TASKS, TaskEntry, make_task, make_teacher, task_names

__all__ = ["TASKS", "TaskEntry", "make_task", "make_teacher", "task_names"]

for _entry in TASKS.values():
    if _entry.gymnasium_id not in gymnasium.registry:
        # Here gymnasium's TimeLimit truncates and the task does not, so that max_episode_steps may also be longer.
        gymnasium.register(
            id=_entry.gymnasium_id,
            entry_point=_entry.task,
            max_episode_steps=_entry.max_steps,
            kwargs={"max_steps": sys.maxsize},
        )
