"""The half-space with implicit contrastive pairs, and what partial corrections leave open."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_clic import Numbers, slow_circular, slow_implicit, slow_log_sigmoid, slow_negatives
from torch.overrides import TorchFunctionMode

from hitl_clic.clic.desired_set import draw_directions, half_space_log_p, implicit_log_p
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.settings import ClicSettings, HalfSpaceSettings
from hitl_clic.clic.shaping import Batch, observation_log_p, permute_untaught
from hitl_clic.methods import make_policy, make_trainer
from hitl_clic.settings_layers import load

FEW = settings(max_examples=60, deadline=None)


pytestmark = pytest.mark.usefixtures("one_thread")


def seeded(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def tensor(a: Numbers) -> torch.Tensor:
    return torch.from_numpy(a)


def numbers(**changes: Any) -> HalfSpaceSettings:
    numbers_of_cl: dict[str, Any] = {
        "pairs": 128,
        "angle_deg": 30.0,
        "tightness": 0.1,
        "observed_weight": 0.3,
        "boundary_temperature": 0.1,
    }
    return HalfSpaceSettings(**{**numbers_of_cl, **changes})


def slow(samples: Numbers, robot: Numbers, human: Numbers, mask: Numbers, g: Numbers, s: HalfSpaceSettings) -> Numbers:
    return slow_implicit(
        samples, robot, human, mask, g, s.angle_deg, s.tightness, s.observed_weight, s.boundary_temperature
    )


@st.composite
def cases(draw: st.DrawFn) -> tuple[Numbers, Numbers, Numbers, Numbers, Numbers]:
    """samples [B, S, D], robot, human, mask [B, D], directions [K, D]; any mask, sometimes of one number or none."""
    b, s, d, k = draw(st.integers(1, 3)), draw(st.integers(1, 5)), draw(st.integers(1, 9)), draw(st.integers(0, 4))
    rng = np.random.default_rng(draw(st.integers(0, 2**32 - 1)))
    robot = rng.uniform(-1, 1, (b, d))
    human = robot + draw(st.floats(0.05, 1)) * rng.normal(size=(b, d))
    samples = rng.uniform(-1, 1, (b, s, d))
    mask = np.ones((b, d)) if draw(st.booleans()) else (rng.random((b, d)) < 0.6).astype(float)
    if draw(st.booleans()):
        samples[:, 0] = human
    if draw(st.booleans()):
        samples[:, -1] = robot
    if draw(st.booleans()):
        robot[0] = human[0]
    return samples, robot, human, mask, rng.normal(size=(k, d))


@FEW
@given(cases(), st.floats(1, 179), st.floats(0, 0.95), st.floats(0, 3), st.floats(0.02, 1))
def test_implicit_pairs_one_at_a_time(
    case: tuple[Numbers, ...], angle: float, tightness: float, weight: float, t: float
) -> None:
    s = numbers(angle_deg=angle, tightness=tightness, observed_weight=weight, boundary_temperature=t)
    found = implicit_log_p(*(tensor(a) for a in case), s)
    assert np.allclose(found, slow(*case, s), rtol=1e-6, atol=1e-6)


def test_the_form_by_inner_products_is_exact_enough_in_float32_and_large() -> None:
    """At D = 512 and right at the negatives, where inner products could cancel."""
    rng = np.random.default_rng(0)
    s = numbers()
    for d, size in ((4, 0.2), (64, 0.8), (512, 0.2)):
        robot = rng.uniform(-1, 1, (2, d)).astype(np.float32)
        apart = rng.normal(size=(2, d))
        human = (robot + size * apart / np.linalg.norm(apart, axis=1, keepdims=True)).astype(np.float32)
        mask = np.ones((2, d), np.float32)
        g = rng.normal(size=(8, d)).astype(np.float32)
        near = [
            slow_negatives(robot[i].astype(float), human[i].astype(float), mask[i], g.astype(float), 30.0, 0.1)
            for i in range(2)
        ]
        samples = np.concatenate([np.array(near), rng.uniform(-1, 1, (2, 6, d))], axis=1).astype(np.float32)
        arrays = (samples, robot, human, mask, g)
        found = implicit_log_p(*(torch.from_numpy(a) for a in arrays), s)
        assert found.dtype == torch.float32
        assert np.allclose(found, slow(*(a.astype(np.float64) for a in arrays), s), atol=2e-4)


def test_the_negatives_lie_on_the_published_cone() -> None:
    """One step of length e = 0.2, alpha 30 degrees, gamma' 0.1: n_i = a^r + e g h + e (1 - g) v_i."""
    robot, human = np.array([0.1, -0.2, 0.3]), np.array([0.1, 0.0, 0.3])
    h = np.array([0.0, 1.0, 0.0])
    found = slow_negatives(robot, human, np.ones(3), np.random.default_rng(0).normal(size=(5, 3)), 30.0, 0.1)
    assert len(found) == 10
    for n, opposite in zip(found[::2], found[1::2], strict=True):
        v = (n - robot - 0.2 * 0.1 * h) / (0.2 * 0.9)
        assert np.linalg.norm(v) == pytest.approx(math.sqrt(1)), "as long as h"
        assert v @ h == pytest.approx(math.cos(math.radians(30)))
        assert (n + opposite) / 2 == pytest.approx(robot + h * 0.2 * (0.1 + 0.9 * math.cos(math.radians(30))))


