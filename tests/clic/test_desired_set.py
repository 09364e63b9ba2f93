"""Desired spaces and policy shaping against slow loops in float64 that share no code with them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_clic import (
    Numbers,
    slow_circular,
    slow_distance,
    slow_half,
    slow_implicit,
    slow_kl,
    slow_penalty,
    slow_target,
)

from hitl_clic.clic.desired_set import (
    circular_log_p,
    distance,
    draw_directions,
    half_space_log_p,
    implicit_log_p,
    radius,
)
from hitl_clic.clic.energies import ENERGIES, make_energy
from hitl_clic.clic.energy import Context, Energy
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.settings import ClicSettings, EnergyKind, EnergySettings, HalfSpaceSettings, NegativeSettings
from hitl_clic.clic.shaping import (
    Batch,
    gradient_penalty,
    kl_to_target,
    log_target,
    observation_log_p,
    shaping_loss,
)

FEW = settings(max_examples=40, deadline=None)


pytestmark = pytest.mark.usefixtures("one_thread")


def tensor(a: Numbers) -> torch.Tensor:
    return torch.from_numpy(a)


@st.composite
def cases(draw: st.DrawFn) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """samples [B, S, D], robot, human, mask [B, D]; sometimes a sample is the human's or the robot's chunk itself."""
    b, s, d = draw(st.integers(1, 3)), draw(st.integers(1, 5)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    robot, human = rng.uniform(-1, 1, (2, b, d))
    samples = rng.uniform(-1, 1, (b, s, d))
    mask = np.ones((b, d)) if draw(st.booleans()) else (rng.random((b, d)) < 0.6).astype(float)
    if draw(st.booleans()):
        samples[:, 0] = human
    if draw(st.booleans()):
        samples[:, -1] = robot
    if draw(st.booleans()):
        robot = human.copy()
    return samples, robot, human, mask


unit = st.floats(0.01, 1.0)


@FEW
@given(cases(), unit)
def test_radius_is_the_ratio_of_the_masked_distance(case: tuple[Numbers, ...], gamma: float) -> None:
    _, robot, human, mask = case
    expected = [gamma * slow_distance(r, h, m) for r, h, m in zip(robot, human, mask, strict=True)]
    assert np.allclose(radius(tensor(robot), tensor(human), tensor(mask), gamma), expected, atol=1e-11)


@FEW
@given(cases(), unit, unit)
def test_circular_log_p(case: tuple[Numbers, ...], gamma: float, t: float) -> None:
    samples, robot, human, mask = case
    found = circular_log_p(tensor(samples), tensor(robot), tensor(human), tensor(mask), gamma, t)
    assert np.allclose(found, slow_circular(samples, robot, human, mask, gamma, t), rtol=1e-9, atol=1e-9)


@FEW
@given(cases(), unit)
def test_half_space_log_p(case: tuple[Numbers, ...], t: float) -> None:
    samples, robot, human, mask = case
    found = half_space_log_p(tensor(samples), tensor(robot), tensor(human), tensor(mask), t)
    assert np.allclose(found, slow_half(samples, robot, human, mask, t), rtol=1e-9, atol=1e-9)


def test_the_ball_and_the_half_space_are_where_they_should_be() -> None:
    """By hand: a^r = 0, a^h = 1 on one axis, gamma 0.5: the ball ends at 0.5, the half-space too."""
    robot, human, mask = torch.zeros(1, 1), torch.ones(1, 1), torch.ones(1, 1)
    samples = torch.tensor([[[0.5], [1.0], [0.0], [1.4], [1.6]]])
    p = circular_log_p(samples, robot, human, mask, 0.5, 0.05).exp()[0]
    assert p[0] == pytest.approx(0.5)
    assert p[1] > 0.99
    assert p[2] < 1e-4
    assert p[3] > 0.5 > p[4], "the ball has a far side too"
    half = half_space_log_p(samples, robot, human, mask, 0.05).exp()[0]
    assert half[0] == pytest.approx(0.5)
    assert half[2] < 0.01
    assert half[4] > 0.99, "beyond a^h is still an improvement"


def test_unknown_coordinates_do_not_matter() -> None:
    rng = np.random.default_rng(0)
    robot, human = tensor(rng.uniform(-1, 1, (1, 6))), tensor(rng.uniform(-1, 1, (1, 6)))
    mask = torch.tensor([[1.0, 1, 1, 0, 0, 0]], dtype=torch.float64)
    samples = tensor(rng.uniform(-1, 1, (1, 8, 6)))
    moved = samples.clone()
    moved[..., 3:] = tensor(rng.uniform(-1, 1, (1, 8, 3)))
    for log_p in (
        lambda s: circular_log_p(s, robot, human, mask, 0.5, 0.05),
        lambda s: half_space_log_p(s, robot, human, mask, 0.05),
    ):
        assert torch.equal(log_p(samples), log_p(moved))
        moved_known = samples.clone()
        moved_known[..., 0] += 0.3
        assert not torch.allclose(log_p(samples), log_p(moved_known))


def test_log_p_is_finite_far_out_in_float32() -> None:
    """The naive log(sigmoid(x)) is -inf here."""
    far = torch.full((1, 1, 512), -1.0)
    ones = torch.ones(1, 512)
    log_p = circular_log_p(far, ones * 0.9, ones, ones, 0.1, 0.01)
    assert torch.isfinite(log_p).all()
    assert log_p.item() < -4000
    assert torch.isfinite(distance(ones, ones, ones)).all()


@FEW
@given(st.integers(0, 2**32 - 1), st.floats(0.1, 5), st.floats(0.5, 10), st.floats(0.1, 100))
def test_target_and_divergence(seed: int, tau: float, power: float, size: float) -> None:
    rng = np.random.default_rng(seed)
    energy, log_p = rng.normal(0, size, (3, 7)), -rng.exponential(5, (3, 7))
    target = log_target(tensor(energy), tensor(log_p), tau, power)
    expected = slow_target(energy, log_p, tau, power)
    assert np.allclose(target, expected, rtol=1e-9, atol=1e-9)
    assert np.allclose(target.exp().sum(-1), 1)
    found = float(kl_to_target(tensor(energy), target, tau))
    assert found == pytest.approx(slow_kl(energy, expected, tau), rel=1e-8, abs=1e-10)
    assert found >= -1e-12


def test_divergence_is_zero_only_at_the_target_and_does_not_move_it() -> None:
    energy = torch.tensor([[0.3, -1.0, 2.0]], requires_grad=True)
    same = log_target(energy, torch.zeros(1, 3), 1.0, 1.0)
    assert kl_to_target(energy, same, 1.0).item() == pytest.approx(0, abs=1e-7)
    wanted = log_target(energy, torch.tensor([[0.0, -50.0, -50.0]]), 1.0, 1.0)
    assert not wanted.requires_grad, "Eq. 10: the target is a constant"
    loss = kl_to_target(energy, wanted, 1.0)
    (gradient,) = torch.autograd.grad(loss, energy)
    assert loss.item() > 0.1
    assert gradient[0, 0] > 0, "less energy for the sample that lies in the desired set"
    assert gradient[0, 1] < 0
    assert gradient[0, 2] < 0


@FEW
@given(st.integers(0, 2**32 - 1), st.floats(0, 3))
def test_gradient_penalty(seed: int, margin: float) -> None:
    gradient = np.random.default_rng(seed).normal(0, 2, (2, 4, 5))
    assert float(gradient_penalty(tensor(gradient), margin)) == pytest.approx(slow_penalty(gradient, margin))


# ---- the whole loss


def method(**changes: object) -> ClicSettings:
    """All settings are explicit, so that no default changes a test."""
    numbers: dict[str, object] = {
        "negatives": NegativeSettings(
            start="proposals", samples=12, steps=2, noise="linear", step_start=0.1, step_end=1e-5, clip=0.1
        ),
        "half_space": HalfSpaceSettings(
            pairs=8, angle_deg=30, tightness=0.1, observed_weight=0.3, boundary_temperature=0.1
        ),
        "radius_ratio": 0.5,
        "boundary_temperature": 0.05,
        "boundary_power": 3.0,
        "temperature": 0.7,
        "penalty_margin": 0.4,
        "penalty_weight": 0.6,
        "penalty_samples": 0,
    }
    return ClicSettings(**{**numbers, **changes})


def make_batch(rng: np.random.Generator, b: int, o: int, d: int, relative: bool = False, masked: bool = False) -> Batch:
    def draw(*shape: int) -> torch.Tensor:
        return torch.from_numpy(rng.uniform(-1, 1, shape).astype(np.float32))

    mask = (torch.from_numpy(rng.random((b, d))) < 0.6).float() if masked else torch.ones(b, d)
    kinds = torch.from_numpy(rng.random(b) < 0.5) if relative else torch.zeros(b, dtype=torch.bool)
    return Batch(draw(b, o), draw(b, d), draw(b, d), mask, kinds)


class Spy(Energy):
    """A paraboloid around a state-dependent point that remembers which chunks it was last asked about with grad."""

    def __init__(self, dim_o: int, dim: int) -> None:
        super().__init__(dim_o)
        generator = torch.Generator().manual_seed(0)
        self.matrix = torch.nn.Parameter(torch.randn(dim, dim_o, generator=generator))
        self.seen: list[torch.Tensor] = []

    def context(self, state: torch.Tensor) -> Context:
        return ((state @ self.matrix.T)[:, None],)

    def energy(self, context: Context, chunks: torch.Tensor) -> torch.Tensor:
        if context[0].requires_grad:
            self.seen.append(chunks.detach().clone())
        return 0.5 * (chunks - context[0]).square().sum(-1)


def slow_loss(
    energy: Spy, batch: Batch, samples: torch.Tensor, few: int, m: ClicSettings, directions: torch.Tensor
) -> tuple[float, float]:
    """(KL, penalty) of the samples, one number at a time."""
    a = samples.double().numpy()
    robot, human, mask = (t.double().numpy() for t in (batch.robot, batch.human, batch.mask))
    centre = batch.state.double().numpy() @ energy.matrix.detach().double().numpy().T
    values = np.array([[0.5 * sum((x - c) ** 2) for x in row] for row, c in zip(a, centre, strict=True)])
    gradient = a[:, :few] - centre[:, None]
    log_p = slow_circular(a, robot, human, mask, m.radius_ratio, m.boundary_temperature)
    half = slow_implicit(a, robot, human, mask, directions.double().numpy(), 30, 0.1, 0.3, 0.1)
    for i, relative in enumerate(batch.relative.tolist()):
        if relative:
            log_p[i] = half[i]
    target = slow_target(values, log_p, m.temperature, m.boundary_power)
    return slow_kl(values, target, m.temperature), slow_penalty(gradient, m.penalty_margin)


def test_a_penalty_of_few_looks_at_any_samples() -> None:
    """The penalty uses random samples, not always the two chunks of the pair, which come first."""
    batch = make_batch(np.random.default_rng(0), 1, 3, 6)
    looked_at_human = 0
    for seed in range(20):
        energy = Spy(3, 6)
        shaping_loss(energy, batch, method(penalty_samples=3), torch.Generator().manual_seed(seed))
        assert energy.seen[0].shape == (1, 3, 6)
        looked_at_human += bool((energy.seen[0][0] == batch.human[0]).all(-1).any())
    assert 0 < looked_at_human < 15


@FEW
@given(
    seed=st.integers(0, 2**32 - 1),
    relative=st.booleans(),
    masked=st.booleans(),
    penalty_samples=st.sampled_from([0, 5]),
    gamma=st.floats(0.05, 1),
    boundary=st.floats(0.02, 1),
    power=st.floats(0.5, 12),
    tau=st.floats(0.2, 4),
)
def test_loss_of_a_whole_batch(
    seed: int,
    relative: bool,
    masked: bool,
    penalty_samples: int,
    gamma: float,
    boundary: float,
    power: float,
    tau: float,
) -> None:
    """Eq. 5, 6 and 9 to 11 and the half-space, with power, temperature, masks and kinds mixed, in float64."""
    m = method(
        penalty_samples=penalty_samples,
        radius_ratio=gamma,
        boundary_temperature=boundary,
        boundary_power=power,
        temperature=tau,
    )
    drawn = [torch.zeros(0, 6)]

    def draw(dim: int, pairs: int, generator: torch.Generator) -> torch.Tensor:
        drawn.append(draw_directions(dim, pairs, generator))
        return drawn[-1]

    torch.set_default_dtype(torch.float64)
    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr("hitl_clic.clic.shaping.draw_directions", draw)
            batch = make_batch(np.random.default_rng(seed), 3, 3, 6, relative, masked)
            floats = (batch.state, batch.robot, batch.human, batch.mask)
            batch = Batch(*(a.double() for a in floats), batch.relative)
            energy = Spy(3, 6)
            loss, terms = shaping_loss(energy, batch, m, torch.Generator().manual_seed(1))
    finally:
        torch.set_default_dtype(torch.float32)
    samples = torch.cat(energy.seen, dim=1)  # the set: the loss asks about each sample once with grad
    assert samples.shape == (3, 14, 6)
    for i in range(3):  # Eq. 9: both chunks of the pair are in the evaluation set, as far as they were taught
        known = batch.mask[i] > 0
        for chunk in (batch.human[i], batch.robot[i]):
            assert (samples[i] == chunk)[:, known].all(-1).any()
    kl, penalty = slow_loss(energy, batch, samples, penalty_samples or 14, m, drawn[-1])
    assert float(terms["kl"]) == pytest.approx(kl, rel=1e-7, abs=1e-9)
    assert float(terms["penalty"]) == pytest.approx(penalty, rel=1e-7)
    assert float(loss.detach()) == pytest.approx(kl + 0.6 * penalty, rel=1e-7)
    assert float(terms["loss"]) == float(loss.detach())


def test_the_features_of_a_state_are_computed_once_and_no_gradient_passes_the_chains() -> None:
    """The gradient is that of the same samples, given as constants."""
    batch = make_batch(np.random.default_rng(3), 3, 3, 4)
    m = method(penalty_samples=0)
    gradients: list[torch.Tensor] = []
    drawn: list[torch.Tensor] = []
    with pytest.MonkeyPatch.context() as patch:
        for _ in range(2):
            energy = Spy(3, 4)
            calls = []
            patch.setattr(
                energy, "context", lambda state, of=energy, calls=calls: calls.append(1) or Spy.context(of, state)
            )
            loss, _ = shaping_loss(energy, batch, m, torch.Generator().manual_seed(0))
            assert len(calls) == 1
            loss.backward()
            assert energy.matrix.grad is not None
            gradients.append(energy.matrix.grad)
            drawn.append(torch.cat(energy.seen, dim=1))
            patch.setattr("hitl_clic.clic.shaping.draw_negatives", lambda *_: drawn[0][:, 2:])
    assert torch.equal(*drawn)
    assert torch.equal(*gradients)
    assert gradients[0].abs().max() > 0


def test_no_penalty_without_weight() -> None:
    batch = make_batch(np.random.default_rng(0), 3, 3, 4)
    loss, terms = shaping_loss(Spy(3, 4), batch, method(penalty_weight=0.0), torch.Generator().manual_seed(0))
    assert terms["penalty"] == 0
    assert float(loss.detach()) == float(terms["kl"])


def test_the_kind_of_each_row_decides_its_space() -> None:
    batch = make_batch(np.random.default_rng(5), 4, 2, 6)
    mixed = Batch(batch.state, batch.robot, batch.human, batch.mask, torch.tensor([True, False, True, False]))
    m = method()
    samples = torch.rand(4, 9, 6, generator=torch.Generator().manual_seed(0)) * 2 - 1
    generator = torch.Generator().manual_seed(4)
    found = observation_log_p(samples, mixed, m, generator)
    circle = circular_log_p(samples, batch.robot, batch.human, batch.mask, 0.5, 0.05)
    directions = draw_directions(6, 8, torch.Generator().manual_seed(4))
    half = implicit_log_p(samples, batch.robot, batch.human, batch.mask, directions, m.half_space)
    assert torch.allclose(found[[0, 2]], half[[0, 2]])
    assert torch.equal(found[[1, 3]], circle[[1, 3]])
    assert torch.equal(observation_log_p(samples, batch, m, generator), circle)


@pytest.mark.parametrize("dim", [4, 64, 512])
@pytest.mark.parametrize("size", [1e4, -1e4])
@pytest.mark.parametrize("modes", [0, 4])
@pytest.mark.parametrize("kind", list(ENERGIES))
def test_huge_energies_stay_finite(kind: EnergyKind, modes: int, size: float, dim: int) -> None:
    with torch.random.fork_rng():
        torch.manual_seed(0)
        numbers = EnergySettings(kind=kind, hidden=(32, 32), trunk=(32,), modes=modes)
        energy = make_energy(5, ChunkShape(dim // 2, 2), numbers)
        out = energy.get_submodule("out")
        assert isinstance(out, torch.nn.Linear)
        torch.nn.init.normal_(out.weight, std=1.0)
    batch = make_batch(np.random.default_rng(1), 4, 5, dim, relative=True, masked=True)
    with torch.no_grad():
        values = energy.energy(energy.context(batch.state), batch.human[:, None])
        out.weight *= size / values.abs().mean()
        while (values := energy.energy(energy.context(batch.state), batch.human[:, None])).abs().max() < 9e3:
            out.weight *= 2  # the modes add to the network's energy
    loss, _ = shaping_loss(energy, batch, method(), torch.Generator().manual_seed(0))
    loss.backward()
    assert torch.isfinite(loss)
    gradients = [p.grad for p in energy.parameters() if p.grad is not None]
    assert len(gradients) >= 6
    assert all(torch.isfinite(g).all() for g in gradients)


def test_energies_apart_by_twenty_thousand() -> None:
    """The target has all its mass where the policy has none: the loss is finite and its gradient points there."""
    energy = torch.tensor([[1e4, -1e4, 0.0]], requires_grad=True)
    target = log_target(energy, torch.tensor([[0.0, -3e4, -3e4]]), 1.0, 1.0)
    loss = kl_to_target(energy, target, 1.0)
    loss.backward()
    assert torch.isfinite(loss)
    assert energy.grad is not None
    assert torch.isfinite(energy.grad).all()
    assert energy.grad[0, 0] > 0 > energy.grad[0, 1]
