"""`hitl-clic import`: make a session and a policy of demonstrations, with a progress bar. Main thread."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress

from hitl_clic.cli.commands import ImportCommand
from hitl_clic.runner.importing import import_demonstrations


def run(command: ImportCommand) -> int:
    """Import and print what can be done next. Raises the errors of `import_demonstrations`."""
    import torch

    settings = command.settings
    assert settings.out is not None
    torch.set_num_threads(settings.training.threads or 1)  # this process does nothing else
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task(settings.method, total=command.updates or None)
        result = import_demonstrations(
            command.path,
            settings.task,
            settings.out,
            updates=command.updates,
            state=command.state,
            action=command.action,
            distance=command.distance,
            settings=settings,
            on_update=lambda done: progress.update(bar, completed=done),
        )
    print(
        f"{result.folder}: {result.episodes} episodes, {result.reached} of them reached, {result.ticks} ticks, "
        f"{result.pairs} pairs"
    )
    if result.updates:
        print("see how good the policy is, and correct it, with")
        print(f"  hitl-clic evaluate {result.folder}")
    print(f"  hitl-clic teach --from {result.folder}" if result.updates else f"  hitl-clic learn {result.folder}")
    return 0
