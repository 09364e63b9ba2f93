"""Verification and replay: equal recordings pass, and the smallest change is named."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_session import Swirl, session_records, write

from hitl_clic.session.reader import Session
from hitl_clic.session.replay import Replayer, verify
from hitl_clic.types.records import SnapshotRecord, TickRecord


def record(path: Path, change: Callable[[Any], Any] = lambda record: record, **options: Any) -> Session:
    return Session.open(write(path / "session.mcap", session_records(Swirl(), **options), change))


def at_tick(tick: int, **fields: Any) -> Callable[[Any], Any]:
    """Change the fields of one tick's record."""
    return lambda record: (
        dataclasses.replace(record, **fields) if isinstance(record, TickRecord) and record.tick == tick else record
    )


def flip_bit(tick: int, index: int, bit: int) -> Callable[[Any], Any]:
    def change(record: Any) -> Any:
        if not isinstance(record, TickRecord) or record.tick != tick:
            return record
        bits = record.observation.copy().view(np.uint32)
        bits[index] ^= np.uint32(1 << bit)
        return dataclasses.replace(record, observation=bits.view(np.float32))

    return change


def test_an_untouched_recording_verifies(tmp_path: Path) -> None:
    session = record(tmp_path)
    report = verify(session, Swirl)
    assert report.ok, report.sentence
    assert report.ticks_checked == report.ticks == len(session.ticks)
    assert report.episodes == 3
    assert report.snapshots_checked == len(session.snapshots) - 3
    assert report.gaps == 0
    assert json.loads(json.dumps(report.as_json()))["ok"] is True


@pytest.mark.parametrize(("tick", "index", "bit"), [(0, 0, 0), (7, 1, 0), (7, 0, 31), (20, 2, 12)])
def test_one_flipped_bit_is_found_and_its_tick_named(tmp_path: Path, tick: int, index: int, bit: int) -> None:
    report = verify(record(tmp_path, flip_bit(tick, index, bit)), Swirl)
    assert not report.ok
    assert report.first_difference is not None
    assert report.first_difference[:2] == (tick, f"observation[{index}]")
    assert report.first_difference.recorded != report.first_difference.resimulated
    assert f"tick {tick}" in report.sentence


@pytest.mark.parametrize(
    ("fields", "named"),
    [
        ({"reward": 0.123}, "reward"),
        ({"success": True}, "success"),
        ({"truncated": True}, "truncated"),
        ({"terminated": True}, "terminated"),
    ],
)
def test_outcomes_are_compared(tmp_path: Path, fields: dict[str, Any], named: str) -> None:
    report = verify(record(tmp_path, at_tick(6, **fields)), Swirl)
    assert report.first_difference is not None
    assert report.first_difference[:2] == (6, named)


def test_another_action_is_found_at_the_next_tick(tmp_path: Path) -> None:
    report = verify(record(tmp_path, at_tick(6, executed=np.zeros(2, dtype=np.float32))), Swirl)
    assert report.first_difference is not None
    assert report.first_difference.tick in (6, 7)


def test_another_simulator_is_detected(tmp_path: Path) -> None:
    report = verify(record(tmp_path), lambda: Swirl(drift=1e-9))
    assert not report.ok


def test_inexact_snapshots_are_detected(tmp_path: Path) -> None:
    """The run from the first snapshot agrees; only a restore of a later one differs."""
    session = Session.open(write(tmp_path / "session.mcap", session_records(Swirl(forgets=True))))
    # Episode starts must be exact here, so they come from an exact task.
    exact = {(one.episode, one.tick): one for one in session_records(Swirl()) if isinstance(one, SnapshotRecord)}
    mixed = tmp_path / "mixed"
    put = (
        exact[one.episode, one.tick] if isinstance(one, SnapshotRecord) and one.step == 0 else one
        for one in session.records()
    )
    report = verify(Session.open(write(mixed / "session.mcap", put)), Swirl)
    assert report.first_difference is not None
    assert report.first_difference.field.endswith("after restoring")


