"""kill -9 in mid-episode, of the learner and of the actor: no pair lost, none twice, everything readable."""

from __future__ import annotations

import json
import os
import signal
import time
from pathlib import Path

import numpy as np
import pytest
from mcap.reader import make_reader
from session_process import (
    FLUSH_S,
    FLUSHED,
    LIVELY,
    SMALL,
    app,
    finish,
    journal_of,
    learner_of,
    live_ticks,
    pairs_in,
    start,
    until,
)

from hitl_clic.learner import checkpoint
from hitl_clic.session.reader import Session

pytestmark = pytest.mark.realtime
TEACH = [
    *("teach", "--task", "line_following", "--device", "oracle", "--headless", "--episodes", "1"),
    *("--loop.rate-hz", "30", "--oracle.threshold", "0.01"),  # corrected nearly all the time
    *(*SMALL, *LIVELY, *FLUSHED),
]


def test_a_killed_learner_costs_nothing_but_time(tmp_path: Path) -> None:
    out, journal = tmp_path / "session", journal_of(tmp_path / "session")
    session = start(*TEACH, "--out", out)
    try:
        until(lambda: len(pairs_in(journal)) >= 20, session, "20 pairs")
        first = learner_of(out)
        os.kill(first["pid"], signal.SIGKILL)
        killed_ns = time.perf_counter_ns()
        before = len(pairs_in(journal))
        until(lambda: learner_of(out).get("pid", first["pid"]) != first["pid"], session, "another learner")
        until(lambda: len(pairs_in(journal)) > before + 20, session, "pairs at the new learner")
        back_ns = time.perf_counter_ns()
        time.sleep(1.0 + 2 * FLUSH_S)  # how the learner is gets noted once a second
        session.send_signal(signal.SIGINT)
        status, _, problems = finish(session)
    finally:
        session.kill()
    assert status == 0, problems
    assert learner_of(out)["address"] == first["address"]

    recorded = Session.open(out)
    meanwhile = [tick.time_ns for tick in recorded.ticks if killed_ns < tick.time_ns < back_ns]
    assert len(meanwhile) > 0.8 * 30 * (back_ns - killed_ns) * 1e-9, "the loop went on at its rate"
    assert max(np.diff(meanwhile)) < 0.5e9
    events = [event.name for event in recorded.events]
    assert "learner_lost" in events
    assert "learner_back" in events[events.index("learner_lost") :]

    pairs = json.loads((out / "summary.json").read_text())["pairs"]
    assert pairs["made"] == pairs["acknowledged"] == pairs["ingested"] == len(recorded.pairs)
    assert pairs["dropped"] == 0
    assert [pair.id for pair in sorted(pairs_in(journal), key=lambda pair: pair.id)] == list(range(pairs["made"]))
    newest = checkpoint.latest(out)
    assert newest is not None
    assert checkpoint.read_weights(newest)[0].newest_pair == pairs["made"] - 1
    versions = [swap.version for swap in recorded.swaps]
    assert versions == sorted(set(versions)), "no version came twice"
    assert any(swap.time_ns > back_ns for swap in recorded.swaps), "the new learner's weights drive"


def test_a_killed_actor_leaves_a_readable_session_and_no_orphan(tmp_path: Path) -> None:
    fcntl = pytest.importorskip("fcntl")
    out, journal = tmp_path / "session", journal_of(tmp_path / "session")
    session = start(*TEACH, "--out", out)
    try:
        until(lambda: len(pairs_in(journal)) >= 40, session, "40 pairs")
        until(lambda: len(live_ticks(out)) > 40, session, "40 ticks on disk")
    finally:
        session.kill()
        killed_ns = time.perf_counter_ns()
        session.communicate()

    def learner_gone() -> bool:
        with journal.open("rb") as file:
            try:
                fcntl.flock(file.fileno(), fcntl.LOCK_EX | fcntl.LOCK_NB)
            except OSError:
                return False
        return True

    until(learner_gone, what="the learner's leaving")
    cut_off = (out / "session.mcap").stat().st_ino
    status, said, problems = app("repair", out)
    assert status == 0, problems
    assert "recovered" in said.splitlines()[0]
    assert "summary.json: written from the recording" in said
    assert (out / "session.mcap").stat().st_ino != cut_off
    with (out / "session.mcap").open("rb") as file:
        indexed = make_reader(file, validate_crcs=True)
        summary = indexed.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        messages = sum(1 for _ in indexed.iter_messages())
    recorded = Session.open(out)
    assert messages == summary.statistics.message_count == sum(recorded.counts.values())
    assert time.time_ns() - summary.statistics.message_start_time < 600 * 10**9
    assert recorded.truncated
    ticks = recorded.ticks
    assert [tick.tick for tick in ticks] == list(range(len(ticks)))
    assert killed_ns - ticks[-1].time_ns < (FLUSH_S + 0.7) * 1e9, "no more than the last flush is missing"

    journaled = pairs_in(journal)
    numbers = [pair.id for pair in journaled]
    assert len(numbers) == len(set(numbers)), "a pair came twice"
    assert numbers == list(range(len(numbers))), "a pair is missing"
    acknowledged = max(status.acknowledged for status in recorded.statuses)
    assert 0 < acknowledged <= len(numbers)
    by_id = {pair.id: pair for pair in journaled}
    on_record = [pair for pair in recorded.pairs if pair.id < acknowledged]
    assert [pair.id for pair in on_record] == list(range(acknowledged))
    for pair in on_record:
        assert np.array_equal(pair.human, by_id[pair.id].human)
        assert np.array_equal(pair.state, by_id[pair.id].state)
    newest = checkpoint.latest(out)
    assert newest is not None
    assert checkpoint.read(newest).entries > len(numbers), "the learner wrote a checkpoint before it left"
    status, said, problems = app("replay", out, "--verify")
    assert status == 0, problems
    assert "cut off" in said
