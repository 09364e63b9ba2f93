"""A recording that a kill cut off gets its index back: nothing is lost by it, and never under a live recorder."""

from __future__ import annotations

import errno
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from fake_learner import make_pair
from fake_session import MS, Swirl, session_records, settings_record, write
from mcap.reader import SeekingReader, make_reader
from mcap.records import Chunk
from mcap.stream_reader import StreamReader

from hitl_clic import __main__ as command_line
from hitl_clic.learner.journal import Entry, Journal, read_journal
from hitl_clic.runner.repairing import NOTHING, repair_session
from hitl_clic.session import lock as locks
from hitl_clic.session import repair as repairs
from hitl_clic.session.lock import InUse, locked
from hitl_clic.session.reader import Session
from hitl_clic.session.recorder import Recorder
from hitl_clic.session.repair import CannotRepair, repair
from hitl_clic.session.settings import RecordingSettings
from hitl_clic.types.errors import UserError
from hitl_clic.types.records import EventRecord

Message = tuple[str, int, int, int, bytes]


def with_index(path: Path) -> list[Message]:
    """All messages, as the MCAP package's seeking reader finds them through the index; and some by time."""
    with path.open("rb") as file:
        reader = make_reader(file, validate_crcs=True)
        assert isinstance(reader, SeekingReader)
        summary = reader.get_summary()
        assert summary is not None
        assert summary.statistics is not None
        found = [
            (channel.topic, message.log_time, message.publish_time, message.sequence, message.data)
            for _, channel, message in reader.iter_messages(log_time_order=False)
        ]
        assert summary.statistics.message_count == len(found)
        assert found == [] or len(summary.chunk_indexes) > 0
        middle = found[len(found) // 2][1] if found else 0
        later = sum(1 for _ in reader.iter_messages(starting_at=middle))
        assert later == sum(one[1] >= middle for one in found), "seeking by time"
    return found


def refused_by_others(path: Path) -> bool:
    try:
        with_index(path)
    except Exception:
        return True
    return False


def chunks_of(path: Path) -> list[tuple[int, int]]:
    """Begin and end of each chunk, bytes."""
    found = []
    with path.open("rb") as file:
        records, position = StreamReader(file, emit_chunks=True).records, 8
        for record in records:
            if isinstance(record, Chunk):
                found.append((position, file.tell()))
            position = file.tell()
    return found


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A finished recording of three small chunks."""
    path = tmp_path_factory.mktemp("whole") / "session.mcap"
    recorder = Recorder(path, RecordingSettings(flush_s=0.05))
    recorder.start()
    recorder.put(settings_record())
    for number in range(9):
        recorder.put(EventRecord(number, number * MS, "mark", {"n": number}))
        if number % 3 == 2:
            time.sleep(0.15)
    recorder.close()
    assert recorder.error is None
    assert len(chunks_of(path)) >= 3
    return path


def cut(whole: Path, folder: Path, at: int) -> Path:
    path = folder / "session.mcap"
    path.write_bytes(whole.read_bytes()[:at])
    return path


def test_a_file_cut_at_any_byte_of_its_last_chunk_or_after_it_is_repaired(whole: Path, tmp_path: Path) -> None:
    every = with_index(whole)
    begin, end = chunks_of(whole)[-1]
    size = whole.stat().st_size
    counts = set()
    for at in [*range(begin, end + 40), *range(end + 40, size, 211), *range(size - 40, size)]:
        path = cut(whole, tmp_path, at)
        assert refused_by_others(path)
        expected = sum(Session(path).counts.values())
        repaired = repair(path)
        assert repaired is not None
        assert repaired.lost
        found = with_index(path)
        assert found == every[: len(found)]
        assert repaired.records == len(found) == expected
        assert repair(path) is None, "nothing is left to do"
        counts.add(len(found))
        assert list(tmp_path.iterdir()) == [path]
    assert len(counts) == 2
    assert max(counts) == len(every)


@pytest.mark.parametrize("compression", ["zstd", "lz4", "none"])
def test_opening_repairs_and_forgets_nothing(tmp_path: Path, compression: str) -> None:
    path = tmp_path / "session.mcap"
    recorder = Recorder(path, RecordingSettings(flush_s=0.05, compression=compression))
    recorder.start()
    for number, record in enumerate(session_records(Swirl())):
        recorder.put(record)
        if number % 40 == 0:
            time.sleep(0.06)
    recorder.close()
    path.write_bytes(path.read_bytes()[: chunks_of(path)[-2][1] + 30])
    os.utime(path, (1_000_000, 1_000_000))
    before = Session(path)
    session = Session.open(tmp_path)
    assert not refused_by_others(path)
    assert session.finished
    assert (session.truncated, session.lost, session.counts) == (before.truncated, before.lost, before.counts)
    assert session.truncated
    assert "the file ends at byte" in session.lost
    assert session.dropped is None
    assert session.settings == settings_record()
    assert path.stat().st_mtime == 1_000_000, "its date among other files stays"
    with path.open("rb") as file:
        used = {chunk.compression for chunk in StreamReader(file, emit_chunks=True).records if isinstance(chunk, Chunk)}
    assert used == {"" if compression == "none" else compression}


def test_a_damaged_middle_is_left_out_only_on_demand_and_the_original_is_kept(whole: Path, tmp_path: Path) -> None:
    data = bytearray(whole.read_bytes())
    begin, end = chunks_of(whole)[1]
    data[(begin + end) // 2] ^= 0x10
    path = tmp_path / "session.mcap"
    path.write_bytes(data)
    assert "damaged" in Session.open(path).lost
    assert path.read_bytes() == data
    repaired = repair(path)
    assert repaired is not None
    assert repaired.kept == tmp_path / "session.damaged.mcap"
    assert repaired.kept.read_bytes() == data
    assert 0 < len(with_index(path)) < len(with_index(whole))
    session = Session.open(path)
    assert "damaged" in session.lost
    assert not session.truncated


def test_a_session_without_records_and_an_empty_file(tmp_path: Path) -> None:
    recorder = Recorder(tmp_path / "none" / "session.mcap")
    recorder.start()
    recorder.close()
    assert repair(recorder.path) is None
    (tmp_path / "session.mcap").touch()
    for content, words in ((b"", "the file is empty"), (recorder.path.read_bytes()[:60], "nothing in it can be read")):
        (tmp_path / "session.mcap").write_bytes(content)
        with pytest.raises(UserError, match=words):
            repair_session(tmp_path)
        assert (tmp_path / "session.mcap").read_bytes() == content
        assert [path.name for path in tmp_path.glob("session*")] == ["session.mcap"]


def test_a_recording_in_progress_is_never_repaired(tmp_path: Path, whole: Path) -> None:
    path = tmp_path / "session.mcap"
    recorder = Recorder(path, RecordingSettings(flush_s=0.05))
    recorder.start()
    try:
        recorder.put(settings_record())
        deadline = time.monotonic() + 60
        while path.stat().st_size < 500:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        inode = path.stat().st_ino
        assert Session.open(path).counts["settings"] == 1
        with pytest.raises(InUse, match="is in use"):
            repair(path)
        with pytest.raises(UserError, match="in use"):
            repair_session(tmp_path)
        recorder.put(EventRecord(1, MS, "mark", {}))
    finally:
        recorder.close()
    assert path.stat().st_ino == inode
    assert len(with_index(path)) == 2
    assert repair(path) is None
    # Of two repairs at once the second gives way.
    half = cut(whole, tmp_path, chunks_of(whole)[-1][1])
    with locked(half), pytest.raises(InUse):
        repair(half)
    assert repair(half) is not None


def test_without_locks_a_file_must_have_been_quiet(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(locks, "_lock", lambda _: None)
    path = cut(whole, tmp_path, chunks_of(whole)[-1][1])
    with pytest.raises(InUse, match="may still be recorded"):
        repair(path)
    os.utime(path, (1, 1))
    assert repair(path) is not None


def no_space(*_: object) -> None:
    raise OSError(errno.ENOSPC, "No space left on device")


def unequal(*_: object) -> bool:
    return False


@pytest.mark.parametrize(
    ("where", "what", "error"),
    [("os.fsync", no_space, OSError), ("os.replace", no_space, OSError), ("_indexed", unequal, CannotRepair)],
)
def test_a_failed_repair_leaves_the_original(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, where: str, what: Callable[..., object], error: type
) -> None:
    path = cut(whole, tmp_path, chunks_of(whole)[-1][1])
    before, counts = path.read_bytes(), Session(path).counts
    with monkeypatch.context() as patch:
        patch.setattr(f"{repairs.__name__}.{where}", what)
        with pytest.raises(error):
            repair(path)
        assert Session.open(path).counts == counts
        with pytest.raises(UserError, match="cannot be repaired"):
            repair_session(tmp_path)
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]


_REPAIR = "import sys; from pathlib import Path; from hitl_clic.session.repair import repair; repair(Path(sys.argv[1]))"


def test_a_real_disk_limit_and_a_kill_in_mid_repair(whole: Path, tmp_path: Path) -> None:
    resource = pytest.importorskip("resource")
    path = cut(whole, tmp_path, chunks_of(whole)[-1][1])
    before = path.read_bytes()

    def limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1500, 1500))

    command = [sys.executable, "-c", _REPAIR, str(path)]
    ended = subprocess.run(command, preexec_fn=limit, capture_output=True, text=True, check=False)
    assert ended.returncode == 1
    assert "File too large" in ended.stderr
    assert path.read_bytes() == before
    assert list(tmp_path.iterdir()) == [path]

    waiting = "import os; os.replace = lambda *_: (print('now', flush=True), input())"
    stuck = _REPAIR.replace("; repair(", f"; {waiting}; repair(")
    with subprocess.Popen(
        [sys.executable, "-c", stuck, str(path)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "now\n"
        with pytest.raises(InUse):
            repair(path)
        process.send_signal(signal.SIGKILL)
    assert path.read_bytes() == before
    assert repair(path) is not None
    assert not refused_by_others(path)
    assert list(tmp_path.iterdir()) == [path]


def test_a_folder_that_cannot_be_written_is_read_as_it_is(
    whole: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = cut(whole, tmp_path, chunks_of(whole)[-1][1])
    before, counts = path.read_bytes(), Session(path).counts

    def forbidden(given: Path, mode: str = "r", *_: object, **__: object) -> object:
        if mode != "rb":
            raise PermissionError(errno.EACCES, "Permission denied")
        return io.BytesIO(before)

    with monkeypatch.context() as patch:
        patch.setattr(Path, "open", forbidden)  # root, who may run the tests, may write to every folder
        session = Session.open(path)
        assert (session.finished, session.counts) == (False, counts)
        with pytest.raises(UserError, match="Permission denied"):
            repair_session(tmp_path)
    assert path.read_bytes() == before


def test_a_linked_recording_is_repaired_where_it_lies(whole: Path, tmp_path: Path) -> None:
    (tmp_path / "disk").mkdir()
    real = cut(whole, tmp_path / "disk", chunks_of(whole)[-1][1])
    link = tmp_path / "session.mcap"
    link.symlink_to(real)
    assert repair(link) is not None
    assert link.is_symlink()
    assert not refused_by_others(real)


def test_the_files_beside_the_recording(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path = write(tmp_path / "session.mcap", session_records(Swirl()))
    path.write_bytes(path.read_bytes()[: chunks_of(path)[0][1]])
    journal = Journal(tmp_path / "checkpoints" / "pairs.journal", "run")
    journal.append(Entry("actor", make_pair(0)))
    journal.close()
    with journal.path.open("ab") as file:
        file.write(b"\x07\0\0\0half")
    halves = [tmp_path / "summary.json.part", tmp_path / "checkpoints" / "step-000009.partial"]
    for half in halves:
        half.write_bytes(b'{"half')
    (tmp_path / "summary.json").write_text('{"task": "sw', encoding="utf-8")

    assert command_line.main(["repair", str(tmp_path)]) == 0
    said = capsys.readouterr().out.splitlines()
    assert len(said) == 5
    assert "recovered" in said[0]
    assert "an incomplete one of 8 bytes was removed" in said[1]
    assert not any(half.exists() for half in halves)
    assert len(read_journal(journal.path)[1]) == 1
    assert json.loads((tmp_path / "summary.json").read_text("utf-8"))["ticks"] == Session.open(tmp_path).counts["tick"]
    assert command_line.main(["repair", str(tmp_path)]) == 0
    assert capsys.readouterr().out.splitlines() == [NOTHING]

    # A learner that still runs keeps its files.
    held = Journal(journal.path, "run")
    halves[1].write_bytes(b"half")
    os.utime(halves[1], (1, 1))
    assert "is used by another learner" in repair_session(tmp_path)[0]
    assert halves[1].exists()
    held.close()


@pytest.mark.parametrize("given", ["gone", "folder", "notes.txt"])
def test_what_is_no_session_is_one_line(tmp_path: Path, given: str, capsys: pytest.CaptureFixture[str]) -> None:
    (tmp_path / "folder").mkdir()
    (tmp_path / "notes.txt").write_text("not a recording at all, but long enough", encoding="utf-8")
    with pytest.raises(SystemExit) as end:
        command_line.main(["repair", str(tmp_path / given)])
    assert end.value.code == 2
    problem = capsys.readouterr().err
    assert problem.count("\n") == 1
    assert given in problem


def test_the_recordings_of_the_repository_need_no_repair(tmp_path: Path) -> None:
    for session in (Path(__file__).resolve().parents[2] / "recordings").iterdir():
        if session.is_dir():
            copy = shutil.copytree(session, tmp_path / session.name)
            assert repair_session(copy) == [NOTHING]
            assert (copy / "session.mcap").read_bytes() == (session / "session.mcap").read_bytes()
