"""The trainer: what it refuses, that it is reproducible and resumes exactly, and that it learns."""

from __future__ import annotations

import itertools
from typing import get_args

import numpy as np
import pytest
import torch
from numpy.typing import NDArray

import hitl_clic.clic.shaping
from hitl_clic.clic.energies import ENERGIES
from hitl_clic.clic.policy import EnergyPolicy
from hitl_clic.clic.sampler import draw_negatives
from hitl_clic.clic.settings import (
    EnergyKind,
    EnergySettings,
    HalfSpaceSettings,
    InferenceSettings,
    MethodSettings,
    NegativeSettings,
    NegativeStart,
)
from hitl_clic.clic.shaping import Batch
from hitl_clic.clic.trainer import ChunkTrainer, learning_rate

Array = NDArray[np.float32]
DIM_O, DIM_A, HORIZON = 3, 2, 2
CHUNK = (HORIZON, DIM_A)


pytestmark = pytest.mark.usefixtures("one_thread")


def method(**changes: object) -> MethodSettings:
    """Everything said out loud, so that a change of a default changes no test."""
    numbers: dict[str, object] = {
        "energy": EnergySettings(kind="film", hidden=(48, 48), trunk=(48, 48), modes=4, standardise=True),
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
    return MethodSettings(**{**numbers, **changes})


def target(state: Array) -> Array:
    """What the teacher wants in a state: the two steps differ, and so do their axes."""
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


def make(settings: MethodSettings | None = None, seed: int = 5) -> ChunkTrainer:
    return ChunkTrainer(DIM_O, DIM_A, HORIZON, settings or method(), seed)


def differing(a: dict[str, np.ndarray], b: dict[str, np.ndarray]) -> list[str]:
    assert a.keys() == b.keys()
    return [name for name in a if a[name].dtype != b[name].dtype or not np.array_equal(a[name], b[name])]


def policy_of(trainer: ChunkTrainer, seed: int = 0) -> EnergyPolicy:
    generator = torch.Generator().manual_seed(seed)
    return EnergyPolicy(trainer.weights(), DIM_O, DIM_A, HORIZON, trainer.settings, generator)


NOTHING = np.zeros((0, DIM_A), np.float32)


def new_states(count: int) -> list[Array]:
    return list(np.random.default_rng(99).uniform(-0.9, 0.9, (count, DIM_O)).astype(np.float32))


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


def test_ready_at_the_least_number_of_pairs() -> None:
    trainer = make(method(min_pairs=4))
    teach(trainer, 0, 3)
    assert not trainer.ready()
    teach(trainer, 3, 4)
    assert trainer.ready()
    assert trainer.remove(0)
    assert not trainer.ready()


def test_how_far_a_relative_correction_went_is_not_learnt() -> None:
    """A push of 0.3 and one of 1.5 the same way are the same lesson, for any method."""
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
        torch.manual_seed(len(ends))  # the process's own generators are nobody's business
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
    settings = method(energy=energy, negatives=negatives, average=0.8, batch=8, warmup_updates=12, weight_decay=0.1)
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
    settings = method(energy=energy, negatives=NegativeSettings(start=start, samples=8, steps=1), batch=16)
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


def test_load_state_refuses_random_numbers_of_another_kind_of_device() -> None:
    state = make().state()
    state["generator.torch"] = state["generator.torch"][:16]  # as long as a GPU's
    with pytest.raises(ValueError, match=r"another type of device than clic.device = cpu"):
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
    """With a rate of (nearly) nothing nothing moves: 1e-12 at the end, warm-up begins there."""
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
    assert weights["spread"] == pytest.approx([np.std(range(10)) + 1e-2, 10 * np.std(range(10)) + 1e-2, 1e-2], rel=1e-4)
    plain = make(method(energy=EnergySettings(kind="film", hidden=(8,), trunk=(8,), standardise=False)))
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


def test_without_decay_it_is_adam_bit_for_bit(monkeypatch: pytest.MonkeyPatch) -> None:
    adam = make()
    plain = torch.optim.Adam(adam.network.parameters(), lr=adam.settings.learning_rate, fused=True)
    monkeypatch.setattr(adam, "optimiser", plain)
    assert differing(weights_after(adam, 20), weights_after(make(), 20)) == []


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


# ---- learning


def errors(trainer: ChunkTrainer) -> float:
    policy = policy_of(trainer)
    return float(np.mean([np.abs(policy.plan(s, NOTHING, None).chunk - target(s)).mean() for s in new_states(30)]))


def test_learns_what_the_teacher_wants() -> None:
    """Absolute corrections of a toy task, judged in states never taught. A guess is off by about 0.6."""
    trainer = make(method(penalty_weight=0.0))
    teach(trainer, 0, 200)
    losses = [trainer.update()["kl"] for _ in range(150)]
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:5])
    assert errors(trainer) < 0.12


