"""Tasks that tests of one process share, because an arm takes a second to build."""

from __future__ import annotations

from functools import cache

from hitl_clic.tasks import make_task
from hitl_clic.tasks.task import Task


@cache
def shared_task(name: str) -> Task:
    """A task of this name. Reset or restore it first, and do not close it."""
    return make_task(name)
