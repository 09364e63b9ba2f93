"""Every energy: what they compute, and their gradients of first and second order."""

from __future__ import annotations

import math

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from hitl_clic.clic.energies import ENERGIES, make_energy
from hitl_clic.clic.energy import Energy
from hitl_clic.clic.film_energy import FilmEnergy, ScaleAndShift
from hitl_clic.clic.mlp_energy import MlpEnergy
from hitl_clic.clic.modes import MODE_SLOPE, Modes
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.settings import EnergySettings
from hitl_clic.clic.shaping import gradient_penalty

Array = NDArray[np.float64]
DIM_O, CHUNK = 5, ChunkShape(3, 2)
DIM = CHUNK.dim
NUMBERS: dict[str, dict[str, object]] = {
    "film": {"kind": "film", "modes": 0},
    "film with modes": {"kind": "film", "modes": 3},
    "mlp": {"kind": "mlp"},
}
KINDS = tuple(NUMBERS)


pytestmark = pytest.mark.usefixtures("one_thread")


def blank(kind: str, hidden: tuple[int, ...] = (16, 12, 8), seed: int = 0) -> Energy:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        return make_energy(
            DIM_O,
            CHUNK,
            EnergySettings.model_validate({"hidden": hidden, "trunk": (24, 20), "standardise": True, **NUMBERS[kind]}),
        )


def trained(kind: str, seed: int = 0) -> Energy:
    """float64, every parameter away from its initial value, states shifted and scaled."""
    energy = blank(kind, seed=seed).double()
    generator = torch.Generator().manual_seed(seed + 1)
    with torch.no_grad():
        for parameter in energy.parameters():
            parameter.add_(0.3 * torch.randn(parameter.shape, generator=generator, dtype=torch.float64))
        energy.shift.add_(torch.randn(DIM_O, generator=generator, dtype=torch.float64))
        energy.spread.mul_(1.7)
    return energy


def inputs(seed: int = 0, batch: int = 3, samples: int = 4) -> tuple[Tensor, Tensor]:
    rng = np.random.default_rng(seed)
    return torch.from_numpy(rng.normal(size=(batch, DIM_O))), torch.from_numpy(
        rng.uniform(-1, 1, (batch, samples, DIM))
    )


@pytest.mark.parametrize("kind", ["film", "mlp"])
def test_an_untrained_energy_is_zero(kind: str) -> None:
    energy = blank(kind)
    state, chunks = (x.float() for x in inputs())
    values, gradient = energy.energy_and_gradient(energy.context(state), chunks)
    assert values.shape == (3, 4)
    assert gradient.shape == (3, 4, DIM)
    assert not values.any()
    assert not gradient.any()


@pytest.mark.parametrize("kind", ["film with modes"])
def test_an_untrained_energy_consists_of_its_modes(kind: str) -> None:
    energy = blank(kind)
    assert isinstance(energy, FilmEnergy)
    assert energy.modes is not None
    state, chunks = (x.float() for x in inputs())
    context = energy.context(state)
    values, gradient = energy.energy_and_gradient(context, chunks)
    expected, slope = energy.modes.energy_and_gradient(context[-3:], chunks)
    assert torch.equal(values, expected)
    assert torch.equal(values, energy.energy(context, chunks))
    assert torch.equal(gradient, slope)
    assert values.std() > 0.01, "and they tell chunks apart"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("seed", range(3))
