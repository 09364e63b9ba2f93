"""Successors that learn everything anew and take over: when, from what, and that they resume exactly."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from method_settings import CHUNK, DIM_A, DIM_O, HORIZON, method

from hitl_clic.clic.network_reset import ResettingTrainer
from hitl_clic.clic.settings import EnergySettings, NegativeSettings
from hitl_clic.clic.trainer import ChunkTrainer
from hitl_clic.methods import make_live_trainer

pytestmark = pytest.mark.usefixtures("one_thread")
EVERY = 6
NUMBERS = method(
    network=EnergySettings(kind="film", hidden=(8,), trunk=(8,), modes=2, standardise=True),
    negatives=NegativeSettings(start="proposals", samples=8, steps=1, noise="linear"),
    average=0.9,
    batch=4,
    min_pairs=4,
    network_reset_every=EVERY,
)


def renewed() -> ResettingTrainer:
    made = make_live_trainer(DIM_O, DIM_A, HORIZON, NUMBERS, seed=3)
    assert isinstance(made, ResettingTrainer)
    return made


def alone(generation: int) -> ChunkTrainer:
    made = make_live_trainer(
        DIM_O, DIM_A, HORIZON, NUMBERS.model_copy(update={"network_reset_every": 0}), seed=3 + generation
    )
    assert isinstance(made, ChunkTrainer)
    return made


def add(trainer: ResettingTrainer | ChunkTrainer, number: int) -> None:
    random = np.random.default_rng(number)
    state = random.uniform(-1, 1, DIM_O).astype(np.float32)
    robot, human = random.uniform(-1, 1, (2, *CHUNK)).astype(np.float32)
    trainer.add(number, "absolute", state, robot, human, np.ones(CHUNK, np.float32))


def same(one: dict[str, np.ndarray], other: dict[str, np.ndarray]) -> bool:
    return one.keys() == other.keys() and all(np.array_equal(one[name], other[name]) for name in one)


def test_until_it_is_mature_the_first_network_learns_alone() -> None:
    trainer, single = renewed(), alone(0)
    for number in range(10):
        add(trainer, number)
        add(single, number)
    for _ in range(EVERY):
        assert trainer.update() == single.update()
        assert same(trainer.weights(), single.weights())
    assert trainer.successor.updates == 0


def test_who_takes_over_has_learnt_all_pairs_anew_and_as_if_alone() -> None:
    trainer, single = renewed(), alone(1)
    for number in range(10):
        add(trainer, number)
        add(single, number)
    while trainer.generation == 0:
        trainer.update()
    for _ in range(EVERY):
        single.update()
    assert trainer.updates == 3 * EVERY - 1, "one generation alone, then both in turn, the successor first"
    assert same(trainer.weights(), single.weights())
    assert len(trainer.successor) == 10
    assert trainer.successor.updates == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["add", "update", "remove"]), min_size=20, max_size=60))
def test_a_new_pair_enters_the_next_batch_that_acts_and_nobody_acts_before_it_is_mature(deeds: list[str]) -> None:
    trainer, kept, newest = renewed(), list(range(6)), -1
    for number in kept:
        add(trainer, number)
    total = 6
    for deed in deeds:
        if deed == "add":
            add(trainer, total)
            kept.append(total)
            total += 1
        elif deed == "remove" and len(kept) > 4:
            assert trainer.remove(kept.pop(0))
            assert not trainer.remove(total + 7)
        elif deed == "update":
            waiting = list(trainer.acting.buffer.fresh)
            trainer.update()
            if waiting:
                assert trainer.newest_pair >= max(waiting[:4])
        assert trainer.newest_pair >= newest, "what is said to be trained on never goes back"
        newest = trainer.newest_pair
        assert trainer.generation == 0 or trainer.acting.updates >= EVERY
        assert list(trainer.acting.buffer.pairs) == list(trainer.successor.buffer.pairs) == kept
        assert len(trainer) == len(kept)


@pytest.mark.parametrize("moment", [0, 3, EVERY, EVERY + 3, 3 * EVERY - 1, 3 * EVERY, 5 * EVERY])
def test_resumes_bit_for_bit(moment: int) -> None:
    straight, resumed = renewed(), renewed()
    for number in range(12):
        add(straight, number)
        add(resumed, number)
    for _ in range(moment):
        straight.update()
    resumed.load_state(straight.state())
    assert (resumed.updates, resumed.newest_pair, resumed.generation) == (
        straight.updates,
        straight.newest_pair,
        straight.generation,
    )
    for number in range(12, 40):
        for trainer in (straight, resumed):
            add(trainer, number)
        assert straight.update() == resumed.update()
        assert same(straight.weights(), resumed.weights())
    assert same(straight.state(), resumed.state())


def test_a_state_without_successors_is_refused() -> None:
    single = alone(0)
    with pytest.raises(ValueError, match=r"without policy\.network_reset_every"):
        renewed().load_state(single.state())
    with pytest.raises(ValueError, match="does not fit"):
        single.load_state(renewed().state())
