"""Updates a second of `clic` and of `clic_paper` with 25 and 50 Langevin steps, at D = 16 and 32.

    python -m benchmarks.update [--seconds 10] [--device cpu] [--rounds 2]

The methods take turns in one process, with one thread or on another torch device. The output also gives the FLOP of the
matrix products of one update, and their share of the machine's measured peak. Seed 0 sets network and pairs.
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
"""Langevin steps of `clic_paper`: 25 as in the public CLIC code, 50 as in [CC]."""
PEAK_SIZE = 1024
ROUNDS = 2
"""Turns. On a CPU each turn has one update of each `clic_paper`, which takes tens of seconds."""
WARM = 3
"""Updates before the timing starts."""


def peak_flops(device: str = "cpu", repeats: int = 8) -> float:
    """Best measured rate of a square float32 matrix product, FLOP per second."""
    size = PEAK_SIZE if device == "cpu" else 8 * PEAK_SIZE
    left, right = torch.rand(2, size, size, device=device)
    best = 0.0
    for _ in range(repeats):
        started = time.perf_counter()
        float((left @ right)[0, 0])  # reading a number waits for the device
        best = max(best, 2 * size**3 / (time.perf_counter() - started))
    return best


def timed_update(trainer: ChunkTrainer) -> float:
    """Duration of one update, seconds."""
    started = time.perf_counter()
    trainer.update()
    return time.perf_counter() - started


class MatrixProducts(TorchDispatchMode):
    """Context that counts the FLOP of all matrix products, backward passes included.

    `FlopCounterMode` of torch hooks modules, and its hooks fail with `autograd.grad` by an input.
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
    """Seconds and FLOP of one update. Counting costs microseconds an operation."""
    with MatrixProducts() as counter:
        seconds = timed_update(trainer)
    return seconds, counter.flop


def clic(preset: str, device: str) -> ClicSettings:
    """Settings of a preset of the method `clic` on a torch device."""
    settings = method(preset, device)
    assert isinstance(settings, ClicSettings)
    return settings


def clic_paper(steps: int, device: str = "cpu") -> ClicSettings:
    """Settings of `clic_paper` with this number of Langevin steps."""
    paper = clic("clic_paper", device)
    return paper.model_copy(update={"negatives": paper.negatives.model_copy(update={"steps": steps})})


def measure(seconds: float, device: str = "cpu", rounds: int = ROUNDS) -> dict[str, Any]:
    """Rates of all configurations, from the median duration of an update.

    Args:
        seconds: total time of `clic`. On a CPU, each round has one update of each `clic_paper`; on other devices
            `clic_paper` takes as long as `clic`.
        device: torch device. rounds: turns.
    """
    torch.set_num_threads(1)
    configurations = {
        "clic": clic("clic", device),
        **{f"clic_paper_{steps}": clic_paper(steps, device) for steps in STEPS},
    }
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
                took, flop[case] = counted_update(trainers[case])  # counting takes a negligible part of it
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
            found[size][f"clic_over_{name}"] = round(rates[size, "clic"] / rates[case], 1)
    return found


if __name__ == "__main__":
    options = parser("Updates a second of clic and clic_paper.", computes=True)
    options.add_argument("--rounds", type=int, default=ROUNDS, help=f"turns (default {ROUNDS})")
    chosen = options.parse_args()
    tell("update", measure(chosen.seconds, chosen.device, chosen.rounds))
