"""What every figure's command line has in common."""

from __future__ import annotations

import argparse
import json
import platform
import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np


def parser(about: str, computes: bool = False) -> argparse.ArgumentParser:
    """A command line with `--seconds`, and with `--device` where torch `computes`."""
    made = argparse.ArgumentParser(description=about)
    made.add_argument("--seconds", type=float, default=10.0, help="time to measure, seconds (default 10)")
    if computes:
        made.add_argument("--device", default="cpu", help="torch device that computes: cpu (default), cuda, mps")
    return made


def on(device: str) -> dict[str, Any]:
    """What computed: threads on a CPU, else the name of the device."""
    if device == "cpu":
        return {"threads": 1}
    import torch

    return {"device": torch.cuda.get_device_name(device) if device.startswith("cuda") else device}


def tell(figure: str, found: Mapping[str, Any]) -> None:
    """Print a figure as one line of JSON on stdout, with the machine's kind."""
    machine = {"machine": platform.machine(), "python": platform.python_version()}
    sys.stdout.write(json.dumps({"figure": figure, **found, **machine}) + "\n")
    sys.stdout.flush()


def percentiles(values: Sequence[float], *levels: float) -> dict[str, float]:
    """{"p50": ..., "max": ...} of some values; level 100 is the greatest."""
    names = ["max" if level == 100 else f"p{level:g}" for level in levels]
    return {name: round(float(np.percentile(values, level)), 4) for name, level in zip(names, levels, strict=True)}
