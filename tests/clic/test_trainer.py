"""The trainer: what it rejects, that it is reproducible and resumes exactly, and its rates and averages."""

from __future__ import annotations

import itertools
from typing import get_args

import numpy as np
import pytest
import torch
from toy_task import CHUNK, DIM_A, DIM_O, HORIZON, differing, make, method, teach

from hitl_clic.clic.adam import Adam
from hitl_clic.clic.energies import ENERGIES
from hitl_clic.clic.settings import EnergyKind, EnergySettings, NegativeSettings, NegativeStart
from hitl_clic.clic.trainer import ChunkTrainer, learning_rate

pytestmark = pytest.mark.usefixtures("one_thread")

# ---- refusals


@pytest.mark.parametrize("name", ["state", "robot", "human", "mask"])
def test_add_refuses_by_name(name: str) -> None:
    good = {
        "state": np.zeros(DIM_O, np.float32),
        **{n: np.zeros(CHUNK, np.float32) for n in ("robot", "human", "mask")},
    }
    trainer = make()
    longer = {**good, name: np.zeros(7, np.float32)}
    with pytest.raises(
        ValueError, match=rf"pair 12: {name} has shape \(7,\), expected \({3 if name == 'state' else 2},"
    ):
        trainer.add(12, "absolute", **longer)
    for bad in (np.nan, np.inf):
        broken = {**good, name: good[name].copy()}
        broken[name].flat[-1] = bad
        with pytest.raises(ValueError, match=rf"pair 3: {name} .*not finite"):
            trainer.add(3, "absolute", **broken)
    assert len(trainer) == 0, "nothing of a refused pair is kept"


def test_ready_at_min_pairs() -> None:
    trainer = make(method(min_pairs=4))
    teach(trainer, 0, 3)
    assert not trainer.ready()
    teach(trainer, 3, 4)
    assert trainer.ready()
    assert trainer.remove(0)
    assert not trainer.ready()


def test_the_first_pair_is_learnt_and_does_not_make_other_states_infinitely_far() -> None:
    """Spread: that of the states, plus 1 / n; else the second state would be clipped at the limit of what is read."""
    trainer = make(method(min_pairs=1))
    teach(trainer, 0, 1)
    assert trainer.ready()
    first = trainer.update()
    for _ in range(30):
        last = trainer.update()
    assert last["loss"] < first["loss"]
    assert torch.allclose(trainer.network.spread, torch.ones(DIM_O))
    other = trainer.network.shift[None] + 1.5
    assert (trainer.network.standardised(other).abs() < 10).all()


def test_statistics_follow_the_first_pairs() -> None:
    """Updates come faster than pairs: the statistics are renewed when the pairs have doubled, whatever the updates."""
    trainer = make(method(min_pairs=1))
    teach(trainer, 0, 1)
    for _ in range(70):
        trainer.update()
    for pairs in (2, 4, 8, 150, 300):
        teach(trainer, len(trainer), pairs)
        trainer.update()
        states = np.stack([pair.state for pair in trainer.buffer.pairs.values()])
        np.testing.assert_allclose(trainer.network.shift, states.mean(0), atol=1e-6)
        np.testing.assert_allclose(trainer.network.spread, states.std(0) + max(0.01, 1 / pairs), atol=1e-6)


def test_the_length_of_a_relative_correction_is_not_learnt() -> None:
    """Relative corrections of 0.3 and 1.5 in one direction give the same pair, for every method."""
    trainer = make(method())
    robot, way = np.zeros(CHUNK, np.float32), np.full(CHUNK, 0.5, np.float32)
    for number, (kind, size) in enumerate((("relative", 0.5), ("relative", 1.5), ("absolute", 1.5))):
        trainer.add(number, kind, np.zeros(DIM_O, np.float32), robot, size * way, np.ones(CHUNK, np.float32))
    short, long, absolute = (trainer.buffer.pairs[number].human for number in range(3))
    assert np.allclose(short, long)
    assert np.allclose(np.linalg.norm(long, axis=1), 0.2)
    assert np.array_equal(absolute, 1.5 * way), "an absolute one is what is wanted"


# ---- reproducible


