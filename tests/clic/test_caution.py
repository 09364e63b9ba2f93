"""Caution: full actions at taught states, none far from all, and no change from a number of pairs on."""

from __future__ import annotations

import numpy as np
import pytest

from hitl_clic import methods
from hitl_clic.clic.caution import CAUTION, STATES, Caution, arrays
from hitl_clic.clic.settings import ClicSettings, InferenceSettings
from hitl_clic.types.records import Proposal

NOTHING = np.zeros((0, 2), np.float32)


def caution(states: np.ndarray, pairs: int, cautious_pairs: int = 100) -> Caution:
    return Caution(arrays(states, pairs, cautious_pairs), states.shape[1])


def states(count: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).normal(0, 0.3, (count, 6)).astype(np.float32)


def test_a_taught_state_keeps_its_actions_and_a_far_one_loses_them() -> None:
    taught = states(8)
    made = caution(taught, 8)
    assert all(made.share(state) == pytest.approx(1.0) for state in taught)
    assert made.share(taught[0] + 5) < 1e-6


def test_the_share_falls_with_the_distance() -> None:
    taught = states(1)
    made = caution(taught, 1)
    shares = [made.share(taught[0] + offset) for offset in (0.0, 0.05, 0.1, 0.2)]
    assert shares == sorted(shares, reverse=True)
    assert shares[2] == pytest.approx(np.exp(-0.99 / 2), abs=1e-3)  # one least spread away in every number


def test_the_share_grows_with_the_number_of_pairs() -> None:
    taught = states(8)
    shares = [caution(taught, pairs).share(taught.mean(0) + 0.8) for pairs in (8, 50, 99, 100)]
    assert shares == sorted(shares)
    assert shares[0] < 0.5
    assert shares[-1] == 1.0


@pytest.mark.parametrize(("pairs", "cautious_pairs"), [(0, 100), (100, 100), (8, 0)])
def test_there_are_no_arrays_without_caution(pairs: int, cautious_pairs: int) -> None:
    assert arrays(states(8), pairs, cautious_pairs) == {}


def test_committed_steps_stay_as_they_are() -> None:
    taught = states(4)
    found = Proposal(np.ones((3, 2), np.float32), -1.0, 0.5)
    made = caution(taught, 4).applied(found, taught[0] + 5, np.ones((1, 2), np.float32))
    assert made.chunk[0].tolist() == [1, 1]
    assert np.abs(made.chunk[1:]).max() < 1e-6
    assert (made.energy, made.uncertainty) == (-1.0, 0.5)


def test_states_of_another_size_are_refused() -> None:
    with pytest.raises(ValueError, match=r"taught states have shape \[4, 6\], allowed: \[K, 5\]"):
        Caution(arrays(states(4), 4, 100), 5)


def settings(cautious_pairs: int) -> ClicSettings:
    return ClicSettings(min_pairs=1, cautious_pairs=cautious_pairs, inference=InferenceSettings(compiled=False))


def policy_after(pairs: int, cautious_pairs: int) -> tuple[methods.ChunkTrainer, methods.NetworkPolicy]:
    import torch

    made = settings(cautious_pairs)
    trainer = methods.make_trainer(6, 2, 2, made, 0)
    chunk = np.ones((2, 2), np.float32)
    for number, state in enumerate(states(pairs)):
        trainer.add(number, "absolute", state, -chunk, chunk, chunk)
    trainer.update()
    policy = methods.make_policy(trainer.weights(), 6, methods.ChunkShape(2, 2), made, torch.Generator().manual_seed(0))
    return trainer, policy


def test_a_policy_of_few_pairs_stands_still_far_from_them() -> None:
    trainer, policy = policy_after(4, 100)
    assert {STATES, CAUTION} <= trainer.weights().keys()
    far = np.full(6, 9.0, np.float32)
    assert np.abs(policy.plan(far, NOTHING, None).chunk).max() < 1e-6


def test_a_policy_of_enough_pairs_is_as_without_caution() -> None:
    trainer, policy = policy_after(4, 4)
    _, bold = policy_after(4, 0)
    assert not {STATES, CAUTION} & trainer.weights().keys()
    far = np.full(6, 9.0, np.float32)
    assert np.array_equal(policy.plan(far, NOTHING, None).chunk, bold.plan(far, NOTHING, None).chunk)
    assert np.abs(bold.plan(far, NOTHING, None).chunk).max() > 0.01
