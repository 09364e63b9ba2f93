"""The compiled search gives the plans of the torch search, for all sizes, prefixes and previous plans."""

from __future__ import annotations

import subprocess
import sys
import threading
import time
from itertools import product
from typing import Any

import numpy as np
import pytest
import torch
from hypothesis import example, given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from hitl_clic.child_process import child_environment
from hitl_clic.clic import compiled_planner
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.policy import EnergyPolicy, untrained_weights
from hitl_clic.clic.settings import ClicSettings, EnergySettings, InferenceSettings, NegativeSettings
from hitl_clic.control.search_budget import LEVELS

Array = NDArray[np.float32]
pytestmark = pytest.mark.usefixtures("one_thread")

STEPS = 10
TOLERANCE = 1e-4
"""A coordinate is the sum of at most `STEPS` moves of lambda grad E. Both searches round each of some hundred terms of
a gradient to 6e-8 of its size, and gradients here are below 100; where the energy is curved, a step may also double
the difference that came in."""


def method(**changes: Any) -> ClicSettings:
    network: dict[str, Any] = {"hidden": (24, 17), "trunk": (19,), "modes": 3}
    inference: dict[str, Any] = {"candidates": 96, "chains": 11, "refine_steps": STEPS, "bank": 32}
    for part, fields in ((network, EnergySettings.model_fields), (inference, InferenceSettings.model_fields)):
        part |= {name: changes.pop(name) for name in list(changes) if name in fields}
    return ClicSettings(network=EnergySettings(**network), inference=InferenceSettings(**inference), **changes)


def weights_of(numbers: ClicSettings, dim_o: int, dim_a: int, horizon: int, seed: int, bank: int) -> dict[str, Array]:
    """Random weights: every layer matters, states are standardised, and the modes lie within reach."""
    weights = untrained_weights(dim_o, dim_a, horizon, numbers)
    random = np.random.default_rng(seed)
    for name, value in weights.items():
        noise = random.normal(size=value.shape)
        weights[name] = (value + noise * (0.3 if value.ndim == 1 else 1 / np.sqrt(value.shape[1]))).astype(np.float32)
    weights["spread"] = random.uniform(0.1, 3, dim_o).astype(np.float32)
    weights["human_chunks"] = random.uniform(-1, 1, (bank, horizon * dim_a)).astype(np.float32)
    return weights


def pair(numbers: ClicSettings, weights: dict[str, Array], dim_o: int, dim_a: int, horizon: int) -> list[EnergyPolicy]:
    """The same policy twice, with the same random candidates: compiled and torch."""
    torch_only = numbers.model_copy(update={"inference": numbers.inference.model_copy(update={"compiled": False})})
    both = [
        EnergyPolicy(weights, dim_o, ChunkShape(horizon, dim_a), chosen, torch.Generator().manual_seed(5))
        for chosen in (numbers, torch_only)
    ]
    assert both[0].compiled is not None
    assert both[1].compiled is None
    return both


def same_plans(both: list[EnergyPolicy], observation: Array, committed: Array, previous: Array | None) -> None:
    found, wanted = (policy.plan(observation, committed, previous) for policy in both)
    assert found.chunk.shape == wanted.chunk.shape
    assert found.chunk.dtype == np.float32
    assert found.energy == pytest.approx(wanted.energy, rel=1e-5, abs=TOLERANCE)
    assert np.abs(found.chunk - wanted.chunk).max() < TOLERANCE
    assert found.uncertainty == pytest.approx(wanted.uncertainty, abs=TOLERANCE)
    assert np.array_equal(found.chunk[: len(committed)], committed), "committed steps are executed as they are"
    assert np.abs(found.chunk).max() <= 1


SIZES = st.fixed_dictionaries(
    {
        "dim_o": st.integers(1, 30),
        "dim_a": st.integers(1, 14),
        "horizon": st.integers(1, 9),
        "committed": st.integers(0, 8),
        "previous": st.one_of(st.none(), st.integers(0, 9)),
        "bank": st.integers(0, 40),
        "chains": st.integers(1, 70),
        "modes": st.integers(1, 9),
        "width": st.integers(1, 40),
        "frequencies": st.sampled_from([(), (1.0,), (2.0, 5.5)]),
        "noise": st.sampled_from(["linear", "sqrt"]),
        "margin": st.sampled_from([0.0, 0.3, 3.0]),
        "search": st.sampled_from([1.0, 0.5, 0.25]),
        "seed": st.integers(0, 2**31),
    }
)
PUSH_T = {
    "dim_o": 24,
    "dim_a": 2,
    "horizon": 4,
    "committed": 1,
    "previous": 3,
    "bank": 32,
    "chains": 48,
    "modes": 8,
    "width": 128,
    "frequencies": (),
    "noise": "linear",
    "margin": 1.0,
    "search": 1.0,
    "seed": 0,
}


