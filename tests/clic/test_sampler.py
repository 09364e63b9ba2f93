"""Langevin chains: their steps, their bounds, and that they sample the distribution they should."""

from __future__ import annotations

import itertools
from typing import get_args

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor

from hitl_clic.clic.energy import Context, Energy
from hitl_clic.clic.sampler import (
    clamp_prefix,
    draw_negatives,
    langevin,
    langevin_step,
    proposals,
    step_sizes,
    uniform,
)
from hitl_clic.clic.settings import NegativeSettings, NegativeStart

FEW = settings(max_examples=40, deadline=None)


pytestmark = pytest.mark.usefixtures("one_thread")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


class Bowl(Energy):
    """E = sum_i k_i (a_i - c_i)^2 / 2: its Boltzmann distribution is normal with variance 1 / k_i."""

    def __init__(self, stiffness: list[float], centre: list[float]) -> None:
        super().__init__(1)
        self.stiffness, self.centre = torch.tensor(stiffness), torch.tensor(centre)

    def context(self, state: Tensor) -> Context:
        return (state[:, None],)

    def energy(self, context: Context, chunks: Tensor) -> Tensor:
        return 0.5 * (self.stiffness * (chunks - self.centre).square()).sum(-1)


CONTEXT = (torch.zeros(1, 1, 1),)


@FEW
@given(st.integers(2, 60), st.floats(1e-3, 1), st.floats(1e-6, 1e-3))
def test_step_sizes(steps: int, start: float, end: float) -> None:
    sizes = step_sizes(steps, start, end)
    expected = (start - end) * (1 - np.arange(steps) / (steps - 1)) ** 2 + end
    assert np.allclose(sizes, expected, rtol=1e-12)
    assert sizes[0] == pytest.approx(start)
    assert sizes[-1] == pytest.approx(end)
    assert all(a >= b for a, b in itertools.pairwise(sizes))


def test_step_sizes_of_short_chains() -> None:
    assert step_sizes(0, 0.1, 1e-5) == []
    assert step_sizes(1, 0.1, 1e-5) == [0.1]


@pytest.mark.parametrize(("noise", "pull", "spread"), [("sqrt", 0.02, 0.2), ("linear", 0.01, 0.02)])
def test_one_step(noise: str, pull: float, spread: float) -> None:
    """With 0.02 sqrt moves by -0.02 g + sqrt(0.04) w, linear by -(0.01 g + 0.02 w); without noise it only pulls."""
    chunks = torch.zeros(1, 1, 200_000)
    gradient = torch.full_like(chunks, 3.0)
    still = langevin_step(chunks, gradient, 0.02, noise, 2.0, None)
    assert torch.allclose(still, torch.full_like(chunks, -3 * pull))
    moved = langevin_step(chunks, gradient, 0.02, noise, 2.0, seeded())
    assert moved.mean().item() == pytest.approx(-3 * pull, abs=spread / 100)
    assert moved.std().item() == pytest.approx(spread, rel=0.01)
    assert not chunks.any(), "the chunks given are left alone"
    assert torch.equal(gradient, torch.full_like(chunks, 3.0))


@FEW
@given(st.integers(0, 1000), st.sampled_from(["sqrt", "linear"]), st.floats(0.01, 0.5), st.floats(0.001, 2))
def test_a_step_is_clipped_and_stays_in_the_box(seed: int, noise: str, clip: float, size: float) -> None:
    generator = seeded(seed)
    chunks = uniform(2, 3, 5, generator)
    gradient = 1e4 * torch.randn(chunks.shape, generator=generator).sign()  # far stronger than any noise
    moved = langevin_step(chunks, gradient, size, noise, clip, generator)
    assert moved.abs().max() <= 1
    assert (moved - chunks).abs().max() <= clip + 1e-6
    inside = moved.abs() < 1
    assert torch.allclose((moved - chunks).abs()[inside], torch.tensor(clip), atol=1e-6), "pulled as far as allowed"