def test_a_gap_is_counted_and_verification_continues_at_the_next_snapshot(tmp_path: Path) -> None:
    lost = range(6, 8)
    session = record(tmp_path, lambda one: None if isinstance(one, TickRecord) and one.tick in lost else one)
    report = verify(session, Swirl)
    assert report.first_difference is None
    assert report.gaps == 1
    assert not report.ok
    assert 0 < report.ticks_checked < report.ticks
    assert "missing" in report.sentence


def test_ticks_missing_at_the_end_of_an_episode_are_counted(tmp_path: Path) -> None:
    whole = record(tmp_path / "whole")
    last = max(one.tick for one in whole.ticks if one.episode == 1)
    session = record(tmp_path, lambda one: None if isinstance(one, TickRecord) and one.tick in (0, last) else one)
    report = verify(session, Swirl)
    assert report.gaps == 2
    assert not report.ok


def test_without_a_snapshot_verification_fails(tmp_path: Path) -> None:
    session = record(tmp_path, lambda one: None if isinstance(one, SnapshotRecord) else one)
    report = verify(session, Swirl)
    assert not report.ok
    assert report.ticks_checked == 0
    assert "equal" not in report.sentence


def test_a_truncated_recording_verifies_up_to_its_end(tmp_path: Path) -> None:
    whole = record(tmp_path)
    cut = tmp_path / "cut.mcap"
    cut.write_bytes(whole.path.read_bytes()[:-40])
    report = verify(Session.open(cut), Swirl)
    assert report.first_difference is None
    assert report.truncated
    assert report.ok
    assert "cut off" in report.sentence


def test_snapshots_of_another_task_are_refused(tmp_path: Path) -> None:
    session = record(
        tmp_path,
        lambda one: (
            dataclasses.replace(one, task=b"x") if hasattr(one, "task") and isinstance(one, SnapshotRecord) else one
        ),
    )
    with pytest.raises(ValueError, match=r"snapshot before tick 0 does not fit Swirl"):
        verify(session, Swirl)


def test_an_empty_recording_is_not_ok(tmp_path: Path) -> None:
    session = record(tmp_path, lambda one: None if isinstance(one, TickRecord) else one)
    assert not verify(session, Swirl).ok
    with pytest.raises(ValueError, match="no ticks"):
        Replayer(session, Swirl())


def test_the_replayer_shows_the_recorded_states_and_plans(tmp_path: Path) -> None:
    session = record(tmp_path)
    frames = list(Replayer(session, Swirl()))
    assert [frame.record.tick for frame in frames] == [one.tick for one in session.ticks]
    for frame in frames:
        assert np.float32(frame.scene.hand[0]) == frame.record.observation[0]
        assert frame.plan is not None
        assert frame.plan.tick == frame.record.plan_tick


def test_seeking_works_in_both_directions(tmp_path: Path) -> None:
    session = record(tmp_path)
    replayer = Replayer(session, Swirl())
    for tick in (17, 3, replayer.last_tick, replayer.first_tick, 16, 18):
        replayer.seek(tick)
        frame = next(iter(replayer))
        assert frame.record.tick == tick
        assert np.float32(frame.scene.hand[1]) == frame.record.observation[1]
    assert next(iter(replayer)).record.tick == 19
    with pytest.raises(ValueError, match=f"ticks 0 to {replayer.last_tick}"):
        replayer.seek(replayer.last_tick + 1)


def test_a_tick_without_an_earlier_snapshot_is_refused(tmp_path: Path) -> None:
    session = record(tmp_path, lambda one: None if isinstance(one, TickRecord) and one.tick == 6 else one)
    replayer = Replayer(session, Swirl())
    replayer.seek(8)
    with pytest.raises(ValueError, match="no snapshot leads to tick 8"):
        next(iter(replayer))