def test_gradient_by_finite_differences_and_by_autograd(kind: str, seed: int) -> None:
    energy = trained(kind, seed)
    state, chunks = inputs(seed)
    context = energy.context(state)
    values, gradient = energy.energy_and_gradient(context, chunks)
    assert torch.allclose(values, energy.energy(context, chunks), rtol=1e-12, atol=1e-12)
    leaf = chunks.clone().requires_grad_(True)
    (expected,) = torch.autograd.grad(energy.energy(context, leaf).sum(), leaf)
    assert torch.allclose(gradient, expected, rtol=1e-9, atol=1e-10)
    assert gradient.abs().max() > 1e-3
    step = 1e-6
    with torch.no_grad():
        for i in range(DIM):
            nudge = torch.zeros(DIM, dtype=torch.float64)
            nudge[i] = step
            difference = (energy.energy(context, chunks + nudge) - energy.energy(context, chunks - nudge)) / (2 * step)
            assert torch.allclose(gradient[..., i], difference, rtol=1e-5, atol=1e-7)


@pytest.mark.parametrize("kind", KINDS)
def test_second_order(kind: str) -> None:
    """Parameters' gradient of the penalty and of the energy, against autograd through its own graph."""
    energy = trained(kind, 4)
    state, chunks = inputs(4)
    values, gradient = energy.energy_and_gradient(energy.context(state), chunks)
    (gradient_penalty(gradient, 0.01) + values.square().mean()).backward()
    found = {name: p.grad.clone() for name, p in energy.named_parameters() if p.grad is not None}
    energy.zero_grad()
    leaf = chunks.clone().requires_grad_(True)
    values = energy.energy(energy.context(state), leaf)
    (gradient,) = torch.autograd.grad(values.sum(), leaf, create_graph=True)
    penalty = (gradient.abs().amax(-1) - 0.01).clamp_min(0).square().mean()
    assert penalty > 1e-4
    (penalty + values.square().mean()).backward()
    for name, parameter in energy.named_parameters():
        assert parameter.grad is not None
        assert torch.allclose(found[name], parameter.grad, rtol=1e-8, atol=1e-11), name


def test_scale_and_shift_has_the_bits_of_addcmul() -> None:
    """Value and gradients in float32; in float64 its second derivatives too, against finite differences."""
    generator = torch.Generator().manual_seed(0)
    x, scale, shift, back = (torch.randn(3, s, 5, generator=generator) for s in (4, 1, 1, 4))
    found = []
    for function in (ScaleAndShift.apply, lambda x, scale, shift: torch.addcmul(shift, x, scale)):
        leaves = [part.clone().requires_grad_(True) for part in (x, scale, shift)]
        value = function(*leaves)
        found.append([value.detach(), *torch.autograd.grad(value, leaves, back)])
    assert all(torch.equal(ours, torchs) for ours, torchs in zip(*found, strict=True))
    doubles = [part.double().requires_grad_(True) for part in (x, scale, shift)]
    assert torch.autograd.gradgradcheck(ScaleAndShift.apply, doubles)


@pytest.mark.parametrize("kind", KINDS)
def test_no_graph_where_none_is_wanted(kind: str) -> None:
    energy = trained(kind)
    state, chunks = inputs()
    with torch.no_grad():
        values, gradient = energy.energy_and_gradient(energy.context(state), chunks)
    assert not values.requires_grad
    assert not gradient.requires_grad
    context = energy.context(state)
    again, slope = energy.energy_and_gradient(context, chunks)
    assert slope.requires_grad
    assert torch.equal(again.detach(), values)
    assert torch.allclose(slope.detach(), gradient, rtol=1e-12)
    assert not chunks.requires_grad


@pytest.mark.parametrize("kind", KINDS)
def test_states_and_chunks_do_not_mix(kind: str) -> None:
    """A row's energy does not depend on the batch, and depends on state and chunk."""
    energy = trained(kind)
    state, chunks = inputs()
    together = energy.energy(energy.context(state), chunks)
    for i in range(3):
        alone = energy.energy(energy.context(state[i : i + 1]), chunks[i : i + 1, 2:3])
        assert torch.allclose(alone[0, 0], together[i, 2], rtol=1e-12)
    other = energy.energy(energy.context(state + 0.5), chunks)
    assert (other - together).abs().min() > 1e-9


