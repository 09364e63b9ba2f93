"""A recording knows its date: log times are wall clock, publish times are monotonic, and no clock change moves them."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import partial
from pathlib import Path

import msgspec
import numpy as np
import pytest
from mcap.reader import make_reader

from hitl_clic import settings_layers
from hitl_clic.cli import replay as replay_command
from hitl_clic.learner import checkpoint
from hitl_clic.learner.checkpoint import Checkpoint
from hitl_clic.learner.journal import Journal, read_journal
from hitl_clic.runner.results import ReplayResult, SessionSummary
from hitl_clic.runner.session_log import SessionLog
from hitl_clic.session.reader import Session
from hitl_clic.session.start_time import StartTime
from hitl_clic.session.summary import summarise
from hitl_clic.settings_layers import load
from hitl_clic.types.dates import shown, utc_text
from hitl_clic.types.messages import Weights
from hitl_clic.types.records import EventRecord

DAY_NS = 86_400 * 10**9
OLD = Path(__file__).resolve().parents[2] / "recordings" / "oracle"


@pytest.fixture
def zone(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    """A machine that is five and a half hours ahead of UTC."""
    monkeypatch.setenv("TZ", "XST-5:30")
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def record(folder: Path, jump_ns: int = 0) -> tuple[int, int]:
    """A session of ten events 10 ms apart whose wall clock is set by `jump_ns` in its middle; its begin and end."""
    began = time.time_ns()
    log = SessionLog(load(overrides={"task": "line_following", "device": "oracle", "out": folder}), folder)
    log.start()
    with pytest.MonkeyPatch.context() as patch:
        for number in range(10):
            if number == 5 and jump_ns:
                set_to = time.time_ns() + jump_ns
                patch.setattr(time, "time_ns", partial(int, set_to))
            log.put(EventRecord(number, time.perf_counter_ns(), "mark", {}))
            time.sleep(0.01)
        log.close()
    log.write_figures(log.figures())
    return began, time.time_ns()


@pytest.mark.parametrize("jump_ns", [0, DAY_NS, -20_000 * DAY_NS])
def test_other_readers_see_the_date_whatever_the_clock_does(tmp_path: Path, jump_ns: int) -> None:
    began, ended = record(tmp_path, jump_ns)
    started = Session.open(tmp_path).settings
    with (tmp_path / "session.mcap").open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        assert began <= summary.statistics.message_start_time <= summary.statistics.message_end_time <= ended
        messages = [message for _, channel, message in reader.iter_messages() if channel.topic == "event"]
    assert [message.publish_time for message in messages] == [one.time_ns for one in Session.open(tmp_path).events]
    offsets = {message.log_time - message.publish_time for message in messages}
    assert len(offsets) == 1, "log times run with the monotonic clock"
    began_at = datetime.fromisoformat(started.started_at)
    assert began_at.utcoffset() == timedelta(0)
    dated = offsets.pop() + started.started_ns
    assert utc_text(dated) == started.started_at
    assert began - 1000 <= dated <= ended


def test_the_date_is_said_wherever_the_session_is_described(
    tmp_path: Path, zone: None, capsys: pytest.CaptureFixture[str]
) -> None:
    record(tmp_path)
    recorded = Session.open(tmp_path)
    written = msgspec.json.decode((tmp_path / "summary.json").read_bytes())
    assert written["started_at"] == summarise(recorded.records())["started_at"] == recorded.settings.started_at
    summary = SessionSummary.of(tmp_path, written)
    replay_command.tell(ReplayResult(recorded.path, summary, None, ()))
    local = datetime.fromisoformat(written["started_at"]).astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert f"{local:%Y-%m-%d %H:%M:%S} +0530" in " ".join(capsys.readouterr().out.split())


def test_old_recordings_have_no_date_and_read_as_before() -> None:
    recorded = Session.open(OLD)
    assert recorded.settings.started_at == ""
    assert summarise(recorded.records())["started_at"] is None
    assert shown("") == ""


def test_dates_are_exact_and_have_a_time_zone() -> None:
    assert utc_text(1_800_000_000_123_456_789) == "2027-01-15T08:00:00.123456+00:00"
    assert StartTime(1_800_000_000_000_000_000, 500).log_ns(700) == 1_800_000_000_000_000_200
    assert StartTime(100, 500).log_ns(0) == 0, "MCAP has no times before 1970"
    with pytest.raises(ValueError, match="has no time zone"):
        shown("2027-01-15T08:00:00")


def test_the_learners_files_are_dated(tmp_path: Path) -> None:
    before = datetime.now(UTC)
    journal = Journal(tmp_path / "pairs.journal", "run")
    journal.close()
    length, header = (tmp_path / "pairs.journal").read_bytes()[8:12], (tmp_path / "pairs.journal").read_bytes()[16:]
    body = msgspec.msgpack.decode(header[: int.from_bytes(length, "little")])
    assert before <= datetime.fromisoformat(body["started_at"]) <= datetime.now(UTC)
    assert read_journal(journal.path)[0] == "run"

    weights = Weights("run", 1, 0, 10, -1, {"w": np.ones(2, np.float32)})
    path = checkpoint.write(tmp_path, Checkpoint(weights, {}, {}, 0))
    os.utime(path, (0, 0))  # a copy loses the date of the file
    assert before <= datetime.fromisoformat(checkpoint.read(path).written_at) <= datetime.now(UTC)
    old = checkpoint.read(checkpoint.paths(OLD / "checkpoints")[-1])
    assert old.written_at == ""


def test_two_sessions_of_one_second_have_two_folders(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    class Stopped(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:  # type: ignore[override]
            return datetime(2026, 10, 25, 2, 30)

    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(settings_layers, "datetime", Stopped)
    names = []
    for _ in range(3):
        out = load(overrides={"task": "push_t"}).out
        assert out is not None
        out.mkdir(parents=True)
        names.append(out.name)
    assert names == ["push_t-20261025-023000", "push_t-20261025-023000-2", "push_t-20261025-023000-3"]
