"""Both energies: what they compute, and their gradients of first and second order."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
import torch
from torch import Tensor, nn

from hitl_clic.clic.energy import Energy, FilmEnergy, MlpEnergy, make_energy
from hitl_clic.clic.settings import EnergySettings
from hitl_clic.clic.shaping import gradient_penalty

DIM_O, DIM = 5, 6
KINDS = ("film", "mlp")


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


def blank(kind: str, hidden: tuple[int, ...] = (16, 12, 8), seed: int = 0) -> Energy:
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        settings = EnergySettings(kind=kind, hidden=hidden, trunk=(24, 20), standardise=True)
        return make_energy(DIM_O, DIM, settings)


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


@pytest.mark.parametrize("kind", KINDS)
def test_zero_at_first(kind: str) -> None:
    energy = blank(kind)
    state, chunks = (x.float() for x in inputs())
    values, gradient = energy.energy_and_gradient(energy.context(state), chunks)
    assert values.shape == (3, 4)
    assert gradient.shape == (3, 4, DIM)
    assert not values.any()
    assert not gradient.any()


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
    """A row of a batch has the energy it has alone, and both state and chunk matter."""
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
    """One Sequential on [s; a] with the same weights, in the published order Linear, ReLU, LayerNorm."""
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
    assert isinstance(blank("film"), FilmEnergy)
    assert isinstance(blank("mlp"), MlpEnergy)