def test_of_all_equally_distant_actions_those_along_the_correction_are_best() -> None:
    """D = 2: on a circle around a^r log p falls with the angle to h, and beyond the cone nothing comes near."""
    angles = np.deg2rad(np.arange(0, 181, 10))
    robot, human = torch.zeros(1, 2, dtype=torch.float64), torch.tensor([[0.2, 0.0]], dtype=torch.float64)
    mask = torch.ones(1, 2, dtype=torch.float64)
    directions = draw_directions(2, 128, seeded()).double()
    for size in (0.2, 0.6):
        for side in (1, -1):
            points = tensor(size * np.stack([np.cos(angles), side * np.sin(angles)], axis=1))[None]
            log_p = implicit_log_p(points, robot, human, mask, directions, numbers())[0]
            assert (log_p[:5].diff() < 0).all()
            assert (log_p[6:] < log_p[0] - 0.15).all()
            alone = half_space_log_p(points, robot, human, mask, 0.1)[0]
            tightened = (log_p[0] - log_p[3]) / (log_p[0] - log_p[-1])
            assert tightened > 3 * (alone[0] - alone[3]) / (alone[0] - alone[-1]), "aimed, not only the right half"


def test_beyond_the_corrected_action_is_still_an_improvement() -> None:
    """Unlike the ball, the half-space has no far side: chunks beyond a^h are as good."""
    robot, human = torch.zeros(1, 5), torch.tensor([[0.2, 0, 0, 0, 0]])
    steps = torch.linspace(-1, 1, 41)
    samples = steps[None, :, None] * torch.tensor([1.0, 0, 0, 0, 0])
    log_p = implicit_log_p(samples, robot, human, torch.ones(1, 5), draw_directions(5, 128, seeded()), numbers())[0]
    assert (log_p[(steps >= -0.1) & (steps <= 0.21)].diff() > 0).all()
    assert log_p[steps > 0.21].min() > log_p[steps < 0.01].max() + 0.1


def test_one_taught_number_has_its_observed_pair_alone() -> None:
    """No vector is orthogonal to the correction. The same holds without implicit pairs."""
    rng = np.random.default_rng(2)
    samples, robot, human = (tensor(rng.uniform(-1, 1, shape)) for shape in ((1, 6, 4), (1, 4), (1, 4)))
    one, all_of_them = torch.tensor([[0.0, 1, 0, 0]], dtype=torch.float64), torch.ones(1, 4, dtype=torch.float64)
    g = draw_directions(4, 16, seeded()).double()
    assert torch.equal(
        implicit_log_p(samples, robot, human, one, g, numbers()), half_space_log_p(samples, robot, human, one, 0.1)
    )
    assert torch.equal(
        implicit_log_p(samples, robot, human, all_of_them, draw_directions(4, 0, seeded()).double(), numbers(pairs=0)),
        half_space_log_p(samples, robot, human, all_of_them, 0.1),
    )