def test_same_seed_same_weights_with_every_kind() -> None:
    """Absolute and relative pairs, whole, by steps and by axes."""
    ends: list[dict[str, np.ndarray]] = []
    for seed in (5, 5, 6):
        trainer = make(seed=seed)
        teach(trainer, 0, 20)
        teach(trainer, 20, 40, kind="relative")
        for number, taught in enumerate(([[1, 1], [0, 0]], [[1, 0], [1, 0]]) * 5):
            rng = np.random.default_rng(number)
            state, (robot, human) = rng.uniform(-1, 1, DIM_O), rng.uniform(-1, 1, (2, *CHUNK))
            arrays = [np.asarray(a, np.float32) for a in (state, robot, human, taught)]
            trainer.add(40 + number, "relative" if number % 3 else "absolute", *arrays)
        for _ in range(8):
            trainer.update()
        ends.append(trainer.weights())
    assert differing(ends[0], ends[1]) == []
    assert differing(ends[0], ends[2]) != []


@pytest.mark.parametrize("average", [0.0, 0.9])
def test_same_seed_same_weights(average: float) -> None:
    ends: list[dict[str, np.ndarray]] = []
    for seed in (5, 5, 6):
        torch.manual_seed(len(ends))  # must not change anything: the global generator is not used
        trainer = make(method(average=average), seed)
        teach(trainer, 0, 40)
        for _ in range(20):
            torch.rand(1)
            trainer.update()
        ends.append(trainer.weights())
    assert differing(ends[0], ends[1]) == []
    assert len(differing(ends[0], ends[2])) > 5


def test_a_pair_withdrawn_before_it_was_used_leaves_no_trace() -> None:
    ends: list[dict[str, np.ndarray]] = []
    for extra in (False, True):
        trainer = make()
        teach(trainer, 0, 30)
        if extra:
            teach(trainer, 77, 78)
            assert trainer.remove(77)
            assert not trainer.remove(77)
        for _ in range(3):
            trainer.update()
        ends.append(trainer.weights())
        assert trainer.newest_pair == 29
    assert differing(ends[0], ends[1]) == []


def test_newest_pair_is_in_the_next_batch() -> None:
    trainer = make(method(batch=8))
    teach(trainer, 0, 20)
    assert trainer.newest_pair == -1
    trainer.update()
    assert trainer.newest_pair == 7
    trainer.update()
    trainer.update()
    assert trainer.newest_pair == 19
    teach(trainer, 20, 21)
    trainer.update()
    assert trainer.newest_pair == 20
    assert trainer.updates == 4


@pytest.mark.parametrize(
    ("kind", "modes", "start"),
    [("film", 0, "proposals"), ("film", 3, "uniform"), ("mlp", 0, "uniform")],
)
def test_resumes_bit_for_bit(kind: EnergyKind, modes: int, start: NegativeStart) -> None:
    """10 updates, a new trainer with the state, 10 more: as 20 at once. Pairs come in between."""
    hidden = (24, 24)
    energy = EnergySettings(kind=kind, hidden=hidden, trunk=(16,), modes=modes, standardise=True)
    negatives = NegativeSettings(start=start, samples=8, steps=1)
    settings = method(network=energy, negatives=negatives, average=0.8, batch=8, warmup_updates=12, weight_decay=0.1)
    straight = make(settings)
    teach(straight, 0, 30)
    straight.remove(4)
    for _ in range(10):
        straight.update()
    teach(straight, 30, 33)
    state = straight.state()
    kept = {name: value.copy() for name, value in state.items()}
    teach(straight, 33, 35)
    losses = [straight.update() for _ in range(10)]
    assert differing(state, kept) == [], "a state does not change behind its owner's back"

    resumed = make(settings, seed=1234)
    teach(resumed, 0, 30)
    resumed.remove(4)
    teach(resumed, 30, 35)
    resumed.load_state(state)
    assert resumed.updates == 10
    again = [resumed.update() for _ in range(10)]
    assert losses == again
    assert differing(straight.weights(), resumed.weights()) == []
    assert differing(straight.state(), resumed.state()) == []


@pytest.mark.parametrize("kind", list(ENERGIES))
@pytest.mark.parametrize("start", get_args(NegativeStart))
def test_same_seed_same_weights_whatever_the_energy_and_the_start(kind: EnergyKind, start: NegativeStart) -> None:
    energy = EnergySettings(kind=kind, hidden=(16, 16), trunk=(16,), modes=2)
    settings = method(network=energy, negatives=NegativeSettings(start=start, samples=8, steps=1), batch=16)
    ends = [weights_after(make(settings, seed), 6) for seed in (5, 5, 6)]
    assert differing(ends[0], ends[1]) == []
    assert differing(ends[0], ends[2]) != []


