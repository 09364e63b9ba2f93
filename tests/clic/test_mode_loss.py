"""The mode loss: distances by geometry, which modes it moves and where, and its effect on learning."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_clic import Numbers, slow_distance

from hitl_clic.clic.desired_set import circular_gap, half_space_gap
from hitl_clic.clic.energies import make_energy
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.policy import EnergyPolicy
from hitl_clic.clic.settings import ClicSettings, EnergySettings, ModeLossSettings, NegativeSettings
from hitl_clic.clic.shaping import Batch, mode_loss
from hitl_clic.clic.trainer import ChunkTrainer

FEW = settings(max_examples=40, deadline=None)


pytestmark = pytest.mark.usefixtures("one_thread")


@st.composite
def cases(draw: st.DrawFn) -> tuple[Numbers, Numbers, Numbers, Numbers]:
    """samples [S, D], robot, human, mask [D]; at least one coordinate is taught, and there robot and human differ."""
    s, d = draw(st.integers(1, 5)), draw(st.integers(1, 9))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    samples, robot, human = rng.uniform(-1, 1, (s, d)), *rng.uniform(-1, 1, (2, d))
    mask = np.ones(d) if draw(st.booleans()) else (rng.random(d) < 0.6).astype(float)
    mask[0] = 1
    robot[0] = human[0] + draw(st.sampled_from([-0.4, 0.1, 0.7]))
    return samples, robot, human, mask


def rows(*arrays: Numbers) -> tuple[torch.Tensor, ...]:
    return tuple(torch.from_numpy(a)[None] for a in arrays)


@FEW
@given(cases(), st.floats(0, 1))
def test_circular_gap(case: tuple[Numbers, ...], gamma: float) -> None:
    """Moved by its gap towards a^h a sample lies on the boundary; one within has none."""
    samples, robot, human, mask = case
    gaps = circular_gap(*rows(samples, robot, human, mask), gamma)[0].numpy()
    radius = gamma * slow_distance(robot, human, mask)
    for sample, gap in zip(samples, gaps, strict=True):
        away = slow_distance(sample, human, mask)
        if away <= radius:
            assert gap == pytest.approx(0, abs=1e-9)
        else:
            moved = sample + gap * mask * (human - sample) / away
            assert slow_distance(moved, human, mask) == pytest.approx(radius, abs=1e-9)


@FEW
@given(cases())
def test_half_space_gap(case: tuple[Numbers, ...]) -> None:
    """Moved by its gap along the correction a sample is as far from a^r as from a^h; one closer to a^h has none."""
    samples, robot, human, mask = case
    gaps = half_space_gap(*rows(samples, robot, human, mask))[0].numpy()
    along = mask * (human - robot) / slow_distance(human, robot, mask)
    for sample, gap in zip(samples, gaps, strict=True):
        if slow_distance(sample, human, mask) <= slow_distance(sample, robot, mask):
            assert gap == pytest.approx(0, abs=1e-9)
        else:
            moved = sample + gap * along
            assert slow_distance(moved, human, mask) == pytest.approx(slow_distance(moved, robot, mask), abs=1e-9)


def test_an_empty_correction_has_no_mode_loss() -> None:
    """a^r = a^h, or nothing was taught: a half-space without a normal. The loss is finite and its gradient 0."""
    chunks, same = torch.rand(2, 3, 4), torch.rand(2, 4)
    mask = torch.tensor([[1.0, 1, 1, 1], [0, 0, 0, 0]])
    chunks.requires_grad_(True)
    half_space_gap(chunks, same, same, mask).square().sum().backward()
    assert chunks.grad is not None
    assert torch.equal(chunks.grad, torch.zeros_like(chunks))


class _DoubleWell(torch.nn.Module):
    """One state, centres at (0.8, 0) and (-0.8, 0), each chunk belongs to the nearer one."""

    def __init__(self) -> None:
        super().__init__()
        self.places = torch.nn.Parameter(torch.tensor([[[0.8, 0.0], [-0.8, 0.0]]]))

    def centres(self, context: tuple[torch.Tensor, ...]) -> torch.Tensor:
        del context
        return self.places

    def shares(self, context: tuple[torch.Tensor, ...], chunks: torch.Tensor) -> torch.Tensor:
        del context
        return torch.softmax(-20 * torch.cdist(chunks, self.places), dim=-1)


def push_of(robot: tuple[float, float], human: tuple[float, float], relative: bool, ratio: float = 0.5) -> Numbers:
    """Where the two centres are pushed to, [2, 2]: minus the gradient."""
    modes = _DoubleWell()
    batch = Batch(
        torch.zeros(1, 1), torch.tensor([robot]), torch.tensor([human]), torch.ones(1, 2), torch.tensor([relative])
    )
    numbers = ClicSettings(mode_loss=ModeLossSettings(weight=1.0, ratio=ratio))
    mode_loss(modes, (), batch, numbers).backward()  # type: ignore[arg-type]
    assert modes.places.grad is not None
    return -modes.places.grad[0].numpy()


def test_only_the_responsible_mode_moves_and_only_to_the_edge_of_the_desired_set() -> None:
    push = push_of(robot=(0.8, 0.0), human=(0.8, 0.6), relative=False)
    assert push[0] == pytest.approx([0.0, 0.6], abs=1e-5)  # twice the 0.3 that are missing to a radius of 0.3
    assert push[1] == pytest.approx([0.0, 0.0], abs=1e-5), "the other mode stays free for the other solution"
    push = push_of(robot=(0.8, 0.0), human=(0.8, 0.6), relative=False, ratio=0.0)
    assert push[0] == pytest.approx([0.0, 1.2], abs=1e-5)
    push = push_of(robot=(0.2, 0.0), human=(0.8, 0.2), relative=False)
    assert push == pytest.approx(np.zeros((2, 2)), abs=1e-6), "it lies within already"


def test_a_relative_correction_moves_the_mode_to_its_half_space() -> None:
    push = push_of(robot=(0.8, 0.0), human=(0.8, 0.4), relative=True)
    assert push[0] == pytest.approx([0.0, 0.4], abs=1e-5)  # twice the 0.2 to the middle
    push = push_of(robot=(0.8, -0.4), human=(0.8, -0.1), relative=True)
    assert push == pytest.approx(np.zeros((2, 2)), abs=1e-6), "beyond a^h is no reason to go back"


def test_an_energy_without_modes_has_no_mode_loss() -> None:
    energy = make_energy(3, ChunkShape(2, 2), EnergySettings(kind="film", modes=0))
    batch = Batch(torch.zeros(1, 3), torch.zeros(1, 4), torch.ones(1, 4), torch.ones(1, 4), torch.tensor([False]))
    numbers = ClicSettings(mode_loss=ModeLossSettings(weight=1.0))
    assert float(mode_loss(energy, energy.context(batch.state), batch, numbers)) == 0


DIM_O, CHUNK = 4, ChunkShape(8, 14)


def error_after(weight: float, updates: int = 150) -> float:
    """Mean error of a number of a plan in untaught states, for chunks of 112 numbers; a random guess errs by 0.4."""
    rng = np.random.default_rng(3)
    mixing = rng.normal(size=(DIM_O, CHUNK.dim)).astype(np.float32)

    def wanted(state: np.ndarray) -> np.ndarray:
        return 0.8 * np.sin(state @ mixing).reshape(CHUNK)

    numbers = ClicSettings(
        network=EnergySettings(kind="film", hidden=(64, 64), trunk=(128, 128), modes=4),
        negatives=NegativeSettings(start="proposals", samples=16, steps=1),
        mode_loss=ModeLossSettings(weight=weight, ratio=0.25),
        boundary_power=10.0,
        penalty_samples=6,
        learning_rate=3e-3,
        batch=64,
        min_pairs=8,
    )
    trainer = ChunkTrainer(DIM_O, CHUNK.dim_a, CHUNK.horizon, numbers, seed=0)
    for number in range(600):
        state = rng.uniform(-1, 1, DIM_O).astype(np.float32)
        human = wanted(state)
        robot = np.clip(human + 0.5 * rng.normal(size=CHUNK), -1, 1).astype(np.float32)
        trainer.add(number, "absolute", state, robot, human.astype(np.float32), np.ones(CHUNK, np.float32))
    for _ in range(updates):
        trainer.update()
    policy = EnergyPolicy(trainer.weights(), DIM_O, CHUNK, numbers, torch.Generator())
    nothing = np.zeros((0, CHUNK.dim_a), np.float32)
    states = rng.uniform(-0.9, 0.9, (20, DIM_O)).astype(np.float32)
    return float(np.mean([np.abs(policy.plan(s, nothing, None).chunk - wanted(s)).mean() for s in states]))


def test_long_chunks_are_learnt_much_faster_with_the_mode_loss() -> None:
    without, with_it = error_after(0.0), error_after(1.0)
    assert with_it < 0.6 * without, (with_it, without)