def test_wells_move_to_what_was_taught() -> None:
    """One chunk taught in all states: the lowest centre comes to lie there, also in states never taught.

    The energy has modes only: with a network beside them, only the sum of both would be lowest there.
    """
    trainer = make(method(penalty_weight=0.0))
    trainer.network.get_parameter("out.weight").requires_grad_(False)
    trainer.network.get_parameter("out.bias").requires_grad_(False)
    taught = np.array([[0.7, -0.6], [-0.5, 0.8]], np.float32)
    for number in range(60):
        rng = np.random.default_rng(number)
        state, robot = rng.uniform(-1, 1, DIM_O).astype(np.float32), rng.uniform(-1, 1, CHUNK).astype(np.float32)
        trainer.add(number, "absolute", state, robot, taught, np.ones(CHUNK, np.float32))
    states = torch.from_numpy(np.stack(new_states(20)))

    def apart() -> float:
        """Mean distance of the least centre in energy to the taught chunk, over states."""
        with torch.no_grad():
            context = trainer.network.context(states)
            centres = trainer.network.centres(context)
            assert centres is not None
            deepest = trainer.network.energy(context, centres).argmin(dim=1)
            chosen = centres[torch.arange(len(states)), deepest]
        return float((chosen - torch.from_numpy(taught).reshape(-1)).norm(dim=1).mean())

    first = apart()
    assert first > 0.8
    for _ in range(100):
        trainer.update()
    assert apart() < 0.25 * first


def test_relative_corrections_move_the_policy_their_way() -> None:
    """Where teachers only say "more that way", plans come far nearer than the robot's chunks that were corrected."""
    trainer = make(method(penalty_weight=0.0))
    teach(trainer, 0, 200, kind="relative")
    before = np.mean([np.abs(p.robot - target(p.state)).mean() for p in trainer.buffer.pairs.values()])
    for _ in range(150):
        trainer.update()
    assert errors(trainer) < 0.5 * before


def test_one_relative_correction_goes_beyond_the_corrected_chunk() -> None:
    """Always the same lesson, "more to the right than 0": the half-space has no far side, the ball does."""
    along = {}
    for kind in ("relative", "absolute"):
        trainer = make(method(penalty_weight=0.0, batch=8, half_space=HalfSpaceSettings(pairs=0)))
        robot = np.zeros(CHUNK, np.float32)
        human = robot.copy()
        human[:, 0] = 0.2
        for number in range(16):
            state = np.random.default_rng(number).uniform(-1, 1, DIM_O).astype(np.float32)
            trainer.add(number, kind, state, robot, human, np.ones(CHUNK, np.float32))
        for _ in range(80):
            trainer.update()
        policy = policy_of(trainer)
        along[kind] = np.mean([policy.plan(s, NOTHING, None).chunk[:, 0].mean() for s in new_states(10)])
    assert along["relative"] > 0.3
    assert abs(along["absolute"] - 0.2) < 0.1


