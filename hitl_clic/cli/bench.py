"""`app.py bench`: measure this machine; one JSON line for each figure on stdout.

Each figure is measured by its own fresh process, `python -m benchmarks.<figure>`, so that none disturbs another.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import hitl_clic

FIGURES = ("loop", "plan", "update", "link", "device")


def run(only: str, seconds: float) -> int:
    """Measure; the exit status, 1 if a figure could not be measured.

    Args:
        only: one of `FIGURES`, or "all". seconds: time for each figure.
    """
    home = Path(hitl_clic.__file__).resolve().parents[1]
    failed = False
    for figure in FIGURES if only == "all" else (only,):
        command = [sys.executable, "-m", f"benchmarks.{figure}", "--seconds", f"{seconds:g}"]
        failed |= subprocess.run(command, cwd=home, check=False).returncode != 0
    return int(failed)
