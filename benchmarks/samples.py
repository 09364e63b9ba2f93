"""Trainers with random pairs, for the benchmarks of planning and training. Pure torch; no processes."""

from __future__ import annotations

import numpy as np

from hitl_clic.clic.settings import MethodSettings
from hitl_clic.clic.trainer import ChunkTrainer
from hitl_clic.methods import make_trainer
from hitl_clic.settings_layers import load

DIM_O, DIM_A = 24, 2
"""Sizes of Push-T."""


def method(name: str, device: str = "cpu") -> MethodSettings:
    """Settings of a method's preset on a torch device."""
    return load(overrides={"method": name, "policy": {"device": device}}).policy


def trainer(settings: MethodSettings, horizon: int, pairs: int = 512, seed: int = 0) -> ChunkTrainer:
    """A trainer with the sizes of Push-T and random pairs; the content of pairs does not change the time."""
    made = make_trainer(DIM_O, DIM_A, horizon, settings, seed)
    random = np.random.default_rng(seed)
    ones = np.ones((horizon, DIM_A), np.float32)
    for number in range(pairs):
        state = random.uniform(-1, 1, DIM_O).astype(np.float32)
        robot, human = random.uniform(-1, 1, (2, horizon, DIM_A)).astype(np.float32)
        made.add(number, "absolute", state, robot, human, ones)
    return made
