"""Network resets: when the background network takes over, what it has learnt, and exact resumption."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from toy_task import CHUNK, DIM_A, DIM_O, HORIZON, method

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


def resetting() -> ResettingTrainer:
    made = make_live_trainer(DIM_O, DIM_A, HORIZON, NUMBERS, seed=3)
    assert isinstance(made, ResettingTrainer)
    return made


def alone(number: int) -> ChunkTrainer:
    made = make_live_trainer(
        DIM_O, DIM_A, HORIZON, NUMBERS.model_copy(update={"network_reset_every": 0}), seed=3 + number
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


def test_the_first_network_trains_alone_for_the_first_updates() -> None:
    trainer, single = resetting(), alone(0)
    for number in range(10):
        add(trainer, number)
        add(single, number)
    for _ in range(EVERY):
        assert trainer.update() == single.update()
        assert same(trainer.weights(), single.weights())
    assert trainer.background.updates == 0


def test_the_background_network_takes_over_with_the_weights_of_a_network_trained_alone() -> None:
    trainer, single = resetting(), alone(1)
    for number in range(10):
        add(trainer, number)
        add(single, number)
    while trainer.replacements == 0:
        trainer.update()
    for _ in range(EVERY):
        single.update()
    assert trainer.updates == 3 * EVERY - 1, "the first network alone, then both in turns, the background network first"
    assert same(trainer.weights(), single.weights())
    assert len(trainer.background) == 10
    assert trainer.background.updates == 0


@settings(max_examples=30, deadline=None)
@given(st.lists(st.sampled_from(["add", "update", "remove"]), min_size=20, max_size=60))
def test_a_new_pair_enters_the_next_batch_and_no_network_takes_over_too_early(operations: list[str]) -> None:
    trainer, kept, newest = resetting(), list(range(6)), -1
    for number in kept:
        add(trainer, number)
    total = 6
    for operation in operations:
        if operation == "add":
            add(trainer, total)
            kept.append(total)
            total += 1
        elif operation == "remove" and len(kept) > 4:
            assert trainer.remove(kept.pop(0))
            assert not trainer.remove(total + 7)
        elif operation == "update":
            waiting = list(trainer.acting.buffer.fresh)
            trainer.update()
            if waiting:
                assert trainer.newest_pair >= max(waiting[:4])
        assert trainer.newest_pair >= newest, "the newest trained pair never decreases"
        newest = trainer.newest_pair
        assert trainer.replacements == 0 or trainer.acting.updates >= EVERY
        assert list(trainer.acting.buffer.pairs) == list(trainer.background.buffer.pairs) == kept
        assert len(trainer) == len(kept)


@pytest.mark.parametrize("moment", [0, 3, EVERY, EVERY + 3, 3 * EVERY - 1, 3 * EVERY, 5 * EVERY])
def test_resumes_bit_for_bit(moment: int) -> None:
    straight, resumed = resetting(), resetting()
    for number in range(12):
        add(straight, number)
        add(resumed, number)
    for _ in range(moment):
        straight.update()
    resumed.load_state(straight.state())
    assert (resumed.updates, resumed.newest_pair, resumed.replacements) == (
        straight.updates,
        straight.newest_pair,
        straight.replacements,
    )
    for number in range(12, 40):
        for trainer in (straight, resumed):
            add(trainer, number)
        assert straight.update() == resumed.update()
        assert same(straight.weights(), resumed.weights())
    assert same(straight.state(), resumed.state())


def test_a_state_without_network_resets_is_rejected() -> None:
    single = alone(0)
    with pytest.raises(ValueError, match=r"without policy\.network_reset_every"):
        resetting().load_state(single.state())
    with pytest.raises(ValueError, match="does not fit"):
        single.load_state(resetting().state())