def test_the_chain_samples_the_boltzmann_distribution() -> None:
    """[CC] Eq. 7 with a small step: mean and variance of exp(-E), within what 4096 chains can tell.

    A step of size h has the variance 1 / (k (1 - h k / 2)) exactly; a variance of n normal numbers errs by sqrt(2 / n).
    """
    stiffness, centre, size = [50.0, 100.0], [0.2, -0.3], 5e-4
    found = langevin(
        Bowl(stiffness, centre), CONTEXT, uniform(1, 4096, 2, seeded(1)), [size] * 400, "sqrt", 2.0, seeded(2)
    )[0]
    for i, (k, c) in enumerate(zip(stiffness, centre, strict=True)):
        assert found[:, i].mean().item() == pytest.approx(c, abs=4 * (1 / k / 4096) ** 0.5)
        exact = 1 / (k * (1 - size * k / 2))
        assert found[:, i].var().item() == pytest.approx(exact, rel=4 * (2 / 4096) ** 0.5)
    assert abs(np.corrcoef(found.T.numpy())[0, 1]) < 4 / 4096**0.5


class DoubleWell(Energy):
    """E = 2 ((a/c)^2 - 1)^2 + 0.4 a/c on one coordinate, c = 0.4: the left minimum is deeper, the barrier is 2."""

    def context(self, state: Tensor) -> Context:
        return (state[:, None],)

    def energy(self, context: Context, chunks: Tensor) -> Tensor:
        x = chunks[..., 0] / 0.4
        return 2 * (x.square() - 1).square() + 0.4 * x

    def energy_and_gradient(self, context: Context, chunks: Tensor) -> tuple[Tensor, Tensor]:
        x = chunks / 0.4
        return self.energy(context, chunks), (8 * x * (x.square() - 1) + 0.4) / 0.4


def test_the_chain_samples_both_minima_of_a_double_well() -> None:
    """Pearson's statistic of 4096 chains in eight bins of equal probability, by numerical integration of exp(-E).

    For exact samples it exceeds 30 once in ten thousand; the step's discretisation adds less than 2. All chains
    start in the shallower minimum, so they must cross the barrier at the right rates.
    """
    modes, count = DoubleWell(1), 4096
    grid = torch.linspace(-1, 1, 200_001, dtype=torch.float64)
    density = torch.exp(-modes.energy(CONTEXT, grid[:, None]))
    edges = grid[torch.searchsorted(density.cumsum(0) / density.sum(), torch.arange(1, 8, dtype=torch.float64) / 8)]
    start = torch.full((1, count, 1), 0.4)
    found = langevin(modes, CONTEXT, start, [4e-4] * 6000, "sqrt", 2.0, seeded(3))[0, :, 0]
    counts = torch.bincount(torch.bucketize(found.double(), edges), minlength=8)
    expected = count / 8
    assert ((counts - expected).square() / expected).sum() < 30


def test_without_noise_it_descends() -> None:
    bowl = Bowl([4.0, 9.0], [0.5, -0.25])
    found = langevin(bowl, CONTEXT, uniform(1, 20, 2, seeded()), [0.2] * 60, "linear", 0.3, None)
    assert torch.allclose(found, bowl.centre.expand_as(found), atol=1e-3)


def test_a_wanted_point_outside_the_box_ends_at_its_edge() -> None:
    found = langevin(Bowl([4.0], [3.0]), CONTEXT, uniform(1, 20, 1, seeded()), [0.2] * 60, "sqrt", 0.3, None)
    assert torch.equal(found, torch.ones_like(found))


@pytest.mark.parametrize("steps", [0, 1, 7])
def test_what_is_committed_never_moves(steps: int) -> None:
    committed = torch.tensor([0.7, -0.7, 0.1])
    start = uniform(1, 9, 5, seeded())
    found = langevin(
        Bowl([5.0] * 5, [0.0] * 5), CONTEXT, start, [0.1] * steps, "sqrt", 0.1, seeded(), committed=committed
    )
    assert torch.equal(found[0, :, :3], committed.expand(9, 3))
    assert torch.equal(found[..., 3:], start[..., 3:]) == (steps == 0)