@settings(max_examples=60)
@example(case=PUSH_T)
@example(case={**PUSH_T, "search": 0.25})
@example(case={**PUSH_T, "dim_a": 14, "horizon": 8, "frequencies": (1.0, 2.0, 4.0)})
@given(case=SIZES)
def test_plans_are_those_of_torch(case: dict[str, Any]) -> None:
    dim_o, dim_a, horizon = case["dim_o"], case["dim_a"], case["horizon"]
    numbers = method(
        hidden=(case["width"], 17),
        modes=case["modes"],
        chains=case["chains"],
        fourier_frequencies=case["frequencies"],
        plan_switch_margin=case["margin"],
        negatives=NegativeSettings(noise=case["noise"]),
    )
    both = pair(numbers, weights_of(numbers, dim_o, dim_a, horizon, case["seed"], case["bank"]), dim_o, dim_a, horizon)
    random = np.random.default_rng(case["seed"])
    for policy in both:
        policy.search = case["search"]
    for _ in range(2):  # the second plan finds the first one's memory
        observation = random.normal(0, 3, dim_o).astype(np.float32)
        committed = random.uniform(-1, 1, (min(case["committed"], horizon), dim_a)).astype(np.float32)
        rest = None if case["previous"] is None else min(case["previous"], horizon)
        previous = None if rest is None else random.uniform(-1, 1, (rest, dim_a)).astype(np.float32)
        same_plans(both, observation, committed, previous)


def test_the_same_of_two_equal_valleys_is_chosen() -> None:
    """A policy that changes its mind between two plans does not arrive: the choice must be torch's."""
    numbers = method(modes=2, plan_switch_margin=0.2)
    weights = {name: np.zeros_like(value) for name, value in untrained_weights(3, 2, 4, numbers).items()}
    weights["spread"] += 1
    weights["modes.centres.bias"][:] = np.repeat([0.5, -0.5], 8)
    both = pair(numbers, weights | {"human_chunks": np.zeros((0, 8), np.float32)}, 3, 2, 4)
    nothing = np.zeros((0, 2), np.float32)
    for side in (-0.6, 0.6):
        previous = np.full((4, 2), side, np.float32)
        for policy in both:
            chunk = policy.plan(np.zeros(3, np.float32), nothing, previous).chunk
            assert (np.sign(chunk) == np.sign(side)).all()


def test_numbers_that_are_not_finite_are_not_hidden() -> None:
    """The search neither reorders NaN away nor clips it to a number."""
    numbers = method()
    weights = weights_of(numbers, 3, 2, 4, seed=0, bank=8)
    for bad in (np.nan, np.inf, 1e30):
        compiled, reference = pair(numbers, weights, 3, 2, 4)
        observation = np.array([bad, 0, 0], np.float32)
        for policy in (compiled, reference):
            found = policy.plan(observation, np.zeros((0, 2), np.float32), None)
            assert np.isfinite(found.energy) == (not np.isnan(bad)), bad


@pytest.mark.parametrize(
    "changes",
    [
        {"start": "uniform"},
        {"refine_noise": True},
        {"explore_steps": 3},
        {"modes": 0},
        {"kind": "mlp"},
        {"compiled": False},
        {"trunk": ()},
    ],
    ids=lambda changes: next(iter(changes)),
)
def test_everything_else_is_planned_by_torch(changes: dict[str, Any]) -> None:
    numbers = method(**changes)
    weights = untrained_weights(3, 2, 4, numbers)
    policy = EnergyPolicy(weights, 3, ChunkShape(4, 2), numbers, torch.Generator().manual_seed(0))
    assert policy.compiled is None
    assert policy.plan(np.zeros(3, np.float32), np.zeros((0, 2), np.float32), None).chunk.shape == (4, 2)


