"""Begins a session's own learner as a child process before anything slow is loaded, so that both start together.

Actor's main thread, before the loop. Imports no torch.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from hitl_clic.child_process import child_environment
from hitl_clic.learner.launcher import BIND, LearnerChild
from hitl_clic.settings import SessionSettings


def learner_command(folder: Path) -> list[str]:
    """The command that starts a learner as a child process."""
    return [sys.executable, "-m", "hitl_clic", "learner", "--bind", BIND, "--out", str(folder), "--child"]


@contextmanager
def own_learner(settings: SessionSettings, folder: Path, config: Path) -> Iterator[LearnerChild | None]:
    """The learner's process, begun; it is stopped at the end. None: the settings have the address of a learner.

    Args:
        folder: of the session. config: the file with its settings.
    """
    if settings.learner:
        yield None
        return
    command = [*learner_command(folder), "--config", str(config)]
    child = LearnerChild(command, folder, restart=settings.training.restart, environment=child_environment())
    child.begin()
    try:
        yield child
    finally:
        child.stop()
