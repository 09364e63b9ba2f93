"""The policy: it finds low energies, keeps committed steps, and rejects unusable weights."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from hitl_clic.clic.energy import Context, Energy
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.policy import EnergyPolicy, untrained_weights
from hitl_clic.clic.sampler import langevin
from hitl_clic.clic.settings import ClicSettings, EnergySettings, InferenceSettings, NegativeSettings

Array = NDArray[np.float32]
DIM_O, DIM_A, HORIZON = 3, 2, 4
DIM = DIM_A * HORIZON
NOTHING = np.zeros((0, DIM_A), np.float32)
STATE = np.array([0.3, -0.2, 0.5], np.float32)


pytestmark = pytest.mark.usefixtures("one_thread")


def method(start: str = "screened", kind: str = "film", **inference: object) -> ClicSettings:
    """kind film: the network alone; modes: the same with three modes."""
    numbers: dict[str, object] = {
        "start": start,
        "candidates": 64,
        "chains": 16,
        "explore_steps": 0,
        "refine_steps": 20,
        "refine_start": 0.1,
        "refine_noise": False,
        "bank": 8,
        "plan_switch_margin": 0.0,
    }
    return ClicSettings(
        network=EnergySettings(
            kind="mlp" if kind == "mlp" else "film",
            hidden=(16, 16),
            trunk=(16,),
            modes=3 if kind == "modes" else 0,
            standardise=True,
        ),
        negatives=NegativeSettings(
            start="uniform", samples=8, steps=5, noise="linear", step_start=0.1, step_end=1e-5, clip=0.1
        ),
        inference=InferenceSettings(**{**numbers, **inference}),
    )


def some_weights(settings: ClicSettings, seed: int = 0, size: float = 1.0) -> dict[str, np.ndarray]:
    """Untrained weights with an output layer that is not zero, and eight human chunks."""
    weights = untrained_weights(DIM_O, DIM_A, HORIZON, settings)
    rng = np.random.default_rng(seed)
    weights["out.weight"] = (size * rng.normal(size=weights["out.weight"].shape)).astype(np.float32)
    weights["human_chunks"] = rng.uniform(-1, 1, (8, DIM)).astype(np.float32)
    return weights


def make(settings: ClicSettings, weights: dict[str, np.ndarray] | None = None, seed: int = 0) -> EnergyPolicy:
    generator = torch.Generator().manual_seed(seed)
    found = some_weights(settings) if weights is None else weights
    return EnergyPolicy(found, DIM_O, ChunkShape(HORIZON, DIM_A), settings, generator, version=3, newest_pair=17)


class Modes(Energy):
    """Smooth basins in the space of chunks, (centre, depth, width) each; flat elsewhere."""

    def __init__(self, *modes: tuple[float | Array, float, float]) -> None:
        super().__init__(DIM_O)
        self.modes = [(torch.tensor(np.broadcast_to(centre, DIM).copy()), d, w) for centre, d, w in modes]

    def context(self, state: Tensor) -> Context:
        return (state[:, None],)

    def energy(self, context: Context, chunks: Tensor) -> Tensor:
        total = torch.zeros(chunks.shape[:-1])
        for centre, depth, width in self.modes:
            total = total - depth * torch.exp(-(chunks - centre).square().sum(-1) / (2 * width**2))
        return total


def with_energy(settings: ClicSettings, energy: Energy, human_chunks: Array | None = None) -> EnergyPolicy:
    weights = untrained_weights(DIM_O, DIM_A, HORIZON, settings)
    if human_chunks is not None:
        weights["human_chunks"] = human_chunks
    policy = make(settings, weights)
    policy.network = energy
    return policy


# ---- weights


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
@pytest.mark.parametrize("name", ["out.weight", "human_chunks", "spread"])
def test_refuses_weights_that_are_not_finite(name: str, bad: float) -> None:
    settings = method()
    weights = some_weights(settings)
    weights[name].flat[0] = bad
    with pytest.raises(ValueError, match=rf"'{name}' of version 3 .*not finite"):
        make(settings, weights)


def test_refuses_weights_of_another_network() -> None:
    settings = method()
    smaller = untrained_weights(DIM_O, DIM_A, HORIZON - 1, settings)
    with pytest.raises(ValueError, match="version 3 do not fit"):
        make(settings, smaller)
    for kind in ("mlp", "modes"):
        with pytest.raises(ValueError, match="version 3 do not fit"):
            make(settings, untrained_weights(DIM_O, DIM_A, HORIZON, method(kind=kind)))
    for name in ("out.bias", "human_chunks"):
        missing = some_weights(settings)
        del missing[name]
        with pytest.raises(ValueError, match="version 3 do not fit"):
            make(settings, missing)
    narrow = some_weights(settings)
    narrow["human_chunks"] = np.zeros((5, DIM - 1), np.float32)
    with pytest.raises(ValueError, match="version 3 do not fit"):
        make(settings, narrow)


def test_probe_finds_what_overflows() -> None:
    settings = method()
    make(settings).probe()
    steep = some_weights(settings)
    for name in ("layers.0.weight", "layers.1.weight"):
        steep[name] *= np.float32(1e30)  # every number is finite, what comes out is not
    with pytest.raises(ValueError, match="version 3 give numbers that are not finite"):
        make(settings, steep).probe()


def test_weights_are_copied_and_frozen() -> None:
    settings = method()
    weights = some_weights(settings)
    policy = make(settings, weights)
    first = policy.plan(STATE, NOTHING, None).chunk
    for value in weights.values():
        value += 1
    again = make(settings).plan(STATE, NOTHING, None).chunk
    policy.generator.manual_seed(0)
    assert np.array_equal(policy.plan(STATE, NOTHING, None).chunk, first)
    assert np.array_equal(again, first)
    assert not any(p.requires_grad for p in policy.network.parameters())
    assert (policy.version, policy.newest_pair) == (3, 17)


def test_building_a_policy_leaves_global_randomness_alone() -> None:
    torch.manual_seed(0)
    before = torch.get_rng_state()
    make(method()).plan(STATE, NOTHING, None)
    assert torch.equal(before, torch.get_rng_state())


# ---- plans


@pytest.mark.parametrize("kind", ["film", "modes", "mlp"])
@pytest.mark.parametrize("start", ["uniform", "screened"])
@pytest.mark.parametrize("noise", [False, True])
@pytest.mark.parametrize("rest", [None, 1, HORIZON])
def test_a_plan(start: str, kind: str, noise: bool, rest: int | None) -> None:
    settings = method(start, kind, explore_steps=3, refine_noise=noise)
    policy = make(settings, some_weights(settings, size=30.0))  # steep: chunks are pulled to the box's edge
    previous = None if rest is None else np.full((rest, DIM_A), 0.4, np.float32)
    found = policy.plan(STATE, NOTHING, previous)
    chunk, energy = found.chunk, found.energy
    assert chunk.shape == (HORIZON, DIM_A)
    assert chunk.dtype == np.float32
    assert chunk.flags.c_contiguous
    assert np.abs(chunk).max() <= 1
    assert isinstance(energy, float)
    with torch.no_grad():
        context = policy.network.context(torch.from_numpy(STATE)[None])
        here = policy.network.energy(context, torch.from_numpy(chunk).reshape(1, 1, DIM)).item()
        blind = policy.network.energy(
            context, torch.rand(1, 100, DIM, generator=torch.Generator().manual_seed(1)) * 2 - 1
        )
    assert energy == pytest.approx(here, rel=1e-4, abs=1e-4), "it is the energy of the chunk given"
    assert energy <= blind.min() + 1e-4, "lower than a hundred guesses"


@pytest.mark.parametrize("start", ["uniform", "screened"])
@pytest.mark.parametrize("seed", range(3))
def test_the_plan_is_the_chain_of_least_energy(start: str, seed: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """[CC] Eq. 8, over the ends of the last chains that ran."""
    ends: list[Tensor] = []

    def spy(*args: Any, **kwargs: Any) -> Tensor:
        ends.append(langevin(*args, **kwargs))
        return ends[-1]

    monkeypatch.setattr("hitl_clic.clic.policy.langevin", spy)
    policy = make(method(start, explore_steps=2, refine_noise=True, chains=9), seed=seed)
    chunk = policy.plan(STATE, NOTHING, None).chunk
    slow = policy.network.double()
    with torch.no_grad():
        energies = [
            float(slow.energy(slow.context(torch.from_numpy(STATE).double()[None]), end.double()[None, None]))
            for end in ends[-1][0]
        ]
    assert len(energies) == 9
    assert np.array_equal(chunk.reshape(-1), ends[-1][0, int(np.argmin(energies))].numpy())


@pytest.mark.parametrize("start", ["uniform", "screened"])
def test_deterministic_under_its_generator(start: str) -> None:
    def plans(seed: int) -> list[Array]:
        policy = make(method(start, explore_steps=2, refine_noise=True, chains=4, candidates=8), seed=seed)
        return [policy.plan(STATE, NOTHING, None).chunk for _ in range(3)]

    first, again, other = plans(1), plans(1), plans(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert not np.array_equal(first[0], other[0])
    assert not np.array_equal(first[0], first[1]), "the generator goes on"


@pytest.mark.parametrize("start", ["uniform", "screened"])
@pytest.mark.parametrize("steps", [1, 3, HORIZON])
@pytest.mark.parametrize("refine", [0, 20])
def test_committed_steps_are_kept_exactly(start: str, steps: int, refine: int) -> None:
    committed = np.linspace(-0.9, 0.8, steps * DIM_A).astype(np.float32).reshape(steps, DIM_A)
    policy = make(method(start, explore_steps=2, refine_steps=refine, plan_switch_margin=0.5))
    chunk = policy.plan(STATE, committed, np.full((HORIZON, DIM_A), 0.1, np.float32)).chunk
    assert np.array_equal(chunk[:steps], committed)


def test_the_rest_is_chosen_for_what_is_committed() -> None:
    """Two basins; the deeper one contradicts the committed step, so the plan ends in the other one."""
    energy = Modes((0.6, 2.0, 0.5), (-0.6, 1.5, 0.5))
    policy = with_energy(method(candidates=512, refine_steps=200), energy)
    free = policy.plan(STATE, NOTHING, None).chunk
    assert np.abs(free - 0.6).max() < 0.1
    bound = policy.plan(STATE, np.full((2, DIM_A), -0.6, np.float32), None).chunk
    assert np.abs(bound + 0.6).max() < 0.1


NARROW = np.array([0.6, -0.3, 0.1, 0.9, -0.7, 0.2, -0.5, 0.4], np.float32)


def test_the_warm_start_is_considered() -> None:
    """A basin too narrow for random search is found from the previous chunk's rest, or from the human chunks."""
    energy = Modes((NARROW, 1.0, 0.1))
    settings = method(candidates=16, chains=4)
    found = with_energy(settings, energy).plan(STATE, NOTHING, None)
    blind, depth = found.chunk, found.energy
    assert depth > -0.01
    assert np.abs(blind - NARROW.reshape(HORIZON, DIM_A)).max() > 0.3
    near = (NARROW + 0.03).reshape(HORIZON, DIM_A)
    found = with_energy(settings, energy).plan(STATE, NOTHING, near)
    warm, depth = found.chunk, found.energy
    assert depth < -0.99
    assert np.abs(warm - NARROW.reshape(HORIZON, DIM_A)).max() < 0.01
    depth = with_energy(settings, energy, human_chunks=(NARROW + 0.03)[None]).plan(STATE, NOTHING, None).energy
    assert depth < -0.99


