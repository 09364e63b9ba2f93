"""Time of one plan with method `clic`, by chunk size from D = 8 to 112; one thread, or another torch device.

    python -m benchmarks.plan [--seconds 10] [--device cpu] [--search 768/48/10]

On the CPU, compiled plans and torch's take turns, and so do the sizes. Seed 0 sets pairs, observations and plans.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from typing import Any

import numpy as np
import torch

from benchmarks.figure import on, parser, percentiles, tell
from benchmarks.samples import DIM_A, DIM_O, method, trainer
from benchmarks.search_size import Search
from hitl_clic.clic.compiled_planner import why_not
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.policy import EnergyPolicy
from hitl_clic.clic.settings import ClicSettings
from hitl_clic.types.records import Array

SIZES = (8, 16, 32, 56, 112)
WARM = 5
Key = tuple[str, int]
"""Planner, "compiled" or "torch", and chunk size D."""


def measure(seconds: float, device: str = "cpu", search: str = "") -> dict[str, Any]:
    """Plan repeatedly; each plan starts from the second half of the previous plan, as in a session.

    Args:
        search: size of the search, see `benchmarks.search_size`; empty: that of the preset.
    """
    torch.set_num_threads(1)
    settings = method("clic", device)
    assert isinstance(settings, ClicSettings)
    if search:
        chosen = settings.inference.model_copy(update=Search.read(search).settings())
        settings = settings.model_copy(update={"inference": chosen})
    random = np.random.default_rng(0)
    policies = _policies(settings, device)
    previous: dict[Key, Array] = {}
    times: dict[Key, list[float]] = {key: [] for key in policies}  # milliseconds
    nothing = np.zeros((0, DIM_A), np.float32)
    until = time.perf_counter() + seconds
    runs = 0
    while time.perf_counter() < until or runs < WARM + 10:
        for key, policy in policies.items():
            observation = random.uniform(-1, 1, DIM_O).astype(np.float32)
            started = time.perf_counter_ns()
            chunk = policy.plan(observation, nothing, previous.get(key)).chunk
            if runs >= WARM:
                times[key].append((time.perf_counter_ns() - started) * 1e-6)
            previous[key] = chunk[len(chunk) // 2 :]
        runs += 1
    inference = settings.inference
    return {
        **on(device),
        "candidates": inference.candidates,
        "chains": inference.chains,
        "refine_steps": inference.refine_steps,
        **{f"{planner}_ms": _by_size(times, planner) for planner in dict.fromkeys(planner for planner, _ in policies)},
        "not_compiled": why_not(settings) if device == "cpu" else f"device {device}",
        "plans": runs - WARM,
    }


def _policies(settings: ClicSettings, device: str) -> dict[Key, EnergyPolicy]:
    by_torch = settings.model_copy(update={"inference": settings.inference.model_copy(update={"compiled": False})})
    found: dict[Key, EnergyPolicy] = {}
    for size in SIZES:
        taught = trainer(settings, size // DIM_A)
        for _ in range(3):
            taught.update()
        for planner, chosen in (("compiled", settings), ("torch", by_torch)):
            generator = torch.Generator(device).manual_seed(0)
            policy = EnergyPolicy(taught.weights(), DIM_O, ChunkShape(size // DIM_A, DIM_A), chosen, generator)
            if planner == "torch" or policy.compiled is not None:
                found[planner, size] = policy
    return found


def _by_size(times: Mapping[Key, list[float]], wanted: str) -> dict[str, dict[str, float]]:
    return {
        f"D={size}": percentiles(values, 0, 50, 99, 100)
        for (planner, size), values in times.items()
        if planner == wanted
    }


if __name__ == "__main__":
    options = parser("Time of one plan.", computes=True)
    options.add_argument("--search", default="", help="CANDIDATES/CHAINS/STEPS (default: the preset's)")
    given = options.parse_args()
    tell("plan", measure(given.seconds, given.device, given.search))
