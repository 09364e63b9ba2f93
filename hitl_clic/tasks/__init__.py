"""The simulated tasks (gymnasium environments with exact snapshots) and a scripted teacher for each.

Importing this registers the gymnasium ids and imports no simulator.
"""

from __future__ import annotations

import gymnasium

from hitl_clic.tasks.registry import TASKS, TaskEntry, make_task, make_teacher, task_names

__all__ = ["TASKS", "TaskEntry", "make_task", "make_teacher", "task_names"]

for _entry in TASKS.values():
    if _entry.gymnasium_id not in gymnasium.registry:
        gymnasium.register(id=_entry.gymnasium_id, entry_point=_entry.task)