@pytest.mark.parametrize("committed", [0, 2])
def test_the_mode_centres_are_candidates(committed: int) -> None:
    """Screening alone finds the deepest centre; a centre outside the box is clipped to its edge."""
    settings = method(kind="modes", candidates=16, chains=4, refine_steps=0)
    weights = untrained_weights(DIM_O, DIM_A, HORIZON, settings)
    deepest = NARROW.copy()
    deepest[-1] = 1.15
    centres = np.stack([-NARROW, deepest, np.full(DIM, 0.2)])
    weights["modes.centres.weight"][:] = 0
    weights["modes.centres.bias"][:] = np.arctanh(centres / 1.2).reshape(-1)
    weights["modes.shapes.weight"][:] = 0
    weights["modes.shapes.bias"][:] = [0, -3, 0, 5, 5, 5]  # three depths, three slopes
    bound = np.full((committed, DIM_A), 0.5, np.float32)
    chunk = make(settings, weights).plan(STATE, bound, None).chunk
    expected = np.clip(deepest, -1, 1).reshape(HORIZON, DIM_A)
    expected[:committed] = bound
    np.testing.assert_allclose(chunk, expected, atol=1e-5)
    assert chunk.max() <= 1


def test_a_short_rest_is_held_to_the_end() -> None:
    held = np.repeat(np.array([[0.7, -0.4]], np.float32), HORIZON, axis=0)
    energy = Modes((held.reshape(-1), 1.0, 0.1))
    depth = with_energy(method(candidates=16, chains=4), energy).plan(STATE, NOTHING, held[:1]).energy
    assert depth < -0.99


