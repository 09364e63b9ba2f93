"""Command lines and output shared by the benchmarks."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def parser(about: str, computes: bool = False) -> argparse.ArgumentParser:
    """A command line with `--seconds`, and with `--device` if `computes`."""
    made = argparse.ArgumentParser(description=about)
    made.add_argument("--seconds", type=float, default=10.0, help="time to measure, seconds (default 10)")
    if computes:
        made.add_argument("--device", default="cpu", help="torch device that computes: cpu (default), cuda, mps")
    return made


def on(device: str) -> dict[str, Any]:
    """The number of threads on a CPU, or the name of the accelerator."""
    if device == "cpu":
        return {"threads": 1}
    import torch

    return {"device": torch.cuda.get_device_name(device) if device.startswith("cuda") else device}


def tell(figure: str, found: Mapping[str, Any]) -> None:
    """Write a figure as one JSON line to stdout, with the machine's architecture and Python version."""
    machine = {"machine": platform.machine(), "python": platform.python_version()}
    sys.stdout.write(json.dumps({"figure": figure, **found, **machine}) + "\n")
    sys.stdout.flush()


def percentiles(values: Sequence[float], *levels: float) -> dict[str, float]:
    """{"p50": ..., "max": ...} of the values; level 100 is named "max"."""
    names = ["max" if level == 100 else f"p{level:g}" for level in levels]
    return {name: round(float(np.percentile(values, level)), 4) for name, level in zip(names, levels, strict=True)}
