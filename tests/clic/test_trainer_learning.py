"""The trainer learns from absolute, relative and partial corrections."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toy_task import CHUNK, DIM_A, DIM_O, HORIZON, NOTHING, make, method, new_states, policy_of, target, teach

from hitl_clic.clic.settings import HalfSpaceSettings
from hitl_clic.clic.trainer import ChunkTrainer

pytestmark = pytest.mark.usefixtures("one_thread")


def errors(trainer: ChunkTrainer) -> float:
    policy = policy_of(trainer)
    return float(np.mean([np.abs(policy.plan(s, NOTHING, None).chunk - target(s)).mean() for s in new_states(30)]))


def test_learns_from_absolute_corrections() -> None:
    """Absolute corrections of a toy task, evaluated in untaught states. A random guess errs by about 0.6."""
    trainer = make(method(penalty_weight=0.0))
    teach(trainer, 0, 200)
    losses = [trainer.update()["kl"] for _ in range(150)]
    assert np.mean(losses[-10:]) < 0.5 * np.mean(losses[:5])
    assert errors(trainer) < 0.12


def test_modes_move_to_the_taught_chunk() -> None:
    """One chunk is taught in all states: the lowest centre moves there, also in untaught states.

    The energy has modes only: with a network beside them, only the sum of both would be lowest there.
    """
    trainer = make(method(penalty_weight=0.0))
    trainer.network.get_parameter("out.weight").requires_grad_(False)
    trainer.network.get_parameter("out.bias").requires_grad_(False)
    taught = np.array([[0.7, -0.6], [-0.5, 0.8]], np.float32)
    for number in range(60):
        rng = np.random.default_rng(number)
        state, robot = rng.uniform(-1, 1, DIM_O).astype(np.float32), rng.uniform(-1, 1, CHUNK).astype(np.float32)
        trainer.add(number, "absolute", state, robot, taught, np.ones(CHUNK, np.float32))
    states = torch.from_numpy(np.stack(new_states(20)))

    def apart() -> float:
        """Mean distance of the least centre in energy to the taught chunk, over states."""
        with torch.no_grad():
            context = trainer.network.context(states)
            centres = trainer.network.centres(context)
            assert centres is not None
            deepest = trainer.network.energy(context, centres).argmin(dim=1)
            chosen = centres[torch.arange(len(states)), deepest]
        return float((chosen - torch.from_numpy(taught).reshape(-1)).norm(dim=1).mean())

    first = apart()
    assert first > 0.8
    for _ in range(100):
        trainer.update()
    assert apart() < 0.25 * first


def test_relative_corrections_move_the_policy_in_their_direction() -> None:
    """Plans come much closer to the target than the corrected robot chunks."""
    trainer = make(method(penalty_weight=0.0))
    teach(trainer, 0, 200, kind="relative")
    before = np.mean([np.abs(p.robot - target(p.state)).mean() for p in trainer.buffer.pairs.values()])
    for _ in range(150):
        trainer.update()
    assert errors(trainer) < 0.5 * before


def test_one_relative_correction_goes_beyond_the_corrected_chunk() -> None:
    """Each correction is "more to the right than 0": the half-space has no far side, the ball has one."""
    along = {}
    for kind in ("relative", "absolute"):
        trainer = make(method(penalty_weight=0.0, batch=8, half_space=HalfSpaceSettings(pairs=0)))
        robot = np.zeros(CHUNK, np.float32)
        human = robot.copy()
        human[:, 0] = 0.2
        for number in range(16):
            state = np.random.default_rng(number).uniform(-1, 1, DIM_O).astype(np.float32)
            trainer.add(number, kind, state, robot, human, np.ones(CHUNK, np.float32))
        for _ in range(80):
            trainer.update()
        policy = policy_of(trainer)
        along[kind] = np.mean([policy.plan(s, NOTHING, None).chunk[:, 0].mean() for s in new_states(10)])
    assert along["relative"] > 0.3
    assert abs(along["absolute"] - 0.2) < 0.1


def test_corrected_step_by_step_the_policy_arrives() -> None:
    """Each correction gives a direction from the policy's chunk; together they determine the target."""
    trainer = make(method(penalty_weight=0.0))
    for number in range(160):
        rng = np.random.default_rng((1, number))
        if number % 20 == 0:
            policy = policy_of(trainer, number)
            for _ in range(12 if number else 0):
                trainer.update()
        state = rng.uniform(-1, 1, DIM_O).astype(np.float32)
        robot = (
            policy.plan(state, NOTHING, None).chunk if number >= 20 else rng.uniform(-1, 1, CHUNK).astype(np.float32)
        )
        away = target(state) - robot
        human = robot + np.float32(0.2) * away / np.linalg.norm(away, axis=1, keepdims=True)
        trainer.add(number, "relative", state, robot, human, np.ones(CHUNK, np.float32))
    for _ in range(40):
        trainer.update()
    assert errors(trainer) < 0.1, "less than half of a single correction's length"