@pytest.mark.parametrize(
    ("plan_switch_margin", "stays"), [(0.0, False), (0.1, False), (0.4, True)], ids=["none", "too little", "enough"]
)
def test_the_margin_keeps_the_previous_plan_unless_another_is_clearly_better(
    plan_switch_margin: float, stays: bool
) -> None:
    """Two solutions, the second one better by 0.25."""
    energy = Modes((0.5, 1.25, 0.5), (-0.5, 1.0, 0.5))
    other = np.full((1, DIM), 0.45, np.float32)  # a human chunk: random candidates rarely come near
    policy = with_energy(method(refine_steps=200, plan_switch_margin=plan_switch_margin), energy, human_chunks=other)
    previous = np.full((3, DIM_A), -0.45, np.float32)
    found = policy.plan(STATE, NOTHING, previous)
    chunk, value = found.chunk, found.energy
    assert chunk.mean() == pytest.approx(-0.5 if stays else 0.5, abs=0.1)
    assert value == pytest.approx(-1.0 if stays else -1.25, abs=0.05)


def test_between_equal_plans_the_margin_keeps_the_previous_one() -> None:
    settings = method(plan_switch_margin=0.1)
    policy = make(settings, untrained_weights(DIM_O, DIM_A, HORIZON, settings))
    previous = np.random.default_rng(0).uniform(-1, 1, (HORIZON, DIM_A)).astype(np.float32)
    assert np.array_equal(policy.plan(STATE, NOTHING, previous).chunk, previous)
    assert not np.array_equal(policy.plan(STATE, NOTHING, None).chunk, previous)


