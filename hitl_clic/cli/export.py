"""`hitl-clic export`: write recorded sessions as a dataset of another tool. Main thread."""

from __future__ import annotations

from rich.console import Console
from rich.progress import Progress

from hitl_clic.cli.commands import ExportCommand
from hitl_clic.runner.exporting import export


def run(command: ExportCommand) -> int:
    """Export and say what was written. Raises the errors of `export`."""
    with Progress(console=Console(stderr=True)) as progress:
        bar = progress.add_task("episodes", total=None)
        result = export(
            command.sessions,
            command.to,
            command.out,
            without_episodes=command.without_episodes,
            only_successes=command.only_successes,
            on_episode=lambda done: progress.update(bar, completed=done),
        )
    counts = f"{result.episodes} episodes, {result.frames} frames, {result.pairs} pairs"
    print(f"{result.folder}: {counts} as {result.format}, written in {result.wall_s:.1f} s")
    return 0
