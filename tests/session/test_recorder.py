"""Session files: complete, truncated, damaged, foreign; a recorder that never blocks the loop."""

from __future__ import annotations

import io
import signal
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from fake_session import Swirl, session_records, settings_record
from mcap.writer import Writer

from hitl_clic.session.reader import Session
from hitl_clic.session.recorder import Recorder
from hitl_clic.session.settings import RecordingSettings
from hitl_clic.session.topics import SettingsRecord
from hitl_clic.types.records import EventRecord, TickRecord


def event(number: int) -> EventRecord:
    return EventRecord(number, number, "mark", {"n": number})


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A session folder with three episodes, written in many chunks."""
    folder = tmp_path_factory.mktemp("whole")
    recorder = Recorder(folder / "session.mcap", RecordingSettings(flush_s=0.05))
    recorder.start()
    for number, record in enumerate(session_records(Swirl())):
        recorder.put(record)
        if number % 20 == 0:
            time.sleep(0.06)
    recorder.close()
    assert (recorder.error, recorder.dropped, recorder.waiting) == (None, 0, 0)
    return folder


def test_reads_back_what_was_recorded_in_order(whole: Path) -> None:
    session = Session.open(whole)
    put = list(session_records(Swirl()))
    read = list(session.records())
    assert [type(record) for record in read] == [type(record) for record in put]
    for one, other in zip(put, read, strict=True):
        if isinstance(one, TickRecord):
            assert one.observation.tobytes() == other.observation.tobytes()
            assert one.executed.tobytes() == other.executed.tobytes()
            assert (one.human_action is None) == (other.human_action is None)
            assert one.sections_ns == other.sections_ns
    assert not session.truncated
    assert session.lost == ""
    assert session.dropped == 0
    assert session.settings == settings_record()
    assert session.counts["tick"] == len(session.ticks) == sum(isinstance(record, TickRecord) for record in put)
    for name in ("plans", "pairs", "snapshots", "events", "swaps", "episodes", "statuses"):
        assert getattr(session, name), name


def test_any_mcap_reader_opens_it(whole: Path) -> None:
    from mcap.reader import make_reader

    with (whole / "session.mcap").open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        names = {channel.topic for channel in summary.channels.values()}
        assert {"settings", "tick", "plan", "pair", "weights", "snapshot", "event", "episode", "learner"} == names
        assert all(schema.encoding == "jsonschema" for schema in summary.schemas.values())
        messages = sum(1 for _ in reader.iter_messages())
        assert messages == summary.statistics.message_count == sum(Session.open(whole).counts.values())


def test_a_truncated_file_gives_a_prefix(whole: Path, tmp_path: Path) -> None:
    data = (whole / "session.mcap").read_bytes()
    every = [(record.tick, record.time_ns) for record in Session.open(whole).of(TickRecord)]
    seen = set()
    for length in range(4000, len(data) - 1, 501):
        cut = tmp_path / "cut.mcap"
        cut.write_bytes(data[:length])
        try:
            session = Session.open(cut)
        except ValueError as refusal:
            assert "nothing in it can be read" in str(refusal)  # noqa: PT017
            continue
        ticks = [(record.tick, record.time_ns) for record in session.ticks]
        assert ticks == every[: len(ticks)]
        assert session.lost
        assert session.truncated
        seen.add(len(ticks))
    assert len(seen) > 3
    assert max(seen) == len(every)


def test_a_damaged_chunk_is_skipped_and_named(whole: Path, tmp_path: Path) -> None:
    data = bytearray((whole / "session.mcap").read_bytes())
    data[len(data) // 3] ^= 0x10
    damaged = tmp_path / "damaged.mcap"
    damaged.write_bytes(data)
    session = Session.open(damaged)
    assert "damaged" in session.lost
    every = {record.tick for record in Session.open(whole).ticks}
    ticks = [record.tick for record in session.ticks]
    assert ticks == sorted(ticks)
    assert 0 < len(ticks) < len(every)


def test_foreign_and_broken_files_are_refused_by_name(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=r"no session\.mcap in it"):
        Session.open(tmp_path)
    with pytest.raises(ValueError, match=r"gone\.mcap: there is no such file"):
        Session.open(tmp_path / "gone.mcap")
    empty = tmp_path / "empty.mcap"
    empty.touch()
    with pytest.raises(ValueError, match=r"empty\.mcap: the file is empty"):
        Session.open(empty)
    text = tmp_path / "text.mcap"
    text.write_text("not a recording at all, but long enough to be one")
    with pytest.raises(ValueError, match=r"text\.mcap: this is not an MCAP file"):
        Session.open(text)
    for profile, form, words in (("ros2", "1", "profile 'ros2'"), ("hitl-clic", "99", "format '99'")):
        other = tmp_path / f"{profile}.mcap"
        with other.open("wb") as file:
            writer = Writer(file)
            writer.start(profile=profile)
            writer.add_metadata("session", {"format": form})
            writer.finish()
        with pytest.raises(ValueError, match=words):
            Session.open(other)


def test_an_existing_recording_is_never_overwritten(whole: Path) -> None:
    before = (whole / "session.mcap").read_bytes()
    with pytest.raises(ValueError, match="exists already"):
        Recorder(whole / "session.mcap").start()
    assert (whole / "session.mcap").read_bytes() == before


def test_full_queue_drops_counts_and_never_blocks(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "session.mcap", RecordingSettings(queue_capacity=10))
    for number in range(25):  # not started: nothing empties the queue
        recorder.put(event(number))
    assert (recorder.waiting, recorder.dropped) == (10, 15)
    recorder.start()
    recorder.close()
    recorder.put(event(99))
    assert recorder.dropped == 16
    session = Session.open(tmp_path)
    assert [record.tick for record in session.events] == list(range(10))
    assert session.dropped == 15


def test_unknown_types_are_refused_at_once(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="no topic for a str"):
        Recorder(tmp_path / "session.mcap").put("a line")


def test_a_record_that_cannot_be_written_is_skipped(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "session.mcap")
    recorder.start()
    recorder.put(event(0))
    recorder.put(EventRecord(1, 1, "bad", {"value": np.zeros(3)}))  # type: ignore[dict-item]
    recorder.put(event(2))
    recorder.close()
    assert recorder.error is not None
    assert "EventRecord.detail" in recorder.error
    assert recorder.dropped == 1
    assert [record.tick for record in Session.open(tmp_path).events] == [0, 2]


class _FullDisk(io.BytesIO):
    def write(self, data: bytes) -> int:  # type: ignore[override]
        if self.tell() + len(data) > 20_000:
            raise OSError(28, "No space left on device")
        return super().write(data)


def test_a_full_disk_ends_the_recording_not_the_loop(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    recorder = Recorder(tmp_path / "session.mcap", RecordingSettings(flush_s=0.05, compression="none"))
    monkeypatch.setattr(recorder, "_open", _FullDisk)
    recorder.start()
    put = 0
    deadline = time.perf_counter() + 60
    while recorder.error is None and time.perf_counter() < deadline:
        for _ in range(50):
            recorder.put(event(put))
            put += 1
        time.sleep(0.01)
    assert recorder.error is not None
    assert "No space left on device" in recorder.error
    for _ in range(100):
        recorder.put(event(put))
        put += 1
    recorder.close()
    assert recorder.waiting == 0
    assert recorder.dropped >= 100
    assert recorder.written + recorder.dropped == put


_ACTOR = """
import sys, time
sys.path.insert(0, sys.argv[2])
from pathlib import Path
from hitl_clic.types.records import EventRecord
from hitl_clic.session.recorder import Recorder
from fake_session import settings_record
recorder = Recorder(Path(sys.argv[1]))
recorder.start()
recorder.put(settings_record())
next_ns = time.perf_counter_ns()
for number in range(100_000):
    recorder.put(EventRecord(number, time.perf_counter_ns(), "tick", {}))
    sys.stdout.write(f"{number}\\n")
    sys.stdout.flush()
    next_ns += 10_000_000
    time.sleep(max(0, next_ns - time.perf_counter_ns()) * 1e-9)
