"""`hitl-clic learn`: learn again from recorded sessions, with a progress bar. Main thread."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress

from hitl_clic.cli.commands import LearnCommand
from hitl_clic.runner.learning import learn


def run(command: LearnCommand) -> int:
    """Train a policy on the sessions' pairs and print how to evaluate it. Raises the errors of `learn`."""
    import torch

    settings = command.settings
    torch.set_num_threads(settings.training.threads or 1)  # this process does nothing else
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task(settings.method, total=command.updates)
        result = learn(
            command.sessions,
            updates=command.updates,
            episodes=command.episodes,
            without_episodes=command.without_episodes,
            only_successes=command.only_successes,
            settings=settings,
            on_update=lambda done: progress.update(bar, completed=done),
        )
    print(f"{result.updates} updates from {result.pairs} pairs in {result.wall_s:.0f} s; see how good it is with")
    print(f"  hitl-clic evaluate {result.folder}")
    return 0