@pytest.mark.parametrize("kind", KINDS)
def test_states_are_standardised_and_clipped(kind: str) -> None:
    energy = trained(kind)
    state, chunks = inputs()
    plain = trained(kind)
    plain.shift.zero_()
    plain.spread.fill_(1)
    expected = plain.energy(plain.context((state - energy.shift) / energy.spread), chunks)
    assert torch.allclose(energy.energy(energy.context(state), chunks), expected, rtol=1e-12)
    far, further = (energy.energy(energy.context(torch.full_like(state, x)), chunks) for x in (1e3, 1e30))
    assert torch.equal(far, further)
    assert torch.isfinite(further).all()


def test_mlp_is_the_published_network() -> None:
    """One Sequential on [s; a] with the same weights, in the order of [CC]: Linear, ReLU, LayerNorm."""
    energy = trained("mlp")
    assert isinstance(energy, MlpEnergy)
    hidden = (16, 12, 8)
    parts: list[nn.Module] = []
    for i, o in zip((DIM_O + DIM, *hidden), hidden, strict=False):
        parts += [nn.Linear(i, o), nn.ReLU(), nn.LayerNorm(o)]
    plain = nn.Sequential(*parts, nn.Linear(hidden[-1], 1)).double()
    with torch.no_grad():
        first = plain[0]
        assert isinstance(first, nn.Linear)
        first.weight.copy_(torch.cat([energy.state_in.weight, energy.chunk_in.weight], dim=1))
        first.bias.copy_(energy.state_in.bias)
    for i, layer in enumerate([*energy.layers, energy.out]):
        plain[3 * (i + 1)].load_state_dict(layer.state_dict())
    for i, norm in enumerate(energy.norms):
        plain[3 * i + 2].load_state_dict(norm.state_dict())
    state, chunks = inputs()
    joint = torch.cat([energy.standardised(state)[:, None].expand(-1, 4, -1), chunks], dim=-1)
    assert torch.allclose(energy.energy(energy.context(state), chunks), plain(joint)[..., 0], rtol=1e-10)
    assert sum(p.numel() for p in plain.parameters()) == sum(p.numel() for p in energy.parameters())


def test_mlp_starts_like_one_layer_on_both() -> None:
    """Split or not, the weights of the first layer come from one fan-in."""
    energy = blank("mlp", hidden=(400, 8))
    assert isinstance(energy, MlpEnergy)
    limit = 1 / (DIM_O + DIM) ** 0.5
    for weight in (energy.state_in.weight, energy.chunk_in.weight):
        assert weight.abs().max() <= limit
        assert weight.abs().max() > 0.95 * limit


def test_make_energy_takes_the_kind() -> None:
    film, modes, mlp = (blank(kind) for kind in KINDS)
    assert isinstance(film, FilmEnergy)
    assert isinstance(mlp, MlpEnergy)
    assert isinstance(modes, FilmEnergy)
    assert {numbers["kind"] for numbers in NUMBERS.values()} == set(ENERGIES), "and here all of them are looked at"
    assert film.modes is None
    assert modes.modes is not None
    assert modes.modes.count == 3


# ---- modes


def modes_by_hand(centres: Array, depth: Array, slope: Array, chunks: Array) -> tuple[Array, Array]:
    """Energy [B, S] and gradient [B, S, D] of modes, number by number in float64."""
    batch, samples, dim = chunks.shape
    energy, gradient = np.zeros((batch, samples)), np.zeros(chunks.shape)
    for b in range(batch):
        for s in range(samples):
            logs, pulls = [], []
            for k in range(centres.shape[1]):
                root = math.sqrt(1 + sum((chunks[b, s, d] - centres[b, k, d]) ** 2 for d in range(dim)))
                logs.append(-(depth[b, 0, k] + slope[b, 0, k] * (root - 1)))
                pulls.append([slope[b, 0, k] * (chunks[b, s, d] - centres[b, k, d]) / root for d in range(dim)])
            top = max(logs)
            total = sum(math.exp(log - top) for log in logs)
            energy[b, s] = -(top + math.log(total))
            for log, pull in zip(logs, pulls, strict=True):
                gradient[b, s] += math.exp(log - top) / total * np.array(pull)
    return energy, gradient


