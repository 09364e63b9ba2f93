"""The baselines: what each learns, that they resume exactly, and that they respect masks."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from method_toys import (
    BASELINES,
    CHUNK,
    DIM,
    DIM_A,
    DIM_O,
    HORIZON,
    KINDS,
    NOTHING,
    differing,
    make,
    method,
    new_states,
    no_penalty,
    policy_of,
    target,
    teach,
    two_ways,
)

from hitl_clic.baselines.cloning import CLONING, CloningNetwork, cloning_loss
from hitl_clic.baselines.flow import VelocityNetwork, flow_loss
from hitl_clic.baselines.implicit import info_nce_loss
from hitl_clic.clic.energy import Context, Energy
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.shaping import Batch
from hitl_clic.clic.trainer import ChunkTrainer
from hitl_clic.methods import METHODS, make_policy, untrained_weights
from hitl_clic.settings import PolicySettings
from hitl_clic.types.errors import members
from hitl_clic.types.symmetry import Symmetry

pytestmark = pytest.mark.usefixtures("one_thread")


# ---- the table of methods


def test_every_kind_has_a_method_of_its_own() -> None:
    assert tuple(sorted(METHODS)) == tuple(sorted(KINDS))
    for kind, one in METHODS.items():
        assert one.objective.kind == one.settings(kind=kind).kind == kind
        assert members(PolicySettings)[kind] is one.settings


def test_a_trainer_refuses_settings_for_another_objective() -> None:
    with pytest.raises(ValueError, match=r"'flow'.*'bc'"):
        ChunkTrainer(DIM_O, DIM_A, HORIZON, method("flow"), 0, (), CLONING)


def test_weights_of_another_method_are_refused() -> None:
    generator = torch.Generator()
    for kind, other in (("bc", "flow"), ("flow", "clic"), ("clic", "bc")):
        weights = untrained_weights(DIM_O, DIM_A, HORIZON, method(other))
        with pytest.raises(ValueError, match="do not fit this network"):
            make_policy(weights, DIM_O, ChunkShape(HORIZON, DIM_A), method(kind), generator)


# ---- learning


@pytest.mark.parametrize(("kind", "updates", "bound"), [("bc", 60, 0.06), ("flow", 150, 0.1), ("ibc", 80, 0.12)])
def test_it_learns_from_one_teacher(kind: str, updates: int, bound: float) -> None:
    trainer = make(kind)
    teach(trainer, 0, 200)
    states = new_states(40)

    def error() -> float:
        policy = policy_of(trainer)
        return float(np.mean([np.abs(policy.plan(s, NOTHING, None).chunk - target(s)).mean() for s in states]))

    assert error() > 0.2
    losses = [trainer.update()["loss"] for _ in range(updates)]
    assert np.isfinite(losses).all()
    assert error() < bound


@pytest.mark.parametrize(("kind", "updates"), [("bc", 60), ("flow", 250), ("ibc", 70), ("clic", 70)])
def test_two_equally_good_ways(kind: str, updates: int) -> None:
    """Cloning plans the mean of the two solutions; the others plan one of them."""
    trainer = make(kind, **no_penalty(kind))
    teach(trainer, 0, 300, two_ways)
    for _ in range(updates):
        trainer.update()
    policy = policy_of(trainer)
    chunks = np.stack([policy.plan(s, NOTHING, None).chunk for s in new_states(60)])
    across, along = chunks[..., 0], chunks[..., 1]
    wanted = 0.5 * np.stack(new_states(60))[:, :1]
    assert np.abs(along - wanted).mean() < 0.15, "the axis with one answer is learnt by all"
    on_a_way = (np.abs(np.abs(across) - 0.6) < 0.25).all(axis=1) & (across[:, 0] * across[:, 1] > 0)
    if kind == "bc":
        assert np.abs(across).mean() < 0.3
        assert on_a_way.mean() < 0.1
    else:
        assert on_a_way.mean() > 0.8
    if kind == "flow":
        assert 0.2 < (across[:, 0] > 0).mean() < 0.8, "both ways are kept"


@pytest.mark.parametrize("kind", ["bc", "flow"])
def test_symmetries_are_the_same_for_all(kind: str) -> None:
    """Only states with s0 > 0 are taught; the policy knows their images too."""
    mirror = Symmetry(state="-0 +1 +2", action="-0 +1")
    trainer = make(kind, symmetries=(mirror,))
    rng = np.random.default_rng(0)
    for number in range(200):
        state = np.array([rng.uniform(0.2, 1), *rng.uniform(-1, 1, 2)], np.float32)
        human = np.array([[0.8 * state[0], 0.5 * state[1]]] * 2, np.float32)
        trainer.add(number, "absolute", state, -human, human, np.ones(CHUNK, np.float32))
    for _ in range(100):
        trainer.update()
    policy = policy_of(trainer)
    for x, y, z in rng.uniform([0.4, -0.9, -0.9], 0.9, (10, 3)):
        chunk = policy.plan(np.array([-x, y, z], np.float32), NOTHING, None).chunk
        assert np.abs(chunk - np.array([[-0.8 * x, 0.5 * y]] * 2)).max() < 0.35


# ---- the same again


@pytest.mark.parametrize("kind", BASELINES)
def test_same_seed_same_weights_and_plans(kind: str) -> None:
    ends, plans = [], []
    for seed in (5, 5, 6):
        torch.manual_seed(len(ends))  # must not change anything: the global generator is not used
        trainer = make(kind, seed)
        teach(trainer, 0, 40)
        for _ in range(10):
            torch.rand(1)
            trainer.update()
        ends.append(trainer.weights())
        policy = policy_of(trainer)
        plans.append([policy.plan(state, NOTHING, None).chunk for state in new_states(3)])
    assert differing(ends[0], ends[1]) == []
    assert len(differing(ends[0], ends[2])) > 5
    assert np.array_equal(plans[0], plans[1])
    assert not np.array_equal(plans[0], plans[2])


@pytest.mark.parametrize("kind", BASELINES)
def test_resumes_bit_for_bit(kind: str) -> None:
    straight = make(kind, batch=8, weight_decay=0.1)
    teach(straight, 0, 20)
    for _ in range(6):
        straight.update()
    state = straight.state()
    teach(straight, 20, 23)
    losses = [straight.update() for _ in range(6)]

    resumed = make(kind, seed=1234, batch=8, weight_decay=0.1)
    teach(resumed, 0, 23)
    resumed.load_state(state)
    assert [resumed.update() for _ in range(6)] == losses
    assert differing(straight.state(), resumed.state()) == []
    assert differing(straight.weights(), resumed.weights()) == []


def test_a_state_of_another_method_is_refused() -> None:
    trainer = make("bc")
    with pytest.raises(ValueError, match="does not fit this network"):
        trainer.load_state(make("flow").state())


# ---- masks


def random_batch(seed: int, mask: torch.Tensor) -> Batch:
    generator = torch.Generator().manual_seed(seed)
    state = torch.rand(len(mask), DIM_O, generator=generator) * 2 - 1
    robot, human = (torch.rand(2, len(mask), DIM, generator=generator) * 2 - 1).unbind()
    return Batch(state, robot, human, mask, torch.zeros(len(mask), dtype=torch.bool))


LOSSES = {"bc": cloning_loss, "flow": flow_loss}
NETWORKS = {"bc": CloningNetwork, "flow": VelocityNetwork}


@settings(max_examples=20, deadline=None)
@given(seed=st.integers(0, 10_000), kind=st.sampled_from(["bc", "flow"]))
def test_untaught_numbers_change_nothing(seed: int, kind: str) -> None:
    """Loss and gradient ignore untaught numbers and depend on taught ones."""
    numbers = method(kind)
    torch.manual_seed(seed)
    network = NETWORKS[kind](DIM_O, ChunkShape(HORIZON, DIM_A), numbers.network)
    torch.nn.init.normal_(network.out.weight, std=0.1)
    mask = (torch.rand(6, DIM) < 0.6).float()
    mask[0, 0], mask[0, 1] = 1, 0
    batch = random_batch(seed, mask)

    def loss_and_gradients(human: torch.Tensor) -> list[torch.Tensor]:
        given_ = Batch(batch.state, batch.robot, human, mask, batch.relative)
        loss, _ = LOSSES[kind](network, given_, numbers, torch.Generator().manual_seed(1))
        return [loss, *torch.autograd.grad(loss, list(network.parameters()), allow_unused=True)]

    plain = loss_and_gradients(batch.human)
    elsewhere = loss_and_gradients(torch.where(mask > 0, batch.human, torch.rand(6, DIM)))
    assert all(torch.equal(a, b) for a, b in zip(plain, elsewhere, strict=True))
    assert not torch.equal(plain[0], loss_and_gradients(batch.human + 0.1 * mask)[0])


def test_the_cloning_loss_by_hand() -> None:
    numbers = method("bc")
    network = CloningNetwork(DIM_O, ChunkShape(HORIZON, DIM_A), numbers.network)  # its output is 0
    mask = torch.tensor([[1.0, 0, 0, 0], [1, 1, 0, 0]])
    human = torch.tensor([[0.5, 9, 9, 9], [0.1, -0.3, 9, 9]])
    batch = Batch(torch.zeros(2, DIM_O), human, human, mask, torch.tensor([True, False]))
    loss, terms = cloning_loss(network, batch, numbers, torch.Generator())
    assert loss.item() == pytest.approx((0.25 + 0.01 + 0.09) / 3)
    assert terms["loss"].item() == loss.item()


class Bowl(Energy):
    """E = weights . (a - centre)^2, a state-blind energy; stores the samples it was evaluated at."""

    def __init__(self, weights: list[float]) -> None:
        super().__init__(DIM_O)
        self.curve = torch.nn.Parameter(torch.tensor(weights))
        self.asked: list[torch.Tensor] = []

    def context(self, state: torch.Tensor) -> Context:
        return (state[:, None],)

    def energy(self, context: Context, chunks: torch.Tensor) -> torch.Tensor:
        self.asked.append(chunks.detach())
        return (chunks.square() * self.curve).sum(-1)


def test_info_nce_by_hand() -> None:
    """Against the definition in numpy, over the samples the energy was evaluated at."""
    numbers = method("ibc", temperature=0.7, penalty_weight=0.0)
    bowl = Bowl([1.0, 0.5, 2.0, 0.1])
    batch = random_batch(3, torch.ones(5, DIM))
    loss, _ = info_nce_loss(bowl, batch, numbers, torch.Generator().manual_seed(0))
    samples = bowl.asked[-1].numpy().astype(np.float64)
    assert samples.shape == (5, 1 + 16, DIM)
    assert np.array_equal(samples[:, 0], batch.human.numpy()), "the human's chunk is the only positive"
    assert not (samples[:, 1:] == batch.robot.numpy()[:, None]).all(-1).any()
    energies = (samples**2 * bowl.curve.detach().numpy().astype(np.float64)).sum(-1)
    shares = np.exp(-energies / 0.7)
    assert loss.item() == pytest.approx(-np.log(shares[:, 0] / shares.sum(1)).mean(), rel=1e-5)


def test_info_nce_contrasts_only_what_was_taught() -> None:
    """All chunks of a state agree on untaught numbers, so an energy of these alone gives no contrast."""
    mask = torch.tensor([[1.0, 1, 0, 0]] * 6)
    blind = Bowl([0.0, 0.0, 5.0, 7.0])
    loss, _ = info_nce_loss(blind, random_batch(0, mask), method("ibc", penalty_weight=0.0), torch.Generator())
    assert loss.item() == pytest.approx(np.log(17), rel=1e-5)
    (gradient,) = torch.autograd.grad(loss, blind.curve)
    assert torch.allclose(gradient[2:], torch.zeros(2), atol=1e-6)
    assert gradient[:2].abs().min() > 1e-3
    rest = blind.asked[-1][..., 2:]
    assert torch.equal(rest, rest[:, :1].expand_as(rest))
    assert len(rest[:, 0].unique(dim=0)) == 6


@pytest.mark.parametrize(("kind", "updates"), [("bc", 50), ("flow", 100), ("ibc", 70)])
def test_a_taught_first_step_is_learnt_whatever_the_untaught_steps_hold(kind: str, updates: int) -> None:
    trainer = make(kind, **no_penalty(kind))
    mask = np.array([[1, 1], [0, 0]], np.float32)
    for number in range(100):
        rng = np.random.default_rng(number)
        state, robot = rng.uniform(-1, 1, DIM_O).astype(np.float32), rng.uniform(-1, 1, CHUNK).astype(np.float32)
        human = np.stack([target(state)[0], np.full(2, 50, np.float32)])  # would spoil the fit if it were used
        trainer.add(number, "absolute", state, robot, human, mask)
    for _ in range(updates):
        trainer.update()
    policy = policy_of(trainer)
    errors = [np.abs(policy.plan(s, NOTHING, None).chunk[0] - target(s)[0]).mean() for s in new_states(30)]
    assert np.mean(errors) < 0.15
