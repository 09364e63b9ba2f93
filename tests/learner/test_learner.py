"""The learner's loop in this process: exact requests, exact resume, single ingestion, finite weights."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from fake_learner import LINK, SETTINGS, FakeTrainer, make_pair

from hitl_clic.learner import checkpoint
from hitl_clic.learner.journal import Journal
from hitl_clic.learner.process import Learner
from hitl_clic.learner.settings import TrainingSettings
from hitl_clic.link.actor import ActorLink
from hitl_clic.link.learner import LearnerLink, UpdatesRequested
from hitl_clic.types.messages import Hello, UpdateRequest, Weights

PAPER = TrainingSettings(idle_updates=False)
LIVE = TrainingSettings(publish_every_s=0.01, publish_min_s=0.0)


class LearnerAndActor:
    """A learner and an actor, stepped by the test."""

    def __init__(self, out: Path, training: TrainingSettings, run_id: str = "run-a") -> None:
        self.trainers: list[FakeTrainer] = []
        self.link = LearnerLink("tcp://127.0.0.1:*", None, LINK)
        self.journal = Journal(out / "checkpoints" / "pairs.journal", "learner-run")
        try:
            self.learner = Learner(self.link, self.journal, out / "checkpoints", self.make, None, training)
        except ValueError:
            self.close()
            raise
        self.seen: list[Weights] = []
        self.actor = self.connect(run_id)

    def make(self, settings: Mapping[str, object]) -> FakeTrainer:
        self.trainers.append(FakeTrainer(settings))
        return self.trainers[-1]

    @property
    def trainer(self) -> FakeTrainer:
        return self.trainers[-1]

    @property
    def updates(self) -> int:
        return self.trainer.updates if self.trainers else 0

    def connect(self, run_id: str) -> ActorLink:
        actor = ActorLink(self.link.address, Hello(run_id, run_id, SETTINGS), LINK, self.seen.append)
        actor.start()
        return actor

    def until(self, condition: Callable[[], bool], timeout_s: float = 5.0) -> None:
        deadline = time.monotonic() + timeout_s
        while not condition():
            assert time.monotonic() < deadline, "it did not happen in time"
            self.learner.run_once()

    def answer(self, request: int) -> Weights:
        self.until(lambda: any(w.request == request for w in self.seen))
        return next(w for w in self.seen if w.request == request)

    def close(self) -> None:
        if hasattr(self, "actor"):
            self.actor.close(0.0)
        self.link.close()
        self.journal.close()


@contextmanager
def learner_and_actor(
    out: Path, training: TrainingSettings = PAPER, run_id: str = "run-a"
) -> Iterator[LearnerAndActor]:
    p = LearnerAndActor(out, training, run_id)
    try:
        yield p
    finally:
        p.close()


def equal(a: Mapping[str, np.ndarray], b: Mapping[str, np.ndarray]) -> bool:
    return a.keys() == b.keys() and all(np.array_equal(a[name], b[name]) for name in a)


def teach(p: LearnerAndActor, numbers: range) -> None:
    for number in numbers:
        p.actor.send_pair(make_pair(number))


def test_a_request_gives_the_exact_number_of_updates_and_is_reproducible(tmp_path: Path) -> None:
    results = []
    for name in ("one", "two"):
        with learner_and_actor(tmp_path / name) as p:
            teach(p, range(6))
            first = p.answer(p.actor.request_updates(7))
            assert (first.step, first.newest_pair, first.version) == (7, 5, 1)
            teach(p, range(6, 8))
            second = p.answer(p.actor.request_updates(3))
            assert (second.step, second.newest_pair, second.parent) == (10, 7, 1)
            for _ in range(20):
                p.learner.run_once()
            assert p.trainer.updates == 10
            assert len(p.seen) == 2  # no unrequested weights
            results.append(second.tensors)
    assert equal(*results)


def test_a_repeated_request_is_answered_with_one_version(tmp_path: Path) -> None:
    """A slow learner answers late and the actor repeats its request; the versions must not change."""
    with learner_and_actor(tmp_path) as p:
        teach(p, range(6))
        number = p.actor.request_updates(7)
        first = p.answer(number)
        (peer,) = p.link._peers
        p.learner._backlog.extend(2 * [UpdatesRequested(peer, "run-a", UpdateRequest(number, 7))])
        second = p.answer(p.actor.request_updates(2))
        assert (first.version, second.version, second.parent, second.step) == (1, 2, 1, 9)

        p.actor._newest_answer, p.seen[:] = number, []  # the second answer was lost on the way
        p.learner._backlog.append(UpdatesRequested(peer, "run-a", UpdateRequest(number + 1, 2)))
        again = p.answer(number + 1)
        assert (again.version, again.step) == (2, 9)
        assert equal(again.tensors, second.tensors)


def test_a_request_with_too_few_pairs_is_answered_without_updates(tmp_path: Path) -> None:
    with learner_and_actor(tmp_path) as p:
        answer = p.answer(p.actor.request_updates(7))
        assert (answer.step, answer.newest_pair) == (0, -1)
        teach(p, range(4))
        assert p.answer(p.actor.request_updates(0)).step == 0


def test_a_new_pair_is_in_the_next_batch_and_its_weights_are_published_at_once(tmp_path: Path) -> None:
    with learner_and_actor(tmp_path, TrainingSettings(publish_every_s=60.0, publish_min_s=0.0)) as p:
        teach(p, range(4))
        p.until(lambda: any(w.newest_pair == 3 for w in p.seen))
        before = p.trainer.updates
        p.until(lambda: p.trainer.updates > before + 20)
        published = len(p.seen)
        teach(p, range(4, 5))
        p.until(lambda: len(p.trainer) == 5)
        p.until(lambda: any(w.newest_pair == 4 for w in p.seen))
        assert p.trainer.fresh == []
        assert len(p.seen) == published + 1


def test_resume_from_a_checkpoint_is_bit_for_bit(tmp_path: Path) -> None:
    def whole(p: LearnerAndActor, after: Callable[[], None]) -> Mapping[str, np.ndarray]:
        teach(p, range(10))
        p.actor.withdraw(2)
        p.answer(p.actor.request_updates(9))
        p.actor.withdraw(9)
        teach(p, range(10, 12))
        p.until(lambda: p.actor.status().acknowledged == 12)
        after()
        return p.trainer.state()

    with learner_and_actor(tmp_path / "uninterrupted") as p:
        whole(p, lambda: None)
        teach(p, range(12, 14))
        expected = p.answer(p.actor.request_updates(5)).tensors
        final = p.trainer.state()
    with learner_and_actor(tmp_path / "resumed") as p:
        state = whole(p, lambda: p.learner.checkpoint() and None)
    with learner_and_actor(tmp_path / "resumed") as p:
        p.learner.run_once()
        assert equal(p.trainer.state(), state)
        teach(p, range(12, 14))
        p.actor._requests = 1  # a resumed actor continues its request numbers
        answer = p.answer(p.actor.request_updates(5))
        assert equal(answer.tensors, expected)
        assert equal(p.trainer.state(), final)
        assert answer.version > 1


def test_resume_without_a_checkpoint_replays_the_requests_of_the_journal(tmp_path: Path) -> None:
    with learner_and_actor(tmp_path) as p:
        teach(p, range(6))
        p.answer(p.actor.request_updates(7))
        teach(p, range(6, 8))
        before = p.answer(p.actor.request_updates(2))
    with learner_and_actor(tmp_path) as p:
        p.until(lambda: p.trainer.updates == 9)
        assert equal(p.trainer.weights(), before.tensors)
        p.actor._requests = 1
        again = p.answer(p.actor.request_updates(2))  # the same request, its answer lost: no update twice
        assert equal(again.tensors, before.tensors)
        assert again.version > before.version
        assert p.trainer.updates == 9


def test_pairs_are_ingested_once_by_run_and_number(tmp_path: Path) -> None:
    with learner_and_actor(tmp_path) as p:
        teach(p, range(5))
        p.until(lambda: p.actor.status().acknowledged == 5)
        p.actor.close(0.0)
        p.actor = p.connect("run-a")
        teach(p, range(6))  # the actor has lost the acknowledgements of 0 to 4
        p.until(lambda: p.actor.status().acknowledged == 6)
        status = p.learner.status()
        assert (status.ingested, status.pairs) == (6, 6)
        p.actor.close(0.0)
        p.actor = p.connect("run-b")
        teach(p, range(2))
        p.until(lambda: p.actor.status().acknowledged == 2)
        assert p.trainer.added == list(range(8))
        answer = p.answer(p.actor.request_updates(4))
        assert answer.newest_pair == 1  # in the numbers of run-b


def test_a_withdrawn_pair_is_dropped_before_and_after_its_arrival(tmp_path: Path) -> None:
    with learner_and_actor(tmp_path) as p:
        p.actor.withdraw(3)
        teach(p, range(6))
        p.until(lambda: p.actor.status().acknowledged == 6)
        p.actor.withdraw(1)
        p.actor.withdraw(1)
        held = p.answer(p.actor.request_updates(1)).tensors["held"].tolist()
        assert held == [0, 2, 4, 5]
        status = p.learner.status()
        assert (status.ingested, status.withdrawn, status.pairs) == (6, 2, 4)
    with learner_and_actor(tmp_path) as p:
        p.until(lambda: p.trainer.updates == 1)
        assert sorted(p.trainer.pairs) == [0, 2, 4, 5]


def test_weights_that_are_not_finite_are_never_published(tmp_path: Path) -> None:
    with learner_and_actor(tmp_path, LIVE) as p:
        teach(p, range(4))
        p.until(lambda: len(p.seen) > 2)
        good = p.seen[-1]
        p.trainer.poison_at = p.trainer.updates + 1
        p.until(lambda: p.learner.status().losses.get("publications_not_finite", 0) > 0)
        request = p.actor.request_updates(2)
        answer = p.answer(request)
        assert answer.version > good.version
        p.until(lambda: p.seen[-1].step > 3)  # it restarted from the journal, without a checkpoint
        assert len(p.trainers) == 2
        assert len(p.trainer) == 4
        assert all(np.isfinite(w.tensors["value"]).all() for w in p.seen)


def test_a_request_is_answered_with_the_last_finite_weights(tmp_path: Path) -> None:
    with learner_and_actor(tmp_path) as p:
        teach(p, range(4))
        good = p.answer(p.actor.request_updates(3))
        p.trainer.poison_at = 5
        answer = p.answer(p.actor.request_updates(3))
        assert equal(answer.tensors, good.tensors)
        assert (answer.step, answer.version) == (3, 2)
        assert p.learner.checkpoint() is None


def test_settings_that_a_method_refuses_are_refused(tmp_path: Path) -> None:
    with learner_and_actor(tmp_path) as p:
        p.actor.close(0.0)
        hello = Hello("run-b", "b", {**SETTINGS, "horizon": 9})
        actor = ActorLink(p.link.address, hello, LINK, p.seen.append)
        actor.start()
        p.learner.run = None
        p.until(lambda: actor.status().state == "refused")
        assert "horizon" in actor.status().detail
        actor.close(0.0)


def test_a_folder_of_other_settings_or_another_run_is_refused(tmp_path: Path) -> None:
    with learner_and_actor(tmp_path) as p:
        teach(p, range(4))
        p.answer(p.actor.request_updates(1))
        assert p.learner.checkpoint() is not None
    link = LearnerLink("tcp://127.0.0.1:*", None, LINK)
    journal = Journal(tmp_path / "checkpoints" / "pairs.journal", "x")
    with pytest.raises(ValueError, match="horizon is 3 on the actor and 4 on the learner"):
        Learner(link, journal, tmp_path / "checkpoints", FakeTrainer, {**SETTINGS, "horizon": 4}, PAPER)
    journal.close()
    journal.path.unlink()
    journal = Journal(journal.path, "another-run")
    with pytest.raises(ValueError, match="is of run learner-run"):
        Learner(link, journal, tmp_path / "checkpoints", FakeTrainer, SETTINGS, PAPER)
    journal.close()
    link.close()


def test_a_damaged_checkpoint_is_skipped(tmp_path: Path) -> None:
    with learner_and_actor(tmp_path) as p:
        teach(p, range(6))
        for _ in range(2):
            p.answer(p.actor.request_updates(3))
            p.learner.checkpoint()
        state = p.trainer.state()
    newest = checkpoint.latest(tmp_path)
    assert newest is not None
    newest.write_bytes(newest.read_bytes()[:-10])
    with learner_and_actor(tmp_path) as p:
        p.until(lambda: p.trainer.updates == 6)
        assert equal(p.trainer.state(), state)
    assert newest.with_suffix(".damaged").exists()
