"""A real learner process on loopback: killed, restarted, orphaned, stopped."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from fake_learner import LINK, SETTINGS, make_pair

from hitl_clic.learner import checkpoint
from hitl_clic.learner.journal import read_journal
from hitl_clic.learner.launcher import LearnerChild
from hitl_clic.link.actor import ActorLink
from hitl_clic.types.messages import ChunkPair, Hello, Weights

FAKE = Path(__file__).parents[1] / "support" / "fake_learner.py"
PAIRS = 200


def command(out: Path, options: str = "{}") -> list[str]:
    return [sys.executable, str(FAKE), "{bind}", str(out), options]


def until(condition: Callable[[], bool], timeout_s: float = 60.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        time.sleep(0.01)


@pytest.mark.realtime
def test_an_absent_learner_never_blocks_the_loop() -> None:
    actor = ActorLink("tcp://127.0.0.1:1", Hello("run-a", "actor-a", SETTINGS), LINK, lambda _: None)
    actor.start()
    try:
        slowest = 0.0
        for number in range(PAIRS):
            began = time.perf_counter()
            actor.send_pair(make_pair(number))
            slowest = max(slowest, time.perf_counter() - began)
            time.sleep(0.002)
        assert slowest < 0.2
        assert actor.status().made == PAIRS
    finally:
        actor.close(0.0)


def test_a_killed_learner_restarts_and_ingests_each_pair_once(tmp_path: Path) -> None:
    seen: list[Weights] = []
    child = LearnerChild(command(tmp_path, '{"checkpoint_every_s": 0.2, "publish_every_s": 0.02}'), tmp_path)
    address = child.start()
    actor = ActorLink(address, Hello("run-a", "actor-a", SETTINGS), LINK, seen.append)
    actor.start()
    try:
        for number in range(PAIRS):
            actor.send_pair(make_pair(number))
            time.sleep(0.002)
            if number == PAIRS // 2:
                until(lambda: actor.status().acknowledged > 20)
                os.kill(child.pid, signal.SIGKILL)
        until(lambda: actor.status().acknowledged == PAIRS)
        until(lambda: bool(seen) and seen[-1].newest_pair == PAIRS - 1)
        status = actor.status()
        assert (status.made, status.dropped, status.malformed) == (PAIRS, 0, 0)
        assert child.restarts == 1
    finally:
        actor.close(1.0)
        assert child.stop() == 0

    versions = [weights.version for weights in seen]
    assert versions == sorted(set(versions))
    run_id, entries = read_journal(tmp_path / "checkpoints" / "pairs.journal")
    pairs = [entry.message for entry in entries if isinstance(entry.message, ChunkPair)]
    assert sorted(pair.id for pair in pairs) == list(range(PAIRS))
    assert all(np.array_equal(pair.human, make_pair(pair.id).human) for pair in pairs)
    newest = checkpoint.latest(tmp_path)
    assert newest is not None
    weights, settings = checkpoint.read_weights(newest)
    assert (weights.run_id, weights.newest_pair, settings) == (run_id, PAIRS - 1, SETTINGS)
    assert weights.tensors["held"].tolist() == list(range(PAIRS))


def test_a_stopped_learner_checkpoints_and_resumes(tmp_path: Path) -> None:
    def session(first: int) -> int:
        seen: list[Weights] = []
        child = LearnerChild(command(tmp_path), tmp_path, restart=False)
        actor = ActorLink(child.start(), Hello("run-a", "actor-a", SETTINGS), LINK, seen.append)
        actor.start()
        for number in range(first, first + 5):
            actor.send_pair(make_pair(number))
        until(lambda: bool(seen) and seen[-1].newest_pair == first + 4)
        actor.close(5.0)
        assert child.stop() == 0
        assert not child.alive()
        newest = checkpoint.latest(tmp_path)
        assert newest is not None
        return checkpoint.read_weights(newest)[0].step

    first, second = session(0), session(5)
    assert first < second
    _, entries = read_journal(tmp_path / "checkpoints" / "pairs.journal")
    assert [e.message.id for e in entries if isinstance(e.message, ChunkPair)] == list(range(10))


def test_an_orphaned_learner_checkpoints_and_exits(tmp_path: Path) -> None:
    options = '{"exit_when_orphaned": true, "orphan_after_s": 0.3}'
    starter = (
        "import subprocess, sys, time\n"
        f"subprocess.Popen({[sys.executable, str(FAKE), 'tcp://127.0.0.1:*', str(tmp_path), options]!r})\n"
        "time.sleep(60)\n"
    )
    parent = subprocess.Popen([sys.executable, "-c", starter])
    announced = tmp_path / "learner.json"
    until(announced.exists)
    journal = tmp_path / "checkpoints" / "pairs.journal"
    assert journal.exists()
    parent.kill()
    parent.wait()

    def is_free() -> bool:
        fcntl = pytest.importorskip("fcntl")
        with journal.open("rb") as file:
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
        return True

    until(is_free)


def test_a_learner_that_cannot_start_gives_the_reason(tmp_path: Path) -> None:
    child = LearnerChild([sys.executable, "-c", "import sys; sys.exit('no such method')", "{bind}"], tmp_path)
    with pytest.raises(RuntimeError, match="ended with status 1: no such method"):
        child.start()
    with pytest.raises(ValueError, match="must hold"):
        LearnerChild(["learner"], tmp_path)
