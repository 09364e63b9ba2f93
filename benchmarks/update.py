"""Updates a second of `fast` and of `paper` (512 samples, 25 and 50 steps), in turn in the same process.

One thread, or another device. At D = 16 and 32. Beside it: the matrix-product FLOP of one update (counted by torch
while it runs) and what share that is of the machine's own matrix-product peak, measured in the same run.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch
from torch.utils._python_dispatch import TorchDispatchMode
from torch.utils.flop_counter import flop_registry

from benchmarks.figure import on, parser, tell
from benchmarks.samples import DIM_A, method, trainer
from hitl_clic.clic.settings import ClicSettings
from hitl_clic.clic.trainer import ChunkTrainer

SIZES = (16, 32)
STEPS = (25, 50)
"""Of the published chains: in the public code, in the paper."""
PEAK_SIZE = 1024
ROUNDS = 2
"""Turns taken; each published update runs once in each, since it takes the better part of a minute."""
WARM = 3


def peak_flops(device: str = "cpu", repeats: int = 8) -> float:
    """Best rate of a square float32 matrix product, FLOP per second."""
    size = PEAK_SIZE if device == "cpu" else 8 * PEAK_SIZE
    left, right = torch.rand(2, size, size, device=device)
    best = 0.0
    for _ in range(repeats):
        started = time.perf_counter()
        float((left @ right)[0, 0])  # a number is there only when all of them are
        best = max(best, 2 * size**3 / (time.perf_counter() - started))
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


def clic(preset: str, device: str) -> ClicSettings:
    """The numbers of a preset of the method clic, on a torch device."""
    settings = method(preset, device)
    assert isinstance(settings, ClicSettings)
    return settings


def published(steps: int, device: str = "cpu") -> ClicSettings:
    """The published configuration with so many Langevin steps: 25 in the public code, 50 in the paper."""
    paper = clic("clic_paper", device)
    return paper.model_copy(update={"negatives": paper.negatives.model_copy(update={"steps": steps})})


def measure(seconds: float, device: str = "cpu", rounds: int = ROUNDS) -> dict[str, Any]:
    """Take turns; the rate of each configuration is that of its median update.

    Args:
        seconds: for `fast`, over all sizes and rounds; each round also does one update of each published configuration,
            on another device than a CPU for as long as `fast`. device: torch's.
    """
    torch.set_num_threads(1)
    configurations = {"clic": clic("clic", device), **{f"paper_{steps}": published(steps, device) for steps in STEPS}}
    cases = [(f"D={size}", name) for size in SIZES for name in configurations]
    trainers = {
        (f"D={size}", name): trainer(configurations[name], size // DIM_A) for size in SIZES for name in configurations
    }
    flop: dict[tuple[str, str], int] = {}
    times: dict[tuple[str, str], list[float]] = {case: [] for case in cases}
    peak = peak_flops(device)
    for _ in range(rounds):
        for case in cases:
            if case[1] != "clic" and device == "cpu":
                took, flop[case] = counted_update(trainers[case])  # counting is nothing beside such an update
                times[case].append(took)
                continue
            for _ in range(WARM):
                flop[case] = counted_update(trainers[case])[1]
            until = time.perf_counter() + seconds / rounds / len(SIZES)
            while time.perf_counter() < until or not times[case]:
                times[case].append(timed_update(trainers[case]))
        peak = max(peak, peak_flops(device))
    rates = {case: 1 / float(np.median(taken)) for case, taken in times.items()}
    found: dict[str, Any] = {**on(device), "peak_gflops": round(peak * 1e-9, 2)}
    for size, name in cases:
        case, settings = (size, name), configurations[name]
        found.setdefault(size, {})[name] = {
            "updates_per_s": round(rates[case], 4),
            "updates": len(times[case]),
            "samples": settings.negatives.samples,
            "steps": settings.negatives.steps,
            "gflop_per_update": round(flop[case] * 1e-9, 4),
            "share_of_peak": round(flop[case] * rates[case] / peak, 4),
        }
        if name != "clic":
            found[size][f"fast_over_{name}"] = round(rates[size, "clic"] / rates[case], 1)
    return found


if __name__ == "__main__":
    chosen = parser("Updates a second, fast against paper.", computes=True).parse_args()
    tell("update", measure(chosen.seconds, chosen.device))
