"""`hitl-clic report`: one HTML page about recorded sessions. Main thread."""

from __future__ import annotations

from hitl_clic.cli.commands import ReportCommand
from hitl_clic.runner.reporting import report


def run(command: ReportCommand) -> int:
    """Write the page and print where it is. Raises the errors of `report`."""
    print(f"report: {report(command.sessions, command.out)}")
    return 0