def test_corrected_step_by_step_the_policy_arrives() -> None:
    """Each correction is of the policy's own chunk and says only which way; together they say where."""
    trainer = make(method(penalty_weight=0.0))
    for number in range(160):
        rng = np.random.default_rng((1, number))
        if number % 20 == 0:
            policy = policy_of(trainer, number)
            for _ in range(12 if number else 0):
                trainer.update()
        state = rng.uniform(-1, 1, DIM_O).astype(np.float32)
        robot = (
            policy.plan(state, NOTHING, None).chunk if number >= 20 else rng.uniform(-1, 1, CHUNK).astype(np.float32)
        )
        away = target(state) - robot
        human = robot + np.float32(0.2) * away / np.linalg.norm(away, axis=1, keepdims=True)
        trainer.add(number, "relative", state, robot, human, np.ones(CHUNK, np.float32))
    for _ in range(40):
        trainer.update()
    assert errors(trainer) < 0.1, "less than half of a single correction's length"


@pytest.mark.parametrize("start", ["proposals", "uniform"])
@pytest.mark.parametrize("taught", [[0, 1], [0, 2]], ids=["first step", "first axis"])
def test_a_placeholder_is_not_learnt(start: str, taught: list[int]) -> None:
    """Wherever nothing was taught both chunks say 0.8: a wrong lesson costs more energy than another such number."""
    numbers = method().negatives.model_copy(update={"start": start})
    trainer = make(method(penalty_weight=0.0, negatives=numbers))
    known = np.isin(np.arange(4), taught)
    for number in range(60):
        rng = np.random.default_rng(number)
        state = rng.uniform(-1, 1, DIM_O).astype(np.float32)
        chunks = [np.where(known, a.reshape(-1), 0.8) for a in (rng.uniform(-1, 1, CHUNK), target(state))]
        robot, human = (chunk.reshape(CHUNK).astype(np.float32) for chunk in chunks)
        trainer.add(number, "absolute", state, robot, human, known.reshape(CHUNK).astype(np.float32))
    for _ in range(60):
        trainer.update()
    states = new_states(30)
    right = torch.from_numpy(np.stack([target(s).reshape(-1) for s in states]))[:, None].repeat(1, 2, 1)
    right[:, 0, ~known] = 0.0
    right[:, 1, known] -= 0.6
    right[:, 1, ~known] = 0.8
    with torch.no_grad():
        context = trainer.network.context(torch.from_numpy(np.stack(states)))
        other, wrong = trainer.network.energy(context, right).T
    assert (other < wrong).float().mean() > 0.8


def test_a_taught_first_step_is_learnt_and_the_rest_stays_open() -> None:
    """Only the first step is taught, the placeholder behind it is the robot's own random tail."""
    trainer = make(method(penalty_weight=0.0))
    mask = np.array([[1, 1], [0, 0]], np.float32)
    for number in range(60):
        rng = np.random.default_rng(number)
        state, robot = rng.uniform(-1, 1, DIM_O).astype(np.float32), rng.uniform(-1, 1, CHUNK).astype(np.float32)
        human = np.stack([target(state)[0], robot[1]])
        trainer.add(number, "absolute", state, robot, human, mask)
    for _ in range(100):
        trainer.update()
    states = new_states(30)
    policy = policy_of(trainer)
    assert np.mean([np.abs(policy.plan(s, NOTHING, None).chunk[0] - target(s)[0]).mean() for s in states]) < 0.12
    right = torch.zeros(30, 3, HORIZON * DIM_A)
    right[..., :2] = torch.from_numpy(np.stack([target(s)[0] for s in states]))[:, None]
    right[:, 1, :2] -= 0.6
    right[:, 2, 2:] -= 0.6
    with torch.no_grad():
        context = trainer.network.context(torch.from_numpy(np.stack(states)))
        best, wrong_first, other_rest = trainer.network.energy(context, right).mean(0).tolist()
    assert abs(other_rest - best) < 0.2 * (wrong_first - best)


# ---- steps that are given


