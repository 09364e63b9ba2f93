"""A real method in the learner's loop: a resumed run continues bit for bit."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import pytest
from fake_learner import LINK, SETTINGS, make_pair

from hitl_clic.learner.journal import Journal
from hitl_clic.learner.process import Learner
from hitl_clic.learner.settings import TrainingSettings
from hitl_clic.learner.trainer import Trainer
from hitl_clic.link.learner import LearnerLink
from hitl_clic.types.messages import Hello, UpdateRequest

torch = pytest.importorskip("torch")


def make_trainer(settings: Mapping[str, object]) -> Trainer:
    from hitl_clic.clic.settings import ClicSettings
    from hitl_clic.clic.trainer import ChunkTrainer

    return ChunkTrainer(4, 2, 3, ClicSettings(min_pairs=4), seed=1)


def learner(out: Path) -> tuple[Learner, Journal, LearnerLink]:
    link = LearnerLink("tcp://127.0.0.1:*", SETTINGS, LINK)
    journal = Journal(out / "pairs.journal", "run")
    return Learner(link, journal, out, make_trainer, SETTINGS, TrainingSettings(idle_updates=False)), journal, link


def ask(made: Learner, number: int, updates: int) -> None:
    assert made.run is not None
    made.run.record("run-a", UpdateRequest(number, updates))
    while made.run.request is not None:
        made.run_once()


def test_the_method_resumes_bit_for_bit(tmp_path: Path) -> None:
    torch.set_num_threads(1)
    ends = []
    for interrupted in (False, True):
        made, journal, link = learner(tmp_path / str(interrupted))
        assert made.run is not None
        made.run.introduce(Hello("run-a", "a", SETTINGS))
        for number in range(6):
            made.run.record("run-a", make_pair(number))
        ask(made, 1, 3)
        made.run.record("run-a", make_pair(6))
        if interrupted:
            assert made.checkpoint() is not None
            made.run.record("run-a", make_pair(7))  # after the checkpoint, so in the journal only
            link.close()
            journal.close()
            made, journal, link = learner(tmp_path / str(interrupted))
            made.run_once()
        else:
            made.run.record("run-a", make_pair(7))
        ask(made, 2, 3)
        assert made.run is not None
        ends.append(made.run.trainer.state())
        link.close()
        journal.close()
    assert ends[0].keys() == ends[1].keys()
    assert [name for name in ends[0] if not np.array_equal(ends[0][name], ends[1][name])] == []
