"""Policies of the baselines: plans, committed steps, rejected weights."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from method_toys import (
    BASELINES,
    CHUNK,
    DIM,
    DIM_A,
    DIM_O,
    HORIZON,
    NOTHING,
    make,
    method,
    new_states,
    policy_of,
    teach,
    two_ways,
)

from hitl_clic.baselines.settings import FlowInferenceSettings
from hitl_clic.clic.network import ChunkShape
from hitl_clic.methods import make_policy, untrained_weights

pytestmark = pytest.mark.usefixtures("one_thread")


@pytest.mark.parametrize("kind", BASELINES)
def test_plans_keep_to_the_box_and_to_what_is_committed(kind: str) -> None:
    trainer = make(kind)
    teach(trainer, 0, 30, lambda state, rng: np.ones(CHUNK, np.float32))
    for _ in range(25):
        trainer.update()
    policy = policy_of(trainer)
    policy.probe()
    committed = np.array([[-0.37, 0.21]], np.float32)
    for state in [*new_states(5), np.full(DIM_O, 1e30, np.float32)]:
        for bound in (NOTHING, committed, np.concatenate([committed, -committed])):
            found = policy.plan(state, bound, None)
            chunk, energy = found.chunk, found.energy
            assert chunk.shape == CHUNK
            assert chunk.dtype == np.float32
            assert chunk.flags["C_CONTIGUOUS"]
            assert np.abs(chunk).max() <= 1
            assert np.array_equal(chunk[: len(bound)], bound)
            assert np.isfinite(energy)


def test_the_flow_follows_what_is_committed() -> None:
    """Both steps go to the same side: a committed first step decides the second."""
    trainer = make("flow")
    teach(trainer, 0, 300, two_ways)
    for _ in range(200):
        trainer.update()
    policy = policy_of(trainer)
    followed = []
    for number, state in enumerate(new_states(40)):
        way = 0.6 if number % 2 else -0.6
        chunk = policy.plan(state, np.array([[way, 0.5 * state[0]]], np.float32), None).chunk
        followed.append(chunk[1, 0] * way > 0)
    assert np.mean(followed) > 0.85


@pytest.mark.parametrize("kind", BASELINES)
def test_broken_weights_are_refused(kind: str) -> None:
    numbers, generator = method(kind), torch.Generator()
    weights = untrained_weights(DIM_O, DIM_A, HORIZON, numbers)
    make_policy(weights, DIM_O, ChunkShape(HORIZON, DIM_A), numbers, generator, 4).probe()
    for bad in (np.nan, np.inf):
        broken = {**weights, "out.weight": weights["out.weight"] + np.float32(bad)}
        with pytest.raises(ValueError, match=r"'out.weight' of version 4 .*not finite"):
            make_policy(broken, DIM_O, ChunkShape(HORIZON, DIM_A), numbers, generator, 4)
    huge = {**weights, "out.weight": np.full_like(weights["out.weight"], 3e38)}
    huge["out.bias"] = np.full_like(weights["out.bias"], 3e38)
    policy = make_policy(huge, DIM_O, ChunkShape(HORIZON, DIM_A), numbers, generator, 4)
    with pytest.raises(ValueError, match="version 4 give numbers that are not finite"):
        policy.probe()
    missing = {name: value for name, value in weights.items() if name != "human_chunks"}
    with pytest.raises(ValueError, match="version 4 do not fit this network"):
        make_policy(missing, DIM_O, ChunkShape(HORIZON, DIM_A), numbers, generator, 4)


def test_untrained_cloning_stands_still_and_an_untrained_flow_is_noise() -> None:
    plans = {}
    for kind in ("bc", "flow"):
        numbers = method(kind)
        weights = untrained_weights(DIM_O, DIM_A, HORIZON, numbers)
        assert weights["human_chunks"].shape == (0, DIM)
        policy = make_policy(weights, DIM_O, ChunkShape(HORIZON, DIM_A), numbers, torch.Generator().manual_seed(0))
        plans[kind] = np.stack([policy.plan(new_states(1)[0], NOTHING, None).chunk for _ in range(50)])
    assert not plans["bc"].any()
    assert plans["flow"].std() > 0.4


def test_the_flow_policy_calls_the_yield_hook_before_every_step() -> None:
    numbers = method("flow", inference=FlowInferenceSettings(flow_steps=7))
    breaths: list[int] = []
    weights = untrained_weights(DIM_O, DIM_A, HORIZON, numbers)
    policy = make_policy(
        weights, DIM_O, ChunkShape(HORIZON, DIM_A), numbers, torch.Generator(), yield_hook=lambda: breaths.append(1)
    )
    policy.plan(new_states(1)[0], NOTHING, None)
    assert len(breaths) == 7
