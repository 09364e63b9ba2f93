"""The summary: right figures, equal live and from the recording, written atomically."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from fake_session import MS, Swirl, session_records, write

from hitl_clic.session.reader import Session
from hitl_clic.session.summary import SummaryBuilder, summarise, write_summary
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import EpisodeRecord, EventRecord, Plan, TickRecord

CONTRACT = {
    *("task", "method", "horizon", "execute", "seed", "episodes", "success", "feedback_per_step"),
    *("l2_error_per_step", "timesteps", "tick_hz", "ticks", "tick_overruns", "tick_lateness_ms", "plan_ms"),
    *("tick_work_ms", "tick_sections_ms"),
    *("step_inside", "step_at_seam", "jerk_inside", "jerk_at_seam"),
    *("updates", "updates_per_s", "weight_swaps", "correction_to_policy_ms", "pairs", "wall_s"),
}


def plan(newest_pair: int, version: int) -> Plan:
    return Plan(0, np.zeros((2, 1), dtype=np.float32), 0.0, version, newest_pair, 0, MS)


def tick(time_ns: int, version: int) -> TickRecord:
    some = next(record for record in session_records(Swirl()) if isinstance(record, TickRecord))
    return replace(some, time_ns=time_ns, plan_tick=0, weight_version=version)


def pair(number: int, made_ns: int) -> ChunkPair:
    chunk = np.zeros((2, 1), dtype=np.float32)
    return ChunkPair(number, 0, 0, "absolute", chunk[0], chunk, chunk, chunk, 0, 0, made_ns)


def test_live_and_recorded_summaries_are_equal(tmp_path: Path) -> None:
    live = SummaryBuilder()
    for record in session_records(Swirl()):
        live.add(record)
    session = Session.open(write(tmp_path / "session.mcap", session_records(Swirl())))
    summary = summarise(session.records())
    assert summary == live.summary()
    assert summary.keys() >= CONTRACT
    assert summary["ticks"] > 20
    assert summary["correction_to_policy_ms"]["p50"] > 0


def test_figures() -> None:
    records = list(session_records(Swirl()))
    ticks = [record for record in records if isinstance(record, TickRecord)]
    episodes = [record for record in records if isinstance(record, EpisodeRecord)]
    summary = summarise(records)
    assert summary["ticks"] == len(ticks)
    assert summary["tick_overruns"] == sum(tick.overrun for tick in ticks)
    assert summary["tick_lateness_ms"]["max"] == max(tick.lateness_ns for tick in ticks) / MS
    assert summary["tick_lateness_ms"]["p50"] == pytest.approx(np.median([t.lateness_ns for t in ticks]) / MS)
    assert summary["tick_work_ms"] == {"p50": 2.0, "p99": 2.0, "max": 2.0}
    assert summary["tick_sections_ms"]["step"] == {"p50": 0.001, "p99": 0.001, "max": 0.001}
    assert list(summary["tick_sections_ms"]) == ["observe", "step"]
    assert summary["plan_ms"] == {"p50": 5.0, "p99": 5.0, "max": 5.0}
    assert summary["episodes"] == 3 == len(summary["success"])
    assert summary["timesteps"] == [episode.timesteps for episode in episodes]
    assert summary["l2_error_per_step"] == [None, 0.1, 0.2]  # JSON has no NaN
    assert summary["seed"] == 7
    assert summary["wall_s"] == pytest.approx(records[-1].time_ns * 1e-9)
    assert summary["pairs"]["made"] == sum(isinstance(record, ChunkPair) for record in records)
    assert summary["pairs"]["duplicated"] == 1
    assert summary["updates"] > 0
    assert summary["weight_swaps"] == len(ticks) // 10


def test_correction_to_policy_ends_at_the_first_tick_that_acts_on_the_pair() -> None:
    tally = SummaryBuilder()
    for record in (
        pair(0, 10 * MS),
        plan(-1, version=0),
        tick(15 * MS, version=0),
        pair(1, 20 * MS),
        plan(0, version=1),
        tick(100 * MS, version=0),  # the new plan is made, but the old one still runs
        tick(110 * MS, version=1),  # pair 0: 100 ms
        tick(200 * MS, version=1),
        pair(2, 300 * MS),
        plan(2, version=2),
        tick(320 * MS, version=2),  # pair 1: 300 ms, pair 2: 20 ms
        pair(3, 900 * MS),  # never trained on
        tick(910 * MS, version=2),
    ):
        tally.add(record)
    assert tally.summary()["correction_to_policy_ms"] == {"p50": 100.0, "p99": pytest.approx(296.0), "max": 300.0}
    assert tally.summary()["pairs"]["made"] == 4


def test_discarded_pairs_do_not_wait_for_weights() -> None:
    discard = EventRecord(0, 2 * MS, "discard", {"pairs": 2, "first": 0, "last": 1})
    records = [pair(0, 0), pair(1, 0), discard, pair(2, MS), plan(2, version=1), tick(11 * MS, version=1)]
    assert summarise(records)["correction_to_policy_ms"] == {"p50": 10.0, "p99": 10.0, "max": 10.0}


def test_each_change_of_the_search_is_listed() -> None:
    detail = {"search": 0.5, "direction": "reduced", "plan_ms": 31.0, "allowed_ms": 25.0}
    summary = summarise([EventRecord(40, MS, "search_changed", detail), EventRecord(50, 2 * MS, "pause")])
    assert summary["searches"] == [{"tick": 40, **detail}]


def test_an_empty_session_has_no_figures() -> None:
    summary = summarise([])
    assert summary.keys() >= CONTRACT
    assert summary["tick_lateness_ms"] == {"p50": None, "p99": None, "max": None}
    assert summary["tick_sections_ms"] == {}
    assert summary["task"] is None
    json.dumps(summary, allow_nan=False)


def test_foreign_records_are_refused() -> None:
    with pytest.raises(TypeError, match="no topic for a int"):
        SummaryBuilder().add(3)


def test_the_file_is_replaced_whole(tmp_path: Path) -> None:
    path = tmp_path / "summary.json"
    write_summary(path, {"ticks": 1})
    with pytest.raises(ValueError, match="JSON"):
        write_summary(path, {"ticks": float("nan")})
    assert json.loads(path.read_text()) == {"ticks": 1}
    write_summary(path, summarise(session_records(Swirl())))
    assert json.loads(path.read_text())["episodes"] == 3
    assert [entry.name for entry in tmp_path.iterdir()] == ["summary.json"]


def smooth(*ticks: tuple[int, str, int, float]) -> list[float | None]:
    """step_inside, step_at_seam, jerk_inside, jerk_at_seam of ticks (episode, state, plan_tick, action's first)."""
    some = next(record for record in session_records(Swirl()) if isinstance(record, TickRecord))
    tally = SummaryBuilder()
    for number, (episode, state, plan_tick, first) in enumerate(ticks):
        action = np.array([first, 0.0], np.float32)
        tally.add(replace(some, tick=number, episode=episode, state=state, plan_tick=plan_tick, robot_action=action))
    found = tally.summary()
    return [found[name] for name in ("step_inside", "step_at_seam", "jerk_inside", "jerk_at_seam")]


def test_smoothness_counts_autonomous_ticks_only() -> None:
    robot = "autonomous"
    whole = [(0, robot, 0, 0.0), (0, robot, 0, 0.1), (0, robot, 0, 0.3), (0, robot, 3, 0.8), (0, robot, 3, 0.8)]
    assert smooth(*whole) == pytest.approx([0.1, 0.5, 0.1, 0.4], abs=1e-6)
    assert smooth() == [None] * 4
    assert smooth(whole[0], (1, robot, 0, 0.5)) == [None] * 4, "episodes are not consecutive"
    corrected = [whole[0], (0, "correcting", 0, 0.9), (0, robot, 2, 0.2), (0, robot, 2, 0.5)]
    assert smooth(*corrected) == pytest.approx([0.3, None, None, None]), (
        "the robot does not continue the human's actions"
    )
    assert smooth((0, robot, -1, 0.0), (0, robot, 1, 0.5), (0, robot, 1, 0.6))[:2] == [pytest.approx(0.1), None]
