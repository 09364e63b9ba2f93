"""Learning and planning on another device than the CPU: the same code, the same numbers, nothing left behind.

Most tests use a pretended device; those that need a CUDA device are skipped without one.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
import torch
from other_device import DEVICE, There, elsewhere

from hitl_clic.baselines.settings import AnyInferenceSettings
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.policy import EnergyPolicy
from hitl_clic.clic.settings import EnergySettings, MethodKind, MethodSettings, NegativeSettings
from hitl_clic.clic.torch_device import torch_device
from hitl_clic.clic.trainer import ChunkTrainer
from hitl_clic.methods import METHODS, make_policy, make_trainer
from hitl_clic.runner.policy_inbox import PolicyInbox
from hitl_clic.settings_layers import load
from hitl_clic.types.messages import Weights

DIM_O, DIM_A, HORIZON = 3, 2, 3
DRAWING = ("rand", "randn", "randint", "randperm")
"""The functions of torch that the methods draw random numbers with."""


def why_no_cuda() -> str:
    """Why torch cannot compute on a CUDA device here; empty where it can."""
    try:
        torch_device("cuda")
    except ValueError as error:
        return f"no CUDA device: {error}"
    return ""


NO_CUDA = why_no_cuda()
needs_cuda = pytest.mark.skipif(bool(NO_CUDA), reason=NO_CUDA or "there is a CUDA device")


def numbers(device: str, kind: MethodKind = "clic", **changes: object) -> MethodSettings:
    values: dict[str, object] = {
        "network": EnergySettings(hidden=(8, 8), trunk=(8,), modes=2),
        "negatives": NegativeSettings(samples=6, steps=2),
        "inference": AnyInferenceSettings(
            candidates=40, chains=6, explore_steps=2, refine_steps=2, bank=5, plan_switch_margin=0.5
        ),
        "penalty_samples": 3,
        "average": 0.5,
        "batch": 12,
        "min_pairs": 4,
        "device": device,
    }
    made = METHODS[kind].settings
    used = {name: value for name, value in values.items() if name in made.model_fields}
    return made(**{**used, **changes})


def run(settings: MethodSettings) -> tuple[ChunkTrainer, list[np.ndarray]]:
    """Pairs of every kind, some updates, a state taken and returned to, more updates, plans."""
    trainers = [make_trainer(DIM_O, DIM_A, HORIZON, settings, seed) for seed in (0, 1)]
    random = np.random.default_rng(0)
    mask = np.ones((HORIZON, DIM_A), np.float32)
    mask[1:] = 0
    for number in range(20):
        state = random.uniform(-1, 1, DIM_O).astype(np.float32)
        robot, human = random.uniform(-1, 1, (2, HORIZON, DIM_A)).astype(np.float32)
        for trainer in trainers:
            trainer.add(number, "relative" if number % 3 == 0 else "absolute", state, robot, human, mask)
    for _ in range(3):
        trainers[0].update()
    trainer = trainers[1]
    trainer.load_state(trainers[0].state())
    for _ in range(3):
        trainer.update()
    generator = torch.Generator(settings.device).manual_seed(0)
    policy = make_policy(trainer.weights(), DIM_O, ChunkShape(HORIZON, DIM_A), settings, generator)
    policy.probe()
    previous, plans = None, []
    for committed in (0, 1):
        chunk = policy.plan(np.zeros(DIM_O, np.float32), np.full((committed, DIM_A), 0.3, np.float32), previous).chunk
        plans.append(chunk)
        previous = chunk[1:]
    if settings.device == DEVICE.type:
        assert policy.human_chunks.device == DEVICE
        assert all(isinstance(value, There) for value in policy.network.state_dict().values())
    return trainer, plans


ENERGY_METHODS = ("clic", "ibc")
"""These losses compare energies of one state, so a constant added to all of them changes nothing."""
CASES: list[tuple[MethodKind, dict[str, object]]] = [
    *((kind, {}) for kind in METHODS),
    ("clic", {"network": EnergySettings(kind="mlp", hidden=(8, 8))}),
    ("clic", {"negatives": NegativeSettings(start="uniform", samples=6, steps=2, noise="sqrt")}),
]


@pytest.mark.filterwarnings("ignore:.*copying from a non-meta parameter")
@pytest.mark.parametrize(("kind", "changes"), CASES)
def test_another_device_gives_the_same_numbers(
    kind: MethodKind, changes: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    trainer, plans = run(numbers("cpu", kind=kind, **changes))
    with elsewhere(monkeypatch):
        there, others = run(numbers(DEVICE.type, kind=kind, **changes))
        assert all(isinstance(parameter, There) for parameter in there.network.parameters())
        weights = there.weights()
    for name, value in trainer.weights().items():
        if name == "out.bias" and kind in ENERGY_METHODS:
            continue  # a constant that no such loss sees: its gradient is rounding, which Adam makes large
        np.testing.assert_allclose(weights[name], value, rtol=1e-4, atol=1e-6, err_msg=name)
    np.testing.assert_allclose(np.stack(others), np.stack(plans), rtol=1e-3, atol=1e-5)


def test_the_fake_device_rejects_what_a_gpu_rejects(monkeypatch: pytest.MonkeyPatch) -> None:
    with elsewhere(monkeypatch) as device:
        here, there = torch.ones(3), torch.ones(3, device=device)
        with pytest.raises(RuntimeError, match="mixes devices"):
            here + there
        with pytest.raises((RuntimeError, TypeError)):
            there.numpy()
        assert (there + here.to(device)).cpu().tolist() == [2, 2, 2]
        assert (there * torch.tensor(3.0)).device == device, "single numbers may be mixed in"


def draw_on_the_cpu(monkeypatch: pytest.MonkeyPatch) -> torch.Generator:
    """All random numbers come from the CPU and are then moved, as a GPU draws others; their generator."""
    generator = torch.Generator()
    for name in DRAWING:
        original = getattr(torch, name)

        def draw(*args: Any, original: Any = original, **kwargs: Any) -> torch.Tensor:
            drawn: torch.Tensor = original(*args, **{**kwargs, "generator": generator, "device": "cpu"})
            return drawn.to(kwargs["device"])

        monkeypatch.setattr(torch, name, draw)
    return generator


@needs_cuda
@pytest.mark.parametrize(("kind", "changes"), CASES)
def test_updates_on_a_cuda_device_equal_those_of_the_cpu(
    kind: MethodKind, changes: dict[str, object], monkeypatch: pytest.MonkeyPatch
) -> None:
    generator = draw_on_the_cpu(monkeypatch)
    weights, plans = [], []
    for device in ("cpu", "cuda"):
        generator.manual_seed(0)
        trainer, planned = run(numbers(device, kind=kind, **changes))
        assert all(parameter.device.type == device for parameter in trainer.network.parameters())
        weights.append(trainer.weights())
        plans.append(np.stack(planned))
    for name, value in weights[0].items():
        if name == "out.bias" and kind in ENERGY_METHODS:
            continue  # a constant that no such loss sees: its gradient is rounding, which Adam makes large
        np.testing.assert_allclose(weights[1][name], value, rtol=1e-3, atol=1e-5, err_msg=name)
    np.testing.assert_allclose(plans[1], plans[0], rtol=1e-2, atol=1e-4)


@needs_cuda
def test_weights_learnt_on_a_cuda_device_plan_on_the_cpu() -> None:
    settings = load(overrides={"method": "clic", "horizon": HORIZON, "policy": {"device": "cuda"}}).policy
    trainer = make_trainer(DIM_O, DIM_A, HORIZON, settings, seed=0)
    assert trainer.device.type == "cuda"
    chunk = np.ones((HORIZON, DIM_A), np.float32)
    trainer.add(0, "absolute", np.zeros(DIM_O, np.float32), 0 * chunk, 0.5 * chunk, chunk)
    trainer.update()
    inbox = PolicyInbox(DIM_O, DIM_A, HORIZON, settings, seed=0)
    inbox.receive(Weights("run", 1, 0, 1, 0, trainer.weights()))
    fetched = inbox.fetch()
    assert fetched is not None, inbox.why_refused
    policy = fetched[0]
    assert isinstance(policy, EnergyPolicy)
    assert policy.device.type == "cpu"
    assert policy.compiled is not None, "the compiled search plans"
    assert np.isfinite(policy.plan(np.zeros(DIM_O, np.float32), np.zeros((0, DIM_A), np.float32), None).chunk).all()