def some_modes(seed: int, count: int) -> tuple[Modes, tuple[Tensor, ...], Tensor]:
    """float64 modes, their context for three states and chunks [3, 4, DIM]."""
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        modes = Modes(7, DIM, count).double()
        context = modes.context(2 * torch.randn(3, 7, dtype=torch.float64))
    return modes, tuple(part.detach() for part in context), inputs(seed)[1]


@pytest.mark.parametrize("count", [1, 2, 5])
@pytest.mark.parametrize("seed", range(3))
def test_modes_by_hand_and_by_finite_differences(seed: int, count: int) -> None:
    modes, context, chunks = some_modes(seed, count)
    centres, depth, slope = context
    assert centres.shape == (3, count, DIM)
    assert depth.shape == slope.shape == (3, 1, count)
    energy, gradient = modes.energy_and_gradient(context, chunks)
    by_hand, pull = modes_by_hand(centres.numpy(), depth.numpy(), slope.numpy(), chunks.numpy())
    np.testing.assert_allclose(energy.numpy(), by_hand, rtol=1e-12, atol=1e-13)
    np.testing.assert_allclose(gradient.numpy(), pull, rtol=1e-12, atol=1e-13)
    step = 1e-6
    for i in range(DIM):
        nudge = step * torch.nn.functional.one_hot(torch.tensor(i), DIM)
        above, below = (modes.energy_and_gradient(context, chunks + way * nudge)[0] for way in (1, -1))
        torch.testing.assert_close(gradient[..., i], (above - below) / (2 * step), rtol=1e-6, atol=1e-8)


def test_a_mode_is_lowest_at_its_centre_and_its_far_gradient_is_its_slope() -> None:
    modes, context, _ = some_modes(0, 1)
    centres, depth, slope = context
    energy, gradient = modes.energy_and_gradient(context, centres)
    torch.testing.assert_close(energy, depth[:, 0])
    assert gradient.abs().max() < 1e-12
    away = torch.full_like(centres, 1e5)
    _, gradient = modes.energy_and_gradient(context, away)
    torch.testing.assert_close(gradient.norm(dim=-1), slope[:, 0], rtol=1e-6, atol=0)


@pytest.mark.parametrize("depths", [(1e4, 1e4), (-1e4, -1e4), (1e4, -1e4), (0.0, 0.0)])
@pytest.mark.parametrize("far", [0.0, 1.0, 1e3, 1e6, 1e12])
@pytest.mark.parametrize("slope", [0.0, 2.0, 1e4])
def test_modes_stay_finite_in_float32(depths: tuple[float, float], far: float, slope: float) -> None:
    """Extreme depths, slopes and distances, forward and backward."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        modes = Modes(7, DIM, 2)
    centres = modes.context(torch.zeros(1, 7))[0].detach().requires_grad_(True)
    depth = torch.tensor([[depths]], requires_grad=True)
    slopes = torch.full((1, 1, 2), slope, requires_grad=True)
    energy, gradient = modes.energy_and_gradient((centres, depth, slopes), torch.full((1, 1, DIM), far))
    (energy.sum() + gradient.square().mean().clamp_max(1e30)).backward()
    for value in (energy, gradient, centres.grad, depth.grad, slopes.grad):
        assert value is not None
        assert torch.isfinite(value).all()


@pytest.mark.parametrize("size", [0.0, 1.0, 1e4])
def test_centres_stay_just_around_the_box_and_slopes_above_zero(size: float) -> None:
    """Slightly outside, so that a chunk at the box's edge can be a centre."""
    modes = Modes(7, DIM, 3)
    with torch.random.fork_rng():
        torch.manual_seed(1)
        centres, depth, slope = modes.context(size * torch.randn(50, 7))
    assert centres.shape == (50, 3, DIM)
    assert centres.abs().max() <= 1.2 + 1e-6
    assert torch.isfinite(depth).all()
    assert (slope >= 0).all()
    if size == 1e4:
        assert centres.abs().max() > 1.1


