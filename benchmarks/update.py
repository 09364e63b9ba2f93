"""Updates a second of `fast` and of `paper` (512 samples, 50 steps), one thread, in turn in the same process.

Beside it: the matrix-product FLOP of one update (counted by torch while it runs) and what share that is of the
machine's own matrix-product peak, measured in the same run.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from benchmarks.figure import parser, tell
from benchmarks.samples import method, trainer
from hitl_clic.clic.trainer import ChunkTrainer

HORIZON = 4
PEAK_SIZE = 1024
ROUNDS = 2
"""Turns taken; the paper's update runs once in each, since it takes the better part of a minute."""


def peak_flops(repeats: int = 8) -> float:
    """Best rate of a square float32 matrix product, FLOP per second."""
    left, right = torch.rand(2, PEAK_SIZE, PEAK_SIZE)
    best = 0.0
    for _ in range(repeats):
        started = time.perf_counter()
        left @ right
        best = max(best, 2 * PEAK_SIZE**3 / (time.perf_counter() - started))
    return best


def timed_update(trainer: ChunkTrainer) -> float:
    """One update, seconds."""
    started = time.perf_counter()
    trainer.update()
    return time.perf_counter() - started


class MatrixProducts(TorchDispatchMode):
    """Counts the FLOP of every matrix product while it is entered, those of backward passes included.

    Torch's own `FlopCounterMode` hooks modules as well, which `autograd.grad` by an input does not allow.
    """

    def __init__(self) -> None:
        super().__init__()
        self.flop = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Run one operation and count it."""
        kwargs = kwargs or {}
        out = func(*args, **kwargs)
        count = flop_registry.get(func._overloadpacket)
        if count is not None:
            self.flop += count(*args, **kwargs, out_val=out)
        return out


def counted_update(trainer: ChunkTrainer) -> tuple[float, int]:
    """One update with its matrix products counted: seconds and FLOP. Counting costs microseconds an operation."""
    with MatrixProducts() as counter:
        seconds = timed_update(trainer)
    return seconds, counter.flop


def measure(seconds: float, rounds: int = ROUNDS) -> dict[str, Any]:
    """Take turns; the rate of each method is that of its median update.

    Args:
        seconds: for `fast`, over all rounds; each round also does one update of `paper`.
    """
    torch.set_num_threads(1)
    presets = {name: method(name) for name in ("fast", "paper")}
    trainers = {name: trainer(settings, HORIZON) for name, settings in presets.items()}
    for _ in range(3):
        timed_update(trainers["fast"])
    flop = {"fast": counted_update(trainers["fast"])[1]}
    times: dict[str, list[float]] = {"fast": [], "paper": []}
    peak = peak_flops()
    for _ in range(rounds):
        until = time.perf_counter() + seconds / rounds
        while time.perf_counter() < until or not times["fast"]:
            times["fast"].append(timed_update(trainers["fast"]))
        took, flop["paper"] = counted_update(trainers["paper"])  # counting is nothing beside such an update
        times["paper"].append(took)
        peak = max(peak, peak_flops())
    rates = {name: 1 / float(np.median(taken)) for name, taken in times.items()}
    found: dict[str, Any] = {"threads": 1, "horizon": HORIZON, "peak_gflops": round(peak * 1e-9, 2)}
    for name, settings in presets.items():
        found[name] = {
            "updates_per_s": round(rates[name], 4),
            "updates": len(times[name]),
            "samples": settings.negatives.samples,
            "steps": settings.negatives.steps,
            "gflop_per_update": round(flop[name] * 1e-9, 4),
            "share_of_peak": round(flop[name] * rates[name] / peak, 4),
        }
    found["fast_over_paper"] = round(rates["fast"] / rates["paper"], 1)
    return found


if __name__ == "__main__":
    tell("update", measure(parser("Updates a second, fast against paper.").parse_args().seconds))