def test_the_free_rest_settles_given_what_is_committed() -> None:
    """A coupled energy, so that the rest depends on the committed prefix: E = 8 (a_1 - a_0)^2."""

    class Coupled(Bowl):
        def energy(self, context: Context, chunks: Tensor) -> Tensor:
            return 8 * (chunks[..., 1] - chunks[..., 0]).square()

    found = langevin(
        Coupled([1.0], [0.0]), CONTEXT, uniform(1, 9, 2, seeded()), [0.05] * 100, "sqrt", 0.1, None, torch.tensor([0.6])
    )
    assert torch.allclose(found, torch.full_like(found, 0.6), atol=1e-3)


def test_clamp_prefix_copies() -> None:
    chunks = torch.zeros(1, 2, 3)
    clamped = clamp_prefix(chunks, torch.tensor([0.5]))
    assert clamped[0].tolist() == [[0.5, 0, 0], [0.5, 0, 0]]
    assert not chunks.any()


@FEW
@given(st.integers(1, 4), st.integers(1, 40), st.integers(1, 12), st.integers(0, 99))
def test_proposals_and_uniform_stay_in_the_box(batch: int, samples: int, dim: int, seed: int) -> None:
    ends = uniform(2, batch, dim, seeded(seed + 1)).sign()  # corners, from where jitter leaves the box
    for found in (proposals(ends[0], ends[1], samples, seeded(seed)), uniform(batch, samples, dim, seeded(seed))):
        assert found.shape == (batch, samples, dim)
        assert found.abs().max() <= 1
        assert found.dtype == torch.float32


def test_proposals_look_near_and_far() -> None:
    """Of 400 samples a quarter each around a^h and a^r at many scales, and a quarter near other states' a^h."""
    human = torch.tensor([[0.5] * 6, [-0.5] * 6])
    robot = torch.tensor([[0.0] * 6, [0.9, -0.9] * 3])
    found = proposals(robot, human, 400, seeded())
    for i in range(2):
        to_human, to_robot, to_other = ((found[i] - point).norm(dim=-1) for point in (human[i], robot[i], human[1 - i]))
        assert 20 < (to_human < 0.1).sum() < 200
        assert 15 < (to_robot < 0.1).sum() < 100
        assert 20 < (to_other < 0.3).sum() < 120
        far = (to_human > 0.7) & (to_robot > 0.7) & (to_other > 0.7)
        assert far.sum() > 80


@pytest.mark.parametrize("start", get_args(NegativeStart))
def test_negatives(start: NegativeStart) -> None:
    numbers = NegativeSettings(
        start=start,
        samples=10,
        steps=3,
        noise="linear",
        step_start=0.1,
        step_end=1e-5,
        clip=0.1,
    )
    bowl = Bowl([2.0] * 4, [0.1] * 4)
    context = (torch.zeros(3, 1, 1),)
    near = tuple(uniform(2, 3, 4, seeded(5)))
    found = draw_negatives(bowl, context, *near, numbers, seeded(7))
    assert found.shape == (3, 10, 4)
    assert not found.requires_grad
    assert found.abs().max() <= 1
    assert torch.equal(found, draw_negatives(bowl, context, *near, numbers, seeded(7)))
    assert not torch.equal(found, draw_negatives(bowl, context, *near, numbers, seeded(8)))
    unmoved = numbers.model_copy(update={"steps": 0})
    begin = draw_negatives(bowl, context, *near, unmoved, seeded(7))
    assert (bowl.energy(context, found) < bowl.energy(context, begin)).float().mean() > 0.6


def test_global_randomness_is_neither_used_nor_touched() -> None:
    torch.manual_seed(3)
    before = torch.get_rng_state()
    first = proposals(torch.zeros(2, 4), torch.ones(2, 4), 16, seeded())
    assert torch.equal(before, torch.get_rng_state())
    torch.manual_seed(4)
    assert torch.equal(first, proposals(torch.zeros(2, 4), torch.ones(2, 4), 16, seeded()))
