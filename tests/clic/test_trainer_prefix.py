"""Training with committed first steps: which steps are given, and that chains keep them."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from toy_task import CHUNK, DIM_O, differing, make, method, target, teach

import hitl_clic.clic.shaping
from hitl_clic.clic.sampler import draw_negatives
from hitl_clic.clic.settings import ClicSettings
from hitl_clic.clic.shaping import Batch
from hitl_clic.clic.trainer import ChunkTrainer

pytestmark = pytest.mark.usefixtures("one_thread")


def seen_samples(trainer: ChunkTrainer, monkeypatch: pytest.MonkeyPatch) -> list[tuple[torch.Tensor, torch.Tensor]]:
    """The evaluation sets [B, S, H, dim_a] of the updates to come, each with its states."""
    sets: list[tuple[torch.Tensor, torch.Tensor]] = []
    inner = hitl_clic.clic.shaping.observation_log_p

    def spy(samples: torch.Tensor, batch: Batch, settings: ClicSettings, generator: torch.Generator) -> torch.Tensor:
        sets.append((batch.state, samples.reshape(*samples.shape[:2], *CHUNK).clone()))
        return inner(samples, batch, settings, generator)

    monkeypatch.setattr(hitl_clic.clic.shaping, "observation_log_p", spy)
    return sets


@pytest.mark.parametrize("prefix", [0, 1, 5])
def test_a_random_number_of_first_steps_is_given(prefix: int, monkeypatch: pytest.MonkeyPatch) -> None:
    """All samples, a^r too, begin with the human chunk's given steps; the last step is never given."""
    trainer = make(method(prefix=prefix))
    teach(trainer, 0, 40)
    sets = seen_samples(trainer, monkeypatch)
    for _ in range(6):
        trainer.update()
    given = 0
    for states, samples in sets:
        human = torch.from_numpy(np.stack([target(state) for state in states.numpy()]))[:, None]
        same = (samples == human).all(dim=1).all(dim=-1)  # [B, H]
        assert not same[:, 1].any()
        assert (samples[:, 1, 1] != human[:, 0, 1]).any(dim=-1).all(), "a^r keeps its own rest"
        given += int(same[:, 0].sum())
    rows = sum(len(states) for states, _ in sets)
    assert given == 0 if prefix == 0 else 0.3 * rows < given < 0.7 * rows


def test_what_was_not_taught_is_not_given() -> None:
    trainer = make(method(prefix=1))
    for number in range(40):
        arrays = [np.full(shape, 0.1 * (number % 9), np.float32) for shape in ((DIM_O,), CHUNK, CHUNK)]
        trainer.add(number, "absolute", arrays[0], arrays[1], arrays[2] - 0.5, np.array([[1, 0], [1, 1]], np.float32))
    batch = trainer._batch(trainer.buffer.draw(32))
    assert batch.given is not None
    assert batch.given[:, 0].any()
    assert not batch.given[:, 1:].any()


def test_without_given_steps_nothing_is_drawn_for_them() -> None:
    trainer = make(method(prefix=0))
    teach(trainer, 0, 40)
    pairs = trainer.buffer.draw(32)
    before = trainer.buffer.generator.bit_generator.state
    batch = trainer._batch(pairs)
    assert batch.given is None
    assert trainer.buffer.generator.bit_generator.state == before
    samples = torch.zeros(32, 3, 4)
    assert batch.fill(samples) is samples


def test_given_steps_are_drawn_from_the_seed() -> None:
    ends: list[dict[str, np.ndarray]] = []
    for prefix in (1, 1, 0):
        trainer = make(method(prefix=prefix), 5)
        teach(trainer, 0, 40)
        for _ in range(8):
            trainer.update()
        ends.append(trainer.weights())
    assert differing(ends[0], ends[1]) == []
    assert differing(ends[0], ends[2]) != []


def test_chains_keep_what_is_given() -> None:
    """The given steps also stay fixed during the chain, because the other steps depend on them."""
    given = torch.tensor([[True, True, False, False], [False] * 4])
    human = torch.tensor([[0.3, -0.4, 0.5, 0.6], [0.1, 0.2, 0.3, 0.4]])
    none = torch.zeros(2, dtype=torch.bool)
    batch = Batch(torch.zeros(2, 3), -human, human, torch.ones(2, 4), none, given=given)
    trainer = make(method(prefix=1))
    numbers = method().negatives.model_copy(update={"steps": 5})
    context = trainer.network.context(batch.state)
    generator = torch.Generator().manual_seed(0)
    found = draw_negatives(trainer.network, context, batch.robot, batch.human, numbers, generator, batch.fill)
    assert torch.equal(found[0, :, :2], human[0, :2].expand(32, 2))
    assert (found[0, :, 2:] != human[0, 2:]).any(dim=0).all()
    assert (found[1] != human[1]).any(dim=0).all()
