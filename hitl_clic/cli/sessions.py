"""`hitl-clic sessions`: a table of recorded sessions. Main thread."""

from __future__ import annotations

import dataclasses
import json

from rich.console import Console
from rich.table import Table

from hitl_clic.cli.commands import SessionsCommand
from hitl_clic.runner.curating import sessions
from hitl_clic.runner.results import SessionRow
from hitl_clic.types.dates import shown


def run(command: SessionsCommand) -> int:
    """Print the sessions. Raises the errors of `sessions`."""
    rows = sessions(command.folders)
    if command.json:
        print(json.dumps([dataclasses.asdict(row) | {"folder": str(row.folder)} for row in rows]))
        return 0
    if not rows:
        print(f"no session in {', '.join(map(str, command.folders))}")
        return 0
    table = Table("session", "task", "teacher", "date", "episodes", "success", "corrections", "size")
    for row in rows:
        table.add_row(*_cells(row))
    Console().print(table)
    for row in rows:
        if row.damage:
            print(f"{row.folder}: {row.damage}")
    return 0


def _cells(row: SessionRow) -> tuple[str, ...]:
    rate = f"{row.successes / row.episodes:.0%}" if row.episodes else "-"
    return (
        str(row.folder),
        row.task or "unreadable",
        row.teacher,
        shown(row.started_at),
        str(row.episodes),
        rate,
        str(row.corrections),
        f"{row.bytes / 1e6:.1f} MB",
    )
