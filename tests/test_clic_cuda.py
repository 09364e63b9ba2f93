"""On a CUDA device: updates as graphs are the updates that they were captured from. Without one there is nothing here.

`test_clic_device` shows everywhere that nothing is left behind on another device; graphs need the real thing.
"""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from test_clic_trainer import CHUNK, DIM_A, DIM_O, HORIZON, method

from hitl_clic.clic.graphs import WARM, GraphedSteps, capturable
from hitl_clic.clic.settings import EnergySettings, HalfSpaceSettings, MethodSettings, NegativeSettings
from hitl_clic.clic.shaping import Batch
from hitl_clic.clic.trainer import ChunkTrainer
from hitl_clic.methods import METHODS, make_trainer

UPDATES = 4 * WARM


def numbers(**changes: object) -> MethodSettings:
    small = EnergySettings(kind="film", hidden=(16, 16), trunk=(16,), wells=2, standardise=True)
    negatives = NegativeSettings(start="proposals", samples=8, steps=2, noise="linear")
    return method(**{"energy": small, "negatives": negatives, "average": 0.9, "device": "cuda", **changes})


def taught(settings: MethodSettings, kind: str, whole: bool = True) -> ChunkTrainer:
    trainer = make_trainer(DIM_O, DIM_A, HORIZON, settings, seed=1)
    random = np.random.default_rng(0)
    mask = np.ones(CHUNK, np.float32)
    if not whole:
        mask[:, 0] = 0
    for number in range(64):
        state = random.uniform(-1, 1, DIM_O).astype(np.float32)
        robot, human = random.uniform(-1, 1, (2, *CHUNK)).astype(np.float32)
        trainer.add(number, kind, state, robot, human, mask)
    return trainer


CASES: list[tuple[dict[str, object], str, bool]] = [
    *(({"kind": kind}, "absolute", True) for kind in METHODS),
    ({}, "relative", True),
    ({"half_space": HalfSpaceSettings(pairs=0)}, "relative", True),
    ({}, "absolute", False),
    ({"prefix": 1}, "absolute", True),
    ({"energy": EnergySettings(kind="mlp", hidden=(16, 16))}, "absolute", True),
    ({"penalty_samples": 4}, "absolute", True),
]

if torch.cuda.is_available():

    @pytest.mark.parametrize(("changes", "kind", "whole"), CASES)
    def test_graphed_updates_are_the_same_updates(changes: dict[str, object], kind: str, whole: bool) -> None:
        graphed, plain = (taught(numbers(**changes), kind, whole) for _ in range(2))
        plain._descend = plain._step
        for _ in range(UPDATES):
            terms = graphed.update()
            assert terms == pytest.approx(plain.update(), rel=1e-2, abs=1e-4)
        assert isinstance(graphed._descend, GraphedSteps)
        assert len(graphed._descend._captured) == 1
        for name, value in plain.weights().items():
            np.testing.assert_allclose(graphed.weights()[name], value, rtol=1e-2, atol=1e-3, err_msg=name)

    def test_a_graphed_trainer_resumes() -> None:
        straight, resumed = taught(numbers(), "absolute"), taught(numbers(), "absolute")
        for _ in range(UPDATES):
            straight.update()
            resumed.update()
        resumed.load_state(straight.state())
        for _ in range(UPDATES):
            assert straight.update() == pytest.approx(resumed.update(), rel=1e-2, abs=1e-4)
        for name, value in straight.weights().items():
            np.testing.assert_allclose(resumed.weights()[name], value, rtol=1e-2, atol=1e-3, err_msg=name)


def test_only_what_depends_on_its_kind_alone_is_captured() -> None:
    one = torch.ones(2, 3)
    batch = Batch(one, one, one, one, torch.tensor([False, False]), kinds="absolute", whole=True)
    assert capturable(batch)
    assert capturable(replace(batch, kinds="relative", whole=False))
    assert not capturable(replace(batch, kinds="mixed"))
    assert not capturable(replace(batch, chains=one[:, None]))
    assert not capturable(Batch(one, one, one, one, torch.tensor([False, False]))), "nobody said of what kind it is"