def test_nothing_is_compiled_after_preparing() -> None:
    """Compiling takes seconds: neither sizes, nor empty arrays, nor arrays that are read-only may cause it."""
    from hitl_clic.clic.compiled_search import search as compiled_search

    compiled_planner.prepare(method())
    before = list(compiled_search.signatures)
    for dim_o, dim_a, horizon, chains in ((1, 1, 1, 1), (30, 7, 8, 48)):
        numbers = method(chains=chains)
        weights = weights_of(numbers, dim_o, dim_a, horizon, seed=1, bank=9)
        policy = EnergyPolicy(weights, dim_o, ChunkShape(horizon, dim_a), numbers, torch.Generator().manual_seed(0))
        policy.prepare()
        observation = np.zeros(dim_o, np.float32)
        observation.flags.writeable = False
        previous = np.frombuffer(bytes(4 * dim_a), np.float32).reshape(1, dim_a)
        for search, rest in product(LEVELS, (None, previous)):
            policy.search = search
            policy.plan(observation, np.zeros((0, dim_a), np.float32), rest)
            policy.plan(observation, previous, rest)
    assert list(compiled_search.signatures) == before


def test_other_threads_run_during_a_plan() -> None:
    """A search that held the interpreter's lock would stop every other thread until its end."""
    numbers = method(chains=2000, candidates=2000, refine_steps=200)
    policy = EnergyPolicy(
        weights_of(numbers, 3, 2, 4, seed=0, bank=0), 3, ChunkShape(4, 2), numbers, torch.Generator().manual_seed(0)
    )
    policy.prepare()
    thread = threading.Thread(target=policy.plan, args=(np.zeros(3, np.float32), np.zeros((0, 2), np.float32), None))
    thread.start()
    turns = 0
    while thread.is_alive():
        time.sleep(0.002)
        turns += 1
    assert turns > 20


PLANS = """
import sys
{before}
import numpy as np, torch
from hitl_clic.clic.compiled_planner import prepare
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.policy import EnergyPolicy, untrained_weights
from hitl_clic.clic.settings import ClicSettings
prepare(ClicSettings(), print)
weights = untrained_weights(3, 2, 4, ClicSettings())
policy = EnergyPolicy(weights, 3, ChunkShape(4, 2), ClicSettings(), torch.Generator().manual_seed(0))
print(policy.plan(np.zeros(3, np.float32), np.zeros((0, 2), np.float32), None).chunk.shape, policy.compiled)
"""
BROKEN = """
from hitl_clic.clic import compiled_planner
def fail(*sizes):
    raise OSError("no compiler")
compiled_planner._try = fail
"""


@pytest.mark.parametrize(
    ("before", "why"),
    [
        ("sys.modules['numba'] = None", "numba cannot be loaded ("),
        ("import os; os.environ['NUMBA_DISABLE_JIT'] = '1'", "numba cannot be loaded (NUMBA_DISABLE_JIT is set)"),
        (BROKEN, "numba cannot compile the planner (no compiler)"),
    ],
    ids=["missing", "switched off", "cannot compile"],
)
def test_without_numba_one_sentence_is_said_and_torch_plans(before: str, why: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", PLANS.format(before=before)],
        env=child_environment(),
        capture_output=True,
        text=True,
        check=True,
    )
    said, planned = done.stdout.splitlines()
    assert said.startswith(why)
    assert said.endswith("): torch plans instead, which takes two to four times as long")
    assert planned == "(4, 2) None"


INTERRUPTED = """
import os, signal, threading, time
import numpy as np, torch
from hitl_clic.clic.compiled_planner import prepare
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.policy import EnergyPolicy, untrained_weights
from hitl_clic.clic.settings import ClicSettings

numbers = ClicSettings()
prepare(numbers)
policy = EnergyPolicy(untrained_weights(4, 2, 8, numbers), 4, ChunkShape(8, 2), numbers, torch.Generator())
state, nothing = np.zeros(4, np.float32), np.zeros((0, 2), np.float32)
planning = threading.Event()

def interrupt():
    planning.wait()
    time.sleep(0.01)
    os.kill(os.getpid(), signal.SIGINT)

for _ in range(20):
    planning.clear()
    thread = threading.Thread(target=interrupt)
    thread.start()
    try:
        planning.set()
        while True:
            policy.plan(state, nothing, None)
    except KeyboardInterrupt:
        thread.join()
print("interrupted")
"""


def test_ctrl_c_during_a_plan_is_a_keyboard_interrupt() -> None:
    """numba would report it as a SystemError, and a command would call it a fault of the program."""
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], env=child_environment(), capture_output=True, text=True, check=False
    )
    assert done.stdout.strip() == "interrupted", done.stderr