@pytest.mark.parametrize("chains", [1, 500])
@pytest.mark.parametrize("start", ["uniform", "screened"])
def test_few_and_many_chains(start: str, chains: int) -> None:
    policy = make(method(start, chains=chains, candidates=4, bank=0))
    chunk = policy.plan(STATE, NOTHING, np.zeros((1, DIM_A), np.float32)).chunk
    assert chunk.shape == (HORIZON, DIM_A)


def test_the_untrained_policy_plans() -> None:
    settings = method()
    weights = untrained_weights(DIM_O, DIM_A, HORIZON, settings)
    assert weights["human_chunks"].shape == (0, DIM)
    policy = make(settings, weights)
    policy.probe()
    found = policy.plan(STATE, NOTHING, None)
    chunk, energy = found.chunk, found.energy
    assert np.abs(chunk).max() <= 1
    assert energy == 0
    settings = method(kind="modes")
    policy = make(settings, untrained_weights(DIM_O, DIM_A, HORIZON, settings))
    policy.probe()
    found = policy.plan(STATE, NOTHING, None)
    chunk, energy = found.chunk, found.energy
    assert np.abs(chunk).max() <= 1
    assert np.isfinite(energy)


def test_observations_far_off_stay_finite() -> None:
    for kind in ("film", "modes", "mlp"):
        found = make(method(kind=kind)).plan(np.full(DIM_O, 1e30, np.float32), NOTHING, None)
        chunk, energy = found.chunk, found.energy
        assert np.isfinite(chunk).all()
        assert np.isfinite(energy)


def test_the_yield_hook_runs_before_every_step_and_does_not_change_the_plan() -> None:
    settings = method(explore_steps=3, refine_steps=7)
    breaths: list[int] = []
    found = []
    for yield_hook in (None, lambda: breaths.append(1)):
        generator = torch.Generator().manual_seed(0)
        policy = EnergyPolicy(
            some_weights(settings), DIM_O, ChunkShape(HORIZON, DIM_A), settings, generator, yield_hook=yield_hook
        )
        found.append(policy.plan(STATE, NOTHING, None))
    assert len(breaths) == 10
    assert np.array_equal(found[0].chunk, found[1].chunk)
    assert found[0].energy == found[1].energy


def test_uncertainty_is_the_spread_of_the_good_chunks() -> None:
    """Against an energy with a known density: two narrow basins at +-x, weighted by their depths."""
    settings = method(refine_steps=0, chains=2, candidates=2)
    policy = make(settings)
    chunks = torch.tensor([[0.5] * policy.dim, [-0.5] * policy.dim])
    level = policy._uncertainty(chunks, torch.tensor([0.0, 0.0]))
    tilted = policy._uncertainty(chunks, torch.tensor([0.0, math.log(3.0)]))
    alone = policy._uncertainty(chunks, torch.tensor([0.0, 50.0]))
    assert level == pytest.approx(0.5)
    assert tilted == pytest.approx(math.sqrt(0.75 * 0.25))  # two values 1 apart with weights 3 : 1
    assert alone < 1e-6
    assert np.isfinite(policy.plan(STATE, NOTHING, None).uncertainty)


def test_an_energy_slice_is_the_energy_of_the_chunk_shifted_over_a_plane() -> None:
    policy = make(method())
    chunk = np.linspace(-0.6, 0.6, HORIZON * DIM_A, dtype=np.float32).reshape(HORIZON, DIM_A)
    seen = policy.energy_slice(STATE, chunk, (1, 0), 5)
    context = policy.network.context(torch.from_numpy(STATE)[None])
    for row, second in enumerate(np.linspace(-1, 1, 5)):
        for column, first in enumerate(np.linspace(-1, 1, 5)):
            moved = chunk.copy()
            moved[:, 1] += first - chunk[0, 1]
            moved[:, 0] += second - chunk[0, 0]
            flat = torch.from_numpy(moved.clip(-1, 1).astype(np.float32)).reshape(1, 1, -1)
            assert seen[row, column] == pytest.approx(float(policy.network.energy(context, flat)[0, 0]), abs=1e-4)
