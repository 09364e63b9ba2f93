"""A small learning problem for every method: settings, a teacher, trainers and policies."""

from __future__ import annotations

from collections.abc import Callable
from typing import cast, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from hitl_clic.baselines.settings import AnyInferenceSettings
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.network_policy import NetworkPolicy
from hitl_clic.clic.settings import EnergySettings, MethodKind, MethodSettings, NegativeSettings
from hitl_clic.clic.trainer import ChunkTrainer
from hitl_clic.methods import METHODS, make_policy, make_trainer
from hitl_clic.types.symmetry import Symmetry

Array = NDArray[np.float32]
DIM_O, DIM_A, HORIZON = 3, 2, 2
CHUNK = (HORIZON, DIM_A)
DIM = HORIZON * DIM_A
NOTHING = np.zeros((0, DIM_A), np.float32)
KINDS = get_args(MethodKind)
BASELINES = ("ibc", "bc", "flow")


def method(kind: str, **changes: object) -> MethodSettings:
    """All settings are explicit, so that no default changes a test."""
    numbers: dict[str, object] = {
        "kind": kind,
        "network": EnergySettings(kind="film", hidden=(64, 64), trunk=(64,), modes=4, standardise=True),
        "negatives": NegativeSettings(start="proposals", samples=16, steps=1, noise="linear"),
        "inference": AnyInferenceSettings(
            start="screened", candidates=128, chains=16, refine_steps=10, bank=32, plan_switch_margin=0.0, flow_steps=10
        ),
        "radius_ratio": 0.3,
        "boundary_power": 5.0,
        "penalty_weight": 0.1,
        "learning_rate": 3e-3,
        "warmup_updates": 5,
        "cycle_updates": 1000,
        "average": 0.9,
        "draws": 16,
        "batch": 32,
        "min_pairs": 8,
    }
    made = METHODS[cast(MethodKind, kind)].settings
    used = {name: value for name, value in numbers.items() if name in made.model_fields}
    return made(**{**used, **changes})


def target(state: Array) -> Array:
    x, y, z = state
    return np.array([[0.7 * x, -0.6 * y], [0.5 * z, 0.6 * x * y + 0.2]], np.float32)


def two_ways(state: Array, rng: np.random.Generator) -> Array:
    """Left or right with equal probability; the other axis follows the state."""
    return np.array([[rng.choice([-0.6, 0.6]), 0.5 * state[0]]] * HORIZON, np.float32)


def teach(
    trainer: ChunkTrainer, first: int, last: int, human: Callable[[Array, np.random.Generator], Array] | None = None
) -> None:
    """Pairs first..last-1; pair i is the same whichever call adds it."""
    for number in range(first, last):
        rng = np.random.default_rng(number)
        state, robot = rng.uniform(-1, 1, DIM_O).astype(np.float32), rng.uniform(-1, 1, CHUNK).astype(np.float32)
        wanted = target(state) if human is None else human(state, rng)
        trainer.add(number, "absolute", state, robot, wanted, np.ones(CHUNK, np.float32))


def make(kind: str, seed: int = 5, symmetries: tuple[Symmetry, ...] = (), **changes: object) -> ChunkTrainer:
    return make_trainer(DIM_O, DIM_A, HORIZON, method(kind, **changes), seed, symmetries)


def policy_of(trainer: ChunkTrainer, seed: int = 0) -> NetworkPolicy:
    generator = torch.Generator().manual_seed(seed)
    return make_policy(trainer.weights(), DIM_O, ChunkShape(HORIZON, DIM_A), trainer.settings, generator)


def new_states(count: int) -> list[Array]:
    return list(np.random.default_rng(99).uniform(-0.9, 0.9, (count, DIM_O)).astype(np.float32))


def differing(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> list[str]:
    assert a.keys() == b.keys()
    return [name for name in a if a[name].dtype != b[name].dtype or not np.array_equal(a[name], b[name])]


def no_penalty(kind: str) -> dict[str, object]:
    """Changes for a loss without the gradient penalty; only energies have it."""
    return {"penalty_weight": 0.0} if "penalty_weight" in METHODS[cast(MethodKind, kind)].settings.model_fields else {}