def test_a_state_right_after_the_beginning_resumes_too() -> None:
    straight, resumed = make(), make(seed=8)
    teach(straight, 0, 10)
    teach(resumed, 0, 10)
    resumed.load_state(straight.state())
    straight.update()
    resumed.update()
    assert differing(straight.weights(), resumed.weights()) == []


def test_load_state_refuses_another_network() -> None:
    other = ChunkTrainer(DIM_O, DIM_A, HORIZON + 1, method(), 0)
    trainer = make()
    with pytest.raises(ValueError, match="does not fit this network"):
        trainer.load_state(other.state())
    state = make().state()
    del state["counts"]
    with pytest.raises(ValueError, match="does not fit this network"):
        trainer.load_state(state)


def test_load_state_rejects_the_generator_of_another_type_of_device() -> None:
    state = make().state()
    state["generator.torch"] = state["generator.torch"][:16]  # as long as a GPU's
    with pytest.raises(ValueError, match=r"another type of device than policy.device = cpu"):
        make().load_state(state)


def test_weights_are_copies() -> None:
    trainer = make()
    teach(trainer, 0, 10)
    before = trainer.weights()
    kept = {name: value.copy() for name, value in before.items()}
    trainer.update()
    assert differing(before, kept) == []
    assert differing(before, trainer.weights()) != []


# ---- numbers


def test_learning_rate() -> None:
    """Warm-up from the end's rate to the greatest, half a cosine down, and up again at once."""
    s = method(learning_rate=1e-2, learning_rate_end=1e-4, warmup_updates=10, cycle_updates=100)
    assert learning_rate(0, s) == pytest.approx(1e-4)
    assert learning_rate(5, s) == pytest.approx((1e-2 + 1e-4) / 2)
    assert learning_rate(10, s) == pytest.approx(1e-2)
    assert learning_rate(60, s) == pytest.approx((1e-2 + 1e-4) / 2)
    assert learning_rate(35, s) == pytest.approx(1e-4 + 9.9e-3 * (1 + 0.5**0.5) / 2)
    assert learning_rate(109, s) < 1.1e-4
    assert learning_rate(110, s) == pytest.approx(1e-2), "restart without warm-up"
    assert learning_rate(210, s) == pytest.approx(1e-2)
    falls = [learning_rate(u, s) for u in range(10, 110)]
    assert all(a > b for a, b in itertools.pairwise(falls))
    assert learning_rate(0, method(warmup_updates=0)) == pytest.approx(3e-3)


def test_the_rate_is_used() -> None:
    """With a learning rate of 1e-12, where the warm-up begins, the weights stay the same."""
    trainer = make(method(learning_rate_end=1e-12, warmup_updates=1000))
    teach(trainer, 0, 20)
    before = trainer.weights()
    trainer.update()
    after = trainer.weights()
    for name in differing(before, after):
        if name not in ("shift", "spread"):
            assert np.abs(before[name] - after[name]).max() < 1e-9


def test_standardising_takes_the_taught_states() -> None:
    def at(number: int, value: float) -> None:
        zero = np.zeros(CHUNK, np.float32)
        trainer.add(number, "absolute", np.array([value, 10 * value, 7], np.float32), zero, zero, zero + 1)

    trainer = make(method(batch=4))
    for number in range(10):
        at(number, float(number))
    trainer.update()
    weights = trainer.weights()
    assert weights["shift"] == pytest.approx([4.5, 45, 7])
    assert weights["spread"] == pytest.approx([np.std(range(10)) + 0.1, 10 * np.std(range(10)) + 0.1, 0.1], rel=1e-4)
    plain = make(method(network=EnergySettings(kind="film", hidden=(8,), trunk=(8,), standardise=False)))
    teach(plain, 0, 10)
    plain.update()
    assert plain.weights()["shift"].tolist() == [0, 0, 0]
    assert plain.weights()["spread"].tolist() == [1, 1, 1]


def test_the_weights_hold_human_chunks_newest_included() -> None:
    trainer = make()
    assert trainer.weights()["human_chunks"].shape == (0, HORIZON * DIM_A)
    teach(trainer, 0, 100)
    human_chunks = trainer.weights()["human_chunks"]
    assert human_chunks.shape == (32, HORIZON * DIM_A)
    known = {pair.human.tobytes() for pair in trainer.buffer.pairs.values()}
    assert all(row.tobytes() in known for row in human_chunks)
    assert np.array_equal(human_chunks[-1], trainer.buffer.pairs[99].human.reshape(-1))


