"""A toy task with a scripted teacher, and trainers and policies for it, shared by the tests of the trainer."""

from __future__ import annotations

import numpy as np
import torch
from numpy.typing import NDArray

from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.policy import EnergyPolicy
from hitl_clic.clic.settings import ClicSettings, EnergySettings, InferenceSettings, NegativeSettings
from hitl_clic.clic.trainer import ChunkTrainer

Array = NDArray[np.float32]
DIM_O, DIM_A, HORIZON = 3, 2, 2
CHUNK = (HORIZON, DIM_A)


def method(**changes: object) -> ClicSettings:
    """All settings are explicit, so that no default changes a test."""
    numbers: dict[str, object] = {
        "network": EnergySettings(kind="film", hidden=(48, 48), trunk=(48, 48), modes=4, standardise=True),
        "negatives": NegativeSettings(
            start="proposals", samples=32, steps=2, noise="linear", step_start=0.1, step_end=1e-5, clip=0.1
        ),
        "inference": InferenceSettings(
            start="screened",
            candidates=128,
            chains=16,
            explore_steps=0,
            refine_steps=10,
            refine_start=0.1,
            refine_noise=False,
            bank=32,
            plan_switch_margin=0.0,
        ),
        "radius_ratio": 0.3,
        "boundary_temperature": 0.05,
        "boundary_power": 5.0,
        "temperature": 1.0,
        "penalty_margin": 1.0,
        "penalty_weight": 0.1,
        "penalty_samples": 0,
        "learning_rate": 3e-3,
        "learning_rate_end": 1e-4,
        "weight_decay": 0.0,
        "warmup_updates": 5,
        "cycle_updates": 1000,
        "gradient_clip": 1.0,
        "average": 0.0,
        "batch": 32,
        "buffer": 1000,
        "min_pairs": 8,
        "device": "cpu",
    }
    return ClicSettings(**{**numbers, **changes})


def target(state: Array) -> Array:
    """The teacher's chunk in a state: steps and axes differ."""
    x, y, z = state
    return np.array([[0.7 * x, -0.6 * y], [0.5 * z, 0.6 * x * y + 0.2]], np.float32)


def teach(trainer: ChunkTrainer, first: int, last: int, kind: str = "absolute", seed: int = 0) -> None:
    """Pairs first..last-1; pair i is the same whichever call adds it."""
    for number in range(first, last):
        rng = np.random.default_rng((seed, number))
        state = rng.uniform(-1, 1, DIM_O).astype(np.float32)
        robot = rng.uniform(-1, 1, CHUNK).astype(np.float32)
        human = target(state)
        if kind == "relative":
            away = human - robot
            human = robot + np.float32(0.2) * away / np.linalg.norm(away, axis=1, keepdims=True)
        trainer.add(number, kind, state, robot, human.astype(np.float32), np.ones(CHUNK, np.float32))


def make(settings: ClicSettings | None = None, seed: int = 5) -> ChunkTrainer:
    return ChunkTrainer(DIM_O, DIM_A, HORIZON, settings or method(), seed)


def differing(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> list[str]:
    assert a.keys() == b.keys()
    return [name for name in a if a[name].dtype != b[name].dtype or not np.array_equal(a[name], b[name])]


def policy_of(trainer: ChunkTrainer, seed: int = 0) -> EnergyPolicy:
    generator = torch.Generator().manual_seed(seed)
    return EnergyPolicy(trainer.weights(), DIM_O, ChunkShape(HORIZON, DIM_A), trainer.settings, generator)


NOTHING = np.zeros((0, DIM_A), np.float32)


def new_states(count: int) -> list[Array]:
    return list(np.random.default_rng(99).uniform(-0.9, 0.9, (count, DIM_O)).astype(np.float32))
