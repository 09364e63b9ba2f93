"""`hitl-clic bench`: measure this machine; one JSON line for each measurement on stdout. Main thread.

Each measurement runs in its own process, `python -m benchmarks.<name>`, so that none disturbs another.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hitl_clic.cli.commands import BenchCommand
from hitl_clic.types.errors import UserError

MEASUREMENTS = ("loop", "plan", "update", "link", "device")
CHECKOUT = Path(__file__).resolve().parents[2]
"""Folder of `benchmarks`, which an installed package does not have."""


def run(command: BenchCommand) -> int:
    """Measure; exit status 1 if a measurement failed.

    Raises:
        UserError: the benchmarks are not there.
    """
    if not (CHECKOUT / "benchmarks").is_dir():
        raise UserError("bench needs a checkout of the repository: the installed package holds no benchmarks")
    failed = False
    for name in MEASUREMENTS if command.only == "all" else (command.only,):
        child = [sys.executable, "-m", f"benchmarks.{name}", "--seconds", f"{command.seconds:g}"]
        failed |= subprocess.run(child, cwd=CHECKOUT, check=False).returncode != 0
    return int(failed)
