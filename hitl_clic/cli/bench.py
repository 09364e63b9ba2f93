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
"""The checkout, which holds the folder `benchmarks`; an installed package has none."""


def run(command: BenchCommand) -> int:
    """Measure; exit status 1 if a measurement failed.

    Raises:
        UserError: the benchmarks are not there.
    """
    if not (CHECKOUT / "benchmarks" / "figure.py").is_file():  # other packages may bring a folder of this name
        raise UserError(
            "bench needs a checkout of the repository, because the installed package has no benchmarks; allowed: "
            "python app.py bench, in a checkout"
        )
    failed = False
    for name in MEASUREMENTS if command.only == "all" else (command.only,):
        child = [sys.executable, "-m", f"benchmarks.{name}", "--seconds", f"{command.seconds:g}"]
        failed |= subprocess.run(child, cwd=CHECKOUT, check=False).returncode != 0
    return int(failed)
