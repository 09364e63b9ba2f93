"""`hitl-clic learn`: learn again from recorded sessions, with a progress bar. Main thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.progress import Progress

from hitl_clic.runner.learning import learn
from hitl_clic.settings import SessionSettings


def run(sessions: Sequence[Path], updates: int, episodes: int, settings: SessionSettings) -> int:
    """Train a policy on the sessions' pairs and say how to evaluate it. The exit status.

    Args:
        updates: of the network. episodes: of each session, the first so many; 0 is all.
        settings: complete; task, H and Ta as the sessions have them.

    Raises:
        UserError: as `learn`.
    """
    import torch

    torch.set_num_threads(settings.training.threads)  # this process does nothing else
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task(settings.method, total=updates)
        result = learn(
            sessions,
            updates=updates,
            episodes=episodes,
            settings=settings,
            on_update=lambda done: progress.update(bar, completed=done),
        )
    print(f"{result.updates} updates from {result.pairs} pairs in {result.wall_s:.0f} s; see how good it is with")
    print(f"  hitl-clic evaluate {result.folder}")
    return 0