@pytest.mark.parametrize("start", ["proposals", "uniform"])
@pytest.mark.parametrize("taught", [[0, 1], [0, 2]], ids=["first step", "first axis"])
def test_a_placeholder_is_not_learnt(start: str, taught: list[int]) -> None:
    """Both chunks hold 0.8 as a placeholder. The energy must not prefer 0.8 to another number."""
    numbers = method().negatives.model_copy(update={"start": start})
    trainer = make(method(penalty_weight=0.0, negatives=numbers))
    known = np.isin(np.arange(4), taught)
    for number in range(60):
        rng = np.random.default_rng(number)
        state = rng.uniform(-1, 1, DIM_O).astype(np.float32)
        chunks = [np.where(known, a.reshape(-1), 0.8) for a in (rng.uniform(-1, 1, CHUNK), target(state))]
        robot, human = (chunk.reshape(CHUNK).astype(np.float32) for chunk in chunks)
        trainer.add(number, "absolute", state, robot, human, known.reshape(CHUNK).astype(np.float32))
    for _ in range(60):
        trainer.update()
    states = new_states(30)
    right = torch.from_numpy(np.stack([target(s).reshape(-1) for s in states]))[:, None].repeat(1, 2, 1)
    right[:, 0, ~known] = 0.0
    right[:, 1, known] -= 0.6
    right[:, 1, ~known] = 0.8
    with torch.no_grad():
        context = trainer.network.context(torch.from_numpy(np.stack(states)))
        other, wrong = trainer.network.energy(context, right).T
    assert (other < wrong).float().mean() > 0.8


def test_a_taught_first_step_is_learnt_and_the_rest_stays_open() -> None:
    """Only the first step is taught, the placeholder behind it is the robot's own random tail."""
    trainer = make(method(penalty_weight=0.0))
    mask = np.array([[1, 1], [0, 0]], np.float32)
    for number in range(60):
        rng = np.random.default_rng(number)
        state, robot = rng.uniform(-1, 1, DIM_O).astype(np.float32), rng.uniform(-1, 1, CHUNK).astype(np.float32)
        human = np.stack([target(state)[0], robot[1]])
        trainer.add(number, "absolute", state, robot, human, mask)
    for _ in range(100):
        trainer.update()
    states = new_states(30)
    policy = policy_of(trainer)
    assert np.mean([np.abs(policy.plan(s, NOTHING, None).chunk[0] - target(s)[0]).mean() for s in states]) < 0.12
    right = torch.zeros(30, 3, HORIZON * DIM_A)
    right[..., :2] = torch.from_numpy(np.stack([target(s)[0] for s in states]))[:, None]
    right[:, 1, :2] -= 0.6
    right[:, 2, 2:] -= 0.6
    with torch.no_grad():
        context = trainer.network.context(torch.from_numpy(np.stack(states)))
        best, wrong_first, other_rest = trainer.network.energy(context, right).mean(0).tolist()
    assert abs(other_rest - best) < 0.2 * (wrong_first - best)