def seen_samples(trainer: ChunkTrainer, monkeypatch: pytest.MonkeyPatch) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The evaluation sets [B, S, H, dim_a] of the updates to come, each with its states."""
    sets: list[tuple[torch.Tensor, torch.Tensor]] = []
    inner = hitl_clic.clic.shaping.observation_log_p

    def spy(samples: torch.Tensor, batch: Batch, settings: MethodSettings, generator: torch.Generator) -> torch.Tensor:
        sets.append((batch.state, samples.reshape(*samples.shape[:2], *CHUNK).clone()))
        return inner(samples, batch, settings, generator)

    monkeypatch.setattr(hitl_clic.clic.shaping, "observation_log_p", spy)
    return sets


@pytest.mark.parametrize("prefix", [0, 1, 5])
def test_a_random_number_of_first_steps_is_given(prefix: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """Then every sample, a^r's among them, begins with the human's; the last step is never given."""
    trainer = make(method(prefix=prefix))
    teach(trainer, 0, 40)
    sets = seen_samples(trainer, monkeypatch)
    for _ in range(6):
        trainer.update()
    given = 0
    for states, samples in sets:
        human = torch.from_numpy(np.stack([target(state) for state in states.numpy()]))[:, None]
        same = (samples == human).all(dim=1).all(dim=-1)  # [B, H]
        assert not same[:, 1].any()
        assert (samples[:, 1, 1] != human[:, 0, 1]).any(dim=-1).all(), "a^r keeps its own rest"
        given += int(same[:, 0].sum())
    rows = sum(len(states) for states, _ in sets)
    assert given == 0 if prefix == 0 else 0.3 * rows < given < 0.7 * rows


def test_what_was_not_taught_is_not_given() -> None:
    trainer = make(method(prefix=1))
    for number in range(40):
        arrays = [np.full(shape, 0.1 * (number % 9), np.float32) for shape in ((DIM_O,), CHUNK, CHUNK)]
        trainer.add(number, "absolute", arrays[0], arrays[1], arrays[2] - 0.5, np.array([[1, 0], [1, 1]], np.float32))
    batch = trainer._batch(trainer.buffer.draw(32))
    assert batch.given is not None
    assert batch.given[:, 0].any()
    assert not batch.given[:, 1:].any()


def test_without_given_steps_nothing_is_drawn_for_them() -> None:
    trainer = make(method(prefix=0))
    teach(trainer, 0, 40)
    pairs = trainer.buffer.draw(32)
    before = trainer.buffer.generator.bit_generator.state
    batch = trainer._batch(pairs)
    assert batch.given is None
    assert trainer.buffer.generator.bit_generator.state == before
    samples = torch.zeros(32, 3, 4)
    assert batch.fill(samples) is samples


def test_given_steps_are_drawn_from_the_seed() -> None:
    ends: list[dict[str, np.ndarray]] = []
    for prefix in (1, 1, 0):
        trainer = make(method(prefix=prefix), 5)
        teach(trainer, 0, 40)
        for _ in range(8):
            trainer.update()
        ends.append(trainer.weights())
    assert differing(ends[0], ends[1]) == []
    assert differing(ends[0], ends[2]) != []


def test_chains_keep_what_is_given() -> None:
    """Also on the way: a rest that follows the first steps is sought beside the given ones."""
    given = torch.tensor([[True, True, False, False], [False] * 4])
    human = torch.tensor([[0.3, -0.4, 0.5, 0.6], [0.1, 0.2, 0.3, 0.4]])
    none = torch.zeros(2, dtype=torch.bool)
    batch = Batch(torch.zeros(2, 3), -human, human, torch.ones(2, 4), none, given=given)
    trainer = make(method(prefix=1))
    numbers = method().negatives.model_copy(update={"steps": 5})
    context = trainer.network.context(batch.state)
    generator = torch.Generator().manual_seed(0)
    found = draw_negatives(trainer.network, context, batch.robot, batch.human, numbers, generator, batch.fill)
    assert torch.equal(found[0, :, :2], human[0, :2].expand(32, 2))
    assert (found[0, :, 2:] != human[0, 2:]).any(dim=0).all()
    assert (found[1] != human[1]).any(dim=0).all()