def test_the_slope_of_an_untrained_mode() -> None:
    modes = Modes(7, DIM, 3)
    with torch.no_grad():
        modes.shapes.weight.zero_()
        modes.shapes.bias.zero_()
    torch.testing.assert_close(
        modes.context(torch.randn(2, 7))[2], torch.full((2, 1, 3), MODE_SLOPE), rtol=1e-4, atol=0
    )


def test_only_modes_have_centres() -> None:
    state, _ = inputs()
    for kind in KINDS:
        energy = trained(kind)
        centres = energy.centres(energy.context(state))
        assert (centres is not None) == kind.endswith("modes")
        if centres is not None:
            assert centres.shape == (3, 3, DIM)
            assert (centres[0] - centres[1]).abs().max() > 0.01, "the state places them"


@pytest.mark.parametrize("off", [0.0, 1e-3, 0.01, 0.1])
@pytest.mark.parametrize("dim", [32, 512])
def test_near_a_centre_nothing_cancels_in_float32(dim: int, off: float) -> None:
    """Centres at the box's corners, where inner products are largest and distances least, with any matrix product."""
    with torch.random.fork_rng():
        torch.manual_seed(0)
        modes = Modes(7, dim, 2)
        centres = torch.stack([torch.ones(dim), torch.full((dim,), -1.2)])[None].requires_grad_(True)
        chunks = centres.detach()[:, :1] - off * torch.rand(1, 5, dim)
    shapes = torch.tensor([[[0.7, 0.3]]]), torch.full((1, 1, 2), 2.0)
    exact_centres = centres.detach().double().requires_grad_(True)
    energy, gradient = modes.energy_and_gradient((centres, *shapes), chunks)
    exact, slope = modes.double().energy_and_gradient(
        (exact_centres, *(part.double() for part in shapes)), chunks.double()
    )
    torch.testing.assert_close(energy.double(), exact, rtol=1e-5, atol=0)
    torch.testing.assert_close(gradient.double(), slope, rtol=0, atol=1e-5)
    for value in (energy, exact):
        value.sum().backward()
    assert centres.grad is not None
    assert exact_centres.grad is not None
    torch.testing.assert_close(centres.grad.double(), exact_centres.grad, rtol=0, atol=1e-5)
    if off == 0.0:
        assert torch.equal(energy, torch.full((1, 5), 0.7)), "its depth and nothing else"


@pytest.mark.parametrize("kind", ["mlp", "film"])
def test_fourier_features_are_sines_and_cosines_of_the_standardised_state(kind: str) -> None:
    settings = EnergySettings(kind=kind, fourier_frequencies=(1.0, 4.0), hidden=(8,), trunk=(8,))  # type: ignore[arg-type]
    energy = make_energy(3, ChunkShape(4, 2), settings)
    energy.shift.copy_(torch.tensor([1.0, 0.0, -1.0]))
    energy.spread.copy_(torch.tensor([2.0, 1.0, 0.5]))
    state = torch.tensor([[3.0, 0.2, -0.9]])
    z = np.array([1.0, 0.2, 0.2])
    expected = np.concatenate([z, np.sin(z), np.cos(z), np.sin(4 * z), np.cos(4 * z)])
    assert energy.read(state)[0].numpy() == pytest.approx(expected, abs=1e-6)
    assert energy.dim_read == 15
    chunks = torch.rand(1, 5, 8)
    assert torch.isfinite(energy.energy(energy.context(state), chunks)).all()