class Largest(TorchFunctionMode):
    """Remembers the greatest number of elements any operation gave."""

    def __init__(self) -> None:
        super().__init__()
        self.elements = 0

    def __torch_function__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        out = func(*args, **(kwargs or {}))
        for one in out if isinstance(out, tuple | list) else (out,):
            if isinstance(one, torch.Tensor):
                # a view that repeats one number is no memory
                self.elements = max(self.elements, one.untyped_storage().nbytes() // one.element_size())
        return out


def test_no_tensor_of_all_four_sizes() -> None:
    """S M B D would be 4 million numbers here; B S M is 64 thousand."""
    b, s, m, d = 4, 125, 128, 64
    g = seeded()
    samples, robot, human = (
        torch.rand(b, s, d, generator=g),
        torch.rand(b, d, generator=g),
        torch.rand(b, d, generator=g),
    )
    batch = Batch(torch.zeros(b, 1), robot, human, torch.ones(b, d), torch.ones(b, dtype=torch.bool))
    method = ClicSettings(half_space=numbers(pairs=m))
    with Largest() as largest:
        observation_log_p(samples, batch, method, g)
    assert b * s * m <= largest.elements <= 1.01 * b * s * m


@pytest.mark.parametrize("dim", [1, 2, 64, 512])
def test_finite_with_gradients_whatever_the_correction(dim: int) -> None:
    """No correction at all, one number taught, none taught, and samples that are a^r and a^h."""
    robot = torch.zeros(4, dim)
    human = robot.clone()
    human[1:] = 1.0
    mask = torch.ones(4, dim)
    mask[2, 1:] = 0
    mask[3] = 0
    samples = torch.stack([robot, human, torch.full_like(robot, -1.0)], dim=1).requires_grad_(True)
    log_p = implicit_log_p(samples, robot, human, mask, draw_directions(dim, 16, seeded()), numbers())
    log_p.sum().backward()
    assert torch.isfinite(log_p).all()
    assert samples.grad is not None
    assert torch.isfinite(samples.grad).all()
    assert log_p[0].std() < 1e-5, "no correction, no lesson"
    assert log_p[3].std() < 1e-5, "nothing taught, no lesson"
    assert log_p[1, 1] > log_p[1, 0], "a^h over a^r"


# ---- learning from directions only


def test_a_policy_learns_the_target_from_directions_only() -> None:
    """Corrects the robot at random states, by a fifth of an action at a time, with the numbers of `clic`."""
    method = load(overrides={"method": "clic", "policy": {"symmetries": False}}).policy
    trainer, rng = make_trainer(1, 2, 2, method, 0), np.random.default_rng(0)
    errors = []
    for number in range(180):
        if number % 10 == 0:
            policy = make_policy(trainer.weights(), 1, ChunkShape(2, 2), method, seeded(number), number, number)
        state = rng.uniform(-1, 1, 1).astype(np.float32)
        wanted = np.array([[np.sign(state[0]), -state[0]], [0.5, state[0]]], np.float32)
        robot = policy.plan(state, np.zeros((0, 2), np.float32), None).chunk
        far = np.linalg.norm(wanted - robot, axis=1, keepdims=True)
        errors.append(float(far.mean()))
        taught = np.broadcast_to(far > 0.1, robot.shape).astype(np.float32)
        human = np.clip(robot + taught * 0.2 * (wanted - robot) / np.maximum(far, 1e-6), -1, 1)
        if taught.any():
            trainer.add(number, "relative", state, robot, human, taught)
        if trainer.ready():
            for _ in range(2):
                trainer.update()
    assert np.mean(errors[:10]) > 0.7, "planned before the first pair was learnt"
    assert np.mean(errors[-30:]) < 0.15


# ---- kinds and masks mixed in one batch


@FEW
@given(st.integers(0, 2**32 - 1), st.floats(0.05, 1), st.floats(0.02, 1), st.integers(0, 3))
def test_a_mixed_batch_one_pair_at_a_time(seed: int, gamma: float, t: float, k: int) -> None:
    """Absolute and relative rows, whole and partial, by steps and by axes."""
    rng = np.random.default_rng(seed)
    b, steps, axes = 5, 3, 2
    d = steps * axes
    robot, human = rng.uniform(-1, 1, (2, b, d))
    samples = rng.uniform(-1, 1, (b, 4, d))
    mask = np.ones((b, steps, axes))
    for i in range(b):
        mask[i, rng.integers(1, steps + 1) :] = 0
        mask[i, :, rng.integers(axes)] *= rng.integers(2)
    mask = mask.reshape(b, d)
    relative = rng.random(b) < 0.5
    s = numbers(pairs=2 * k)
    method = ClicSettings(radius_ratio=gamma, boundary_temperature=t, half_space=s)
    batch = Batch(torch.zeros(b, 1), tensor(robot), tensor(human), tensor(mask), torch.from_numpy(relative))
    seen: list[torch.Tensor] = []
    with pytest.MonkeyPatch.context() as patch:

        def drawn(dim: int, pairs: int, generator: torch.Generator) -> torch.Tensor:
            seen.append(draw_directions(dim, pairs, generator).double())
            return seen[-1]

        patch.setattr("hitl_clic.clic.shaping.draw_directions", drawn)
        found = observation_log_p(tensor(samples), batch, method, seeded(seed % 1000))
    expected = slow_circular(samples, robot, human, mask, gamma, t)
    if relative.any():
        assert seen[0].shape == (k, d)
        expected[relative] = slow(samples, robot, human, mask, seen[0].numpy(), s)[relative]
    assert np.allclose(found, expected, rtol=1e-6, atol=1e-6)


@pytest.mark.parametrize("relative", [False, True])
def test_what_was_not_taught_does_not_matter(relative: bool) -> None:
    """Neither the sample's numbers there nor the placeholders of the pair; what was taught does."""
    rng = np.random.default_rng(0)
    robot, human, samples = (tensor(rng.uniform(-1, 1, shape)) for shape in ((1, 6), (1, 6), (1, 8, 6)))
    mask = torch.tensor([[1.0, 0, 1, 1, 0, 0]], dtype=torch.float64)
    untaught = mask[0] == 0
    method = ClicSettings()

    def log_p(a: torch.Tensor, r: torch.Tensor, h: torch.Tensor) -> torch.Tensor:
        batch = Batch(torch.zeros(1, 1), r, h, mask, torch.tensor([relative]))
        with pytest.MonkeyPatch.context() as patch:
            g = draw_directions(6, 128, seeded()).double()
            patch.setattr("hitl_clic.clic.shaping.draw_directions", lambda *_: g)
            return observation_log_p(a, batch, method, seeded())

    moved = [a.clone() for a in (samples, robot, human)]
    for a in moved:
        a[..., untaught] = tensor(rng.uniform(-1, 1, a[..., untaught].shape))
    assert torch.allclose(log_p(samples, robot, human), log_p(*moved), rtol=1e-12)
    samples[..., 0] += 0.3
    assert not torch.allclose(log_p(samples, robot, human), log_p(*moved), rtol=1e-3)


def test_only_relative_rows_ask_the_generator() -> None:
    rng = np.random.default_rng(0)
    robot, human, samples = (tensor(rng.uniform(-1, 1, shape)) for shape in ((2, 4), (2, 4), (2, 3, 4)))
    generator = seeded()
    before = generator.get_state()
    for relative in (False, True):
        kinds = torch.full((2,), relative)
        assert torch.equal(before, generator.get_state())
        batch = Batch(torch.zeros(2, 1).double(), robot.float(), human.float(), torch.ones(2, 4), kinds)
        observation_log_p(samples.float(), batch, ClicSettings(), generator)
    assert not torch.equal(before, generator.get_state())


# ---- the evaluation set of a partial correction


def test_untaught_numbers_are_permuted_together() -> None:
    b, s, d = 3, 50, 6
    samples = torch.rand(b, s, d, generator=seeded())
    mask = torch.ones(b, d)
    mask[1, 3:] = 0
    mask[2, [0, 5]] = 0
    dealt = permute_untaught(samples, mask, seeded(1))
    assert torch.equal(dealt[0], samples[0])
    for i, untaught in ((1, [3, 4, 5]), (2, [0, 5])):
        taught = [c for c in range(d) if c not in untaught]
        assert torch.equal(dealt[i][:, taught], samples[i][:, taught])
        before = {tuple(row.tolist()) for row in samples[i][:, untaught]}
        assert {tuple(row.tolist()) for row in dealt[i][:, untaught]} == before, "a whole tail stays together"
        stayed = (dealt[i][:, untaught] == samples[i][:, untaught]).all(-1).sum()
        assert stayed < 10


def test_nothing_is_permuted_if_all_is_taught() -> None:
    samples, generator = torch.rand(2, 3, 4, generator=seeded()), seeded(1)
    before = generator.get_state()
    assert permute_untaught(samples, torch.ones(2, 4), generator) is samples
    assert torch.equal(before, generator.get_state())


def test_slow_side_agrees_with_a_case_by_hand() -> None:
    """a^r = 0, a^h = (1, 0), one direction, 90 degrees, no tightness: n = (0, 1) and (0, -1); a = a^h."""
    one = np.array([[[1.0, 0.0]]])
    found = slow_implicit(one, np.zeros((1, 2)), one[0], np.ones((1, 2)), np.array([[0.0, 2.0]]), 90.0, 0.0, 0.5, 1.0)
    assert found[0, 0] == pytest.approx((slow_log_sigmoid(math.sqrt(2)) * 2 + 0.5 * 2 * slow_log_sigmoid(0)) / 3)
