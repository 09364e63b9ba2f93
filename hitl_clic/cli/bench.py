"""`hitl-clic bench`: measure this machine; one JSON line for each figure on stdout. Main thread.

Each figure is measured by its own fresh process, `python -m benchmarks.<figure>`, so that none disturbs another.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from hitl_clic.types.errors import UserError

FIGURES = ("loop", "plan", "update", "link", "device")
HOME = Path(__file__).resolve().parents[2]
"""The checkout, which has the benchmarks; an installed package has none."""


def run(only: str, seconds: float) -> int:
    """Measure; the exit status, 1 if a figure could not be measured.

    Args:
        only: one of `FIGURES`, or "all". seconds: time for each figure.

    Raises:
        UserError: the benchmarks are not there.
    """
    if not (HOME / "benchmarks").is_dir():
        raise UserError("bench needs a checkout of the repository: the installed package holds no benchmarks")
    failed = False
    for figure in FIGURES if only == "all" else (only,):
        command = [sys.executable, "-m", f"benchmarks.{figure}", "--seconds", f"{seconds:g}"]
        failed |= subprocess.run(command, cwd=HOME, check=False).returncode != 0
    return int(failed)
