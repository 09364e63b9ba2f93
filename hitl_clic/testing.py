"""The contract checks for tasks, teachers, devices and methods of your own; call them in your tests.

Every check raises an AssertionError that names the broken rule and what to mend. Never used while a session runs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gymnasium
import numpy as np

from hitl_clic.clic.settings import MethodSettings
from hitl_clic.devices.core.contract import check_device
from hitl_clic.tasks import contract
from hitl_clic.tasks.foreign.finding import as_teacher, wrapped
from hitl_clic.tasks.foreign.task import ForeignTask
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.errors import UserError

__all__ = ["check_device", "check_method", "check_task", "check_teacher"]

DIM_O, DIM_A, HORIZON = 3, 2, 4
"""Sizes with which a method is checked."""
UPDATES = 300
WANTED = 0.5
"""The number that a method must learn to answer, and how near it must come."""
NEAR = 0.25

Made = Task | gymnasium.Env[Any, Any]


def check_task(make: Callable[[], Made], **options: Any) -> None:
    """Check a task, or a gymnasium environment as the task that it becomes.

    Args:
        make: returns a new one. options: of `hitl_clic.tasks.contract.check_task`.

    Raises:
        AssertionError: names the broken rule and what to mend.
    """
    task = _task(make)
    if isinstance(task, ForeignTask):
        assert task.exact != "none", (
            "the environment does not repeat itself: equal seeds and actions gave different observations; draw only "
            "from self.np_random, and set all attributes in reset()"
        )
        assert task.exact == "state", (
            "the environment repeats itself from its seed and actions only; keep its state in plain attributes, or "
            "offer save_state() and load_state(), so that its snapshots are exact and fast"
        )
    task.close()
    contract.check_task(lambda: _task(make), **options)


def check_teacher(teacher: Any, make: Callable[[], Made]) -> None:
    """Check a scripted teacher on its task.

    Args:
        teacher: a `Teacher` class, a policy class, a policy object, or a function of the observation.
        make: returns a new task or environment.

    Raises:
        AssertionError: names the broken rule and what to mend.
    """
    task = _task(make)

    def made() -> Teacher:
        return as_teacher("of the test", teacher, task)

    contract.check_teacher(made, lambda: _task(make))


def check_method(settings_class: type[MethodSettings]) -> None:
    """Check that a method learns, that its policy plans, and that its weights make the same policy again.

    Args:
        settings_class: of the method; all its fields need defaults.

    Raises:
        AssertionError: names the broken rule and what to mend.
    """
    import torch

    from hitl_clic.clic.network import ChunkShape
    from hitl_clic.methods import make_policy, make_trainer, method_of

    settings = settings_class(**{"min_pairs": 1})
    try:
        method = method_of(settings)
    except UserError as problem:
        raise AssertionError(f"{problem}; set the class attribute method to 'module:METHOD'") from problem
    assert method.settings is settings_class, "Method.settings must be the settings class itself"
    assert method.objective.kind == settings.kind, f"Objective.kind must be {settings.kind!r}, as in the settings"
    trainer = make_trainer(DIM_O, DIM_A, HORIZON, settings, 0)
    wanted, rng = np.full((HORIZON, DIM_A), WANTED, np.float32), np.random.default_rng(0)
    for number in range(32):
        state = rng.standard_normal(DIM_O).astype(np.float32)
        trainer.add(number, "absolute", state, np.zeros_like(wanted), wanted, np.ones_like(wanted))
    for _ in range(UPDATES):
        trainer.update()
    weights = trainer.weights()
    for name, value in weights.items():
        assert np.isfinite(value).all(), f"after {UPDATES} updates the weights {name!r} are not finite; check the loss"

    def planned(committed: np.ndarray) -> np.ndarray:
        generator = torch.Generator().manual_seed(0)
        policy = make_policy(weights, DIM_O, ChunkShape(HORIZON, DIM_A), settings, generator)
        policy.probe()
        return policy.plan(state, committed, None).chunk

    nothing, decided = np.zeros((0, DIM_A), np.float32), np.full((1, DIM_A), -0.75, np.float32)
    chunk = planned(nothing)
    assert chunk.shape == (HORIZON, DIM_A), f"plan() gave a chunk of shape {chunk.shape}, expected {(HORIZON, DIM_A)}"
    assert np.isfinite(chunk).all(), "plan() gave a number that is not finite"
    assert (np.abs(chunk) <= 1).all(), "plan() gave a number outside [-1, 1]; clamp the chunk"
    assert np.array_equal(chunk, planned(nothing)), (
        "equal weights, states and seeds gave two plans; draw only from self.generator"
    )
    assert np.array_equal(planned(decided)[:1], decided), "plan() must keep the committed steps at its beginning"
    error = float(np.abs(chunk - wanted).max())
    assert error < NEAR, (
        f"after {UPDATES} updates on one answer for all states the plan is off by {error:.2f}, allowed {NEAR}; check "
        "that the loss falls and that the learning rate is high enough"
    )


def _task(make: Callable[[], Made]) -> Task:
    made = make()
    return made if isinstance(made, Task) else wrapped(getattr(make, "__name__", "environment"), made, make)