def test_the_average_is_a_running_one_that_forgets_its_beginning() -> None:
    """By hand from the weights of every update: decay (1 + n) / (10 + n), 0.5 at most."""
    plain, averaged = make(), make(method(average=0.5))
    for trainer in (plain, averaged):
        teach(trainer, 0, 40)
    means = {name: p.detach().numpy().astype(np.float64) for name, p in plain.network.named_parameters()}
    for update in range(30):
        plain.update()
        averaged.update()
        decay = min(0.5, (1 + update) / (10 + update))
        for name, parameter in plain.network.named_parameters():
            means[name] = decay * means[name] + (1 - decay) * parameter.detach().numpy()
    last, found = plain.weights(), averaged.weights()
    for name, mean in means.items():
        inner = averaged.network.get_parameter(name).detach().numpy()
        assert np.array_equal(last[name], inner), "training itself is the same"
        np.testing.assert_allclose(found[name], mean, rtol=1e-4, atol=1e-6)
    assert np.abs(found["out.weight"] - last["out.weight"]).max() > 1e-4


def weights_after(trainer: ChunkTrainer, updates: int) -> dict[str, np.ndarray]:
    teach(trainer, 0, 40)
    for _ in range(updates):
        trainer.update()
    return trainer.weights()


class TorchsOwn:
    """An optimiser of torch behind the interface of `Adam`."""

    def __init__(self, inner: torch.optim.Optimizer) -> None:
        self.inner = inner

    def forget_gradients(self) -> None:
        self.inner.zero_grad(set_to_none=True)

    def step(self, rate: float) -> None:
        for group in self.inner.param_groups:
            group["lr"] = rate
        self.inner.step()


@pytest.mark.parametrize("decay", [0.0, 0.5])
def test_it_is_torchs_adam_bit_for_bit(decay: float, monkeypatch: pytest.MonkeyPatch) -> None:
    settings = method(weight_decay=decay)
    ours, torchs = make(settings), make(settings)
    kind = torch.optim.AdamW if decay else torch.optim.Adam
    own = kind(torchs.network.parameters(), fused=True, weight_decay=decay)
    monkeypatch.setattr(torchs, "optimiser", TorchsOwn(own))
    assert differing(weights_after(torchs, 20), weights_after(ours, 20)) == []


def test_adam_leaves_a_parameter_without_a_gradient() -> None:
    moved, still = (torch.ones(3, requires_grad=True) for _ in range(2))
    optimiser = Adam([moved, still], weight_decay=0.1)
    (moved.sum() * 2).backward()
    optimiser.step(0.5)
    assert list(optimiser.moments) == [0]
    assert torch.allclose(moved, torch.full((3,), 0.95 - 0.5))
    assert torch.equal(still, torch.ones(3))
    optimiser.forget_gradients()
    optimiser.step(0.5)
    assert torch.allclose(moved, torch.full((3,), 0.45)), "no gradient, no move"


def test_decay_shrinks_every_weight_by_its_share_of_the_rate() -> None:
    """After one update from the same weights: the same step, and rate times decay of the weights less."""
    settings = method(warmup_updates=0)
    before, rate, decay = make(settings).weights(), settings.learning_rate, 10.0
    plain = weights_after(make(settings), 1)
    decayed = weights_after(make(settings.model_copy(update={"weight_decay": decay})), 1)
    assert differing(plain, decayed)
    for name, value in before.items():
        if name not in ("shift", "spread", "human_chunks"):
            np.testing.assert_allclose(plain[name] - decayed[name], rate * decay * value, rtol=1e-3, atol=1e-6)


def test_the_mask_of_a_pair_is_kept_as_it_is() -> None:
    """The correction package decides what counts; the trainer does not change it."""
    trainer = make()
    mask, zero = np.array([[0, 1], [0, 0]], np.float32), np.zeros(CHUNK, np.float32)
    for number, mode in enumerate(("absolute", "relative")):
        trainer.add(number, mode, np.zeros(DIM_O, np.float32), zero, zero, mask)
        assert np.array_equal(trainer.buffer.pairs[number].mask, mask)