"""


@pytest.mark.realtime
def test_after_kill_9_all_but_the_last_second_is_readable(tmp_path: Path) -> None:
    path = tmp_path / "session.mcap"
    command = [sys.executable, "-c", _ACTOR, str(path), str(Path(__file__).parents[1] / "support")]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as actor:
        assert actor.stdout is not None
        for line in actor.stdout:
            if int(line) >= 270:
                break
        killed_ns = time.perf_counter_ns()
        actor.send_signal(signal.SIGKILL)
    session = Session.open(path)
    assert session.truncated
    assert session.lost
    assert session.dropped is None
    assert session.settings.task == "swirl"
    ticks = [record.tick for record in session.events]
    assert ticks == list(range(len(ticks)))
    assert killed_ns - session.events[-1].time_ns < 1.5e9
    assert session.counts["settings"] == 1


def _on_disk(folder: Path) -> Session | None:
    """The events of a session in progress; None before the first."""
    try:
        session = Session.open(folder)
    except ValueError:
        return None
    return session if len(session.events) else None


def test_records_reach_the_disk_while_recording(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "session.mcap", RecordingSettings(flush_s=0.1))
    recorder.start()
    try:
        recorder.put(settings_record())
        recorder.put(event(5))
        deadline = time.monotonic() + 60.0
        while not (session := _on_disk(tmp_path)):
            assert time.monotonic() < deadline
            time.sleep(0.05)
        assert session.truncated
        assert [record.tick for record in session.events] == [5]
        assert list(session.of(SettingsRecord)) == [settings_record()]
    finally:
        recorder.close()
