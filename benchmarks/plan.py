"""Time of one plan with method `clic`, by chunk size from D = 8 to 112; one thread, or another torch device.

    python -m benchmarks.plan [--seconds 10] [--device cpu]

Seed 0 sets pairs, observations and plans. The sizes take turns.
"""

from __future__ import annotations

import time
from typing import Any

import numpy as np
import torch

from benchmarks.figure import on, parser, percentiles, tell
from benchmarks.samples import DIM_A, DIM_O, method, trainer
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.policy import EnergyPolicy
from hitl_clic.clic.settings import ClicSettings

SIZES = (8, 16, 32, 60, 112)
WARM = 5


def measure(seconds: float, device: str = "cpu") -> dict[str, Any]:
    """Plan repeatedly; each plan starts from the second half of the previous plan, as in a session."""
    torch.set_num_threads(1)
    settings = method("clic", device)
    assert isinstance(settings, ClicSettings)
    random = np.random.default_rng(0)
    policies: dict[int, EnergyPolicy] = {}
    previous: dict[int, np.ndarray] = {}
    times: dict[int, list[float]] = {size: [] for size in SIZES}  # milliseconds
    for size in SIZES:
        taught = trainer(settings, size // DIM_A)
        for _ in range(3):
            taught.update()
        generator = torch.Generator(device).manual_seed(0)
        policies[size] = EnergyPolicy(taught.weights(), DIM_O, ChunkShape(size // DIM_A, DIM_A), settings, generator)
    nothing = np.zeros((0, DIM_A), np.float32)
    until = time.perf_counter() + seconds
    runs = 0
    while time.perf_counter() < until or runs < WARM + 10:
        for size, policy in policies.items():
            observation = random.uniform(-1, 1, DIM_O).astype(np.float32)
            rest = previous.get(size)
            started = time.perf_counter_ns()
            chunk = policy.plan(observation, nothing, rest).chunk
            if runs >= WARM:
                times[size].append((time.perf_counter_ns() - started) * 1e-6)
            previous[size] = chunk[len(chunk) // 2 :]
        runs += 1
    inference = settings.inference
    return {
        **on(device),
        "candidates": inference.candidates,
        "chains": inference.chains,
        "refine_steps": inference.refine_steps,
        "plan_ms": {f"D={size}": percentiles(times[size], 50, 99, 100) for size in SIZES},
        "plans": runs - WARM,
    }


if __name__ == "__main__":
    chosen = parser("Time of one plan.", computes=True).parse_args()
    tell("plan", measure(chosen.seconds, chosen.device))
