"""Two equally good solutions: share of plans and of low-energy chunks on each side, by method.

    python -m benchmarks.modes [--seeds 0 1 2]

A synthetic teacher avoids an obstacle on the left or right with equal probability; the robot's chunk leads into it. All
methods learn the same pairs. Then the policy plans in untaught states. For methods with an energy, Langevin chains from
uniform starts sample low-energy chunks. A seed sets pairs, network and plans.
"""

from __future__ import annotations

import argparse
import time
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.figure import tell
from benchmarks.samples import method
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.policy import EnergyPolicy
from hitl_clic.clic.sampler import langevin, step_sizes, uniform
from hitl_clic.methods import make_policy, make_trainer

METHODS = ("clic", "bc", "ibc", "flow")
HORIZON, DIM_A = 8, 2
TURN = np.deg2rad(60.0)
"""Angle between straight ahead and the first step of a solution; the last step has the opposite angle."""
SPEED = 0.8
PAIRS, UPDATES, STATES = 1024, 600, 40
PLANS = 5
"""Plans in each state, without a previous plan."""
NEAR = 0.25
"""Greatest root mean square distance of a chunk's steps from its solution's, action units. The two solutions are 1.0
apart; their mean is 0.5 from each."""

Array = NDArray[np.float32]


def way(ahead: float, side: int) -> Array:
    """The solution [H, 2] on one side (-1 or 1); `ahead` is the angle of straight ahead, radians."""
    angles = ahead + side * np.linspace(TURN, -TURN, HORIZON)
    return (SPEED * np.stack([np.cos(angles), np.sin(angles)], axis=-1)).astype(np.float32)


def side_of(chunk: Array, ahead: float) -> int:
    """-1 or 1 if a chunk [H, 2] is one of the two solutions, else 0."""
    for side in (-1, 1):
        if np.sqrt(np.square(chunk - way(ahead, side)).sum(-1).mean()) < NEAR:
            return side
    return 0


def state_of(ahead: float) -> Array:
    """The state [2]: direction of straight ahead."""
    return np.array([np.cos(ahead), np.sin(ahead)], np.float32)


def measure(name: str, seed: int) -> dict[str, Any]:
    """Train one method and count its plans and samples on each side."""
    settings = method(name)
    random = np.random.default_rng(seed)
    trainer = make_trainer(2, DIM_A, HORIZON, settings, seed)
    ones = np.ones((HORIZON, DIM_A), np.float32)
    for number, ahead in enumerate(random.uniform(-np.pi, np.pi, PAIRS)):
        robot = np.repeat(SPEED * state_of(ahead)[None], HORIZON, axis=0)
        robot = np.clip(robot + 0.1 * random.standard_normal(robot.shape), -1, 1).astype(np.float32)
        trainer.add(number, "absolute", state_of(ahead), robot, way(ahead, 1 - 2 * int(random.integers(2))), ones)
    started = time.perf_counter()
    for _ in range(UPDATES):
        trainer.update()
    trained_s = time.perf_counter() - started
    generator = torch.Generator().manual_seed(seed)
    policy = make_policy(trainer.weights(), 2, ChunkShape(HORIZON, DIM_A), settings, generator)
    nothing = np.zeros((0, DIM_A), np.float32)
    plans: list[int] = []
    samples: list[int] = []
    for ahead in random.uniform(-np.pi, np.pi, STATES):
        for _ in range(PLANS):
            plans.append(side_of(policy.plan(state_of(ahead), nothing, None).chunk, ahead))
        if isinstance(policy, EnergyPolicy):
            samples += [side_of(chunk, ahead) for chunk in _chains(policy, state_of(ahead))]
    return {
        "method": name,
        "seed": seed,
        "updates": UPDATES,
        "train_s": round(trained_s, 1),
        "plans": _shares(plans),
        "samples": _shares(samples) if samples else None,
    }


@torch.no_grad()
def _chains(policy: EnergyPolicy, state: Array, chains: int = 128) -> Array:
    """Ends [chains, H, 2] of noisy Langevin chains from uniform starts."""
    context = policy.network.context(torch.from_numpy(state)[None])
    start = uniform(1, chains, policy.dim, policy.generator)
    sizes = step_sizes(200, 0.2, 1e-3)  # long and noisy, so that the starts do not matter
    ends = langevin(policy.network, context, start, sizes, "linear", 0.2, policy.generator)
    shaped: Array = ends[0].reshape(chains, HORIZON, DIM_A).numpy()
    return shaped


def _shares(sides: list[int]) -> dict[str, float]:
    found = np.array(sides)
    return {"left": round(float((found > 0).mean()), 3), "right": round(float((found < 0).mean()), 3)}


if __name__ == "__main__":
    made = argparse.ArgumentParser(description="Two equally good solutions, by method.")
    made.add_argument("--seeds", type=int, nargs="+", default=[0], help="seeds of pairs, network and plans")
    arguments = made.parse_args()
    torch.set_num_threads(1)
    for seed in arguments.seeds:
        for name in METHODS:
            tell("modes", measure(name, seed))
