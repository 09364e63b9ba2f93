"""`hitl-clic repair`: make a session that a kill cut off complete for every MCAP reader. Main thread."""

from __future__ import annotations

from hitl_clic.cli.commands import RepairCommand
from hitl_clic.runner.repairing import repair_session


def run(command: RepairCommand) -> int:
    """Repair a session and print what was done. Raises the errors of `repair_session`."""
    print("\n".join(repair_session(command.session)))
    return 0
