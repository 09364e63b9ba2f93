"""Showing a recording again: its settings, states, player and contact sheet."""

from __future__ import annotations

import dataclasses
from pathlib import Path
from typing import Any

import pytest
from fake_session import session_records, write

from hitl_clic.cockpit.window.messages import TO_WINDOW, Show
from hitl_clic.runner.parts import Parts
from hitl_clic.runner.player import Projector, _Player, contact_sheet
from hitl_clic.runner.recordings import settings_of
from hitl_clic.runner.replaying import replay
from hitl_clic.session.reader import Session
from hitl_clic.session.topics import SettingsRecord
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.registry import make_task
from hitl_clic.types.records import TickRecord


def projector(recorded: Session) -> Projector:
    settings = settings_of(recorded)
    return Projector(recorded, settings, Parts().make_task(settings))


def test_the_tasks_options_come_back_with_the_settings(recorded: Session, settings: SessionSettings) -> None:
    assert settings.task == "line_following"
    assert Parts().make_task(settings).max_steps == 15
    assert replay(recorded.path, verify=True).ok


def test_a_shown_tick_is_the_same_however_it_was_reached(recorded: Session) -> None:
    forward, jumping = projector(recorded), projector(recorded)
    states = [forward.state(index) for index in range(len(forward))]
    for index in (30, 3, 44, 0, 31, 31):
        assert jumping.state(index) == states[index]


def test_a_replay_shows_how_corrections_were_read_then(recorded: Session, tmp_path: Path) -> None:
    def switched(record: Any) -> Any:
        if isinstance(record, SettingsRecord):
            return recorded.settings
        late = isinstance(record, TickRecord) and record.tick >= 7
        return dataclasses.replace(record, command_frame="gripper", correction_axes="sideways") if late else record

    task = Parts().make_task(settings_of(recorded))
    shown = projector(Session.open(write(tmp_path / "session.mcap", session_records(task), switched)))
    assert [(shown.state(at).command_frame, shown.state(at).correction_axes) for at in (7, 6)] == [
        ("gripper", "sideways"),
        ("world", "everything"),
    ]


def test_shown_ticks_tell_what_the_teacher_saw_then(recorded: Session) -> None:
    shown = projector(recorded)
    for index in (0, 16, len(shown) - 1):
        state, tick = shown.state(index), recorded.ticks[index]
        assert (state.gate, state.episode, state.step) == (tick.state, tick.episode, tick.step)
        assert len(state.history) == tick.episode, "episodes finished before this tick, no later ones"
        assert state.pairs_made <= len([pair for pair in recorded.pairs if pair.made_ns <= tick.time_ns])
        assert TO_WINDOW.unpack(TO_WINDOW.pack(Show(state))) == Show(state), "a window can show it"


def test_a_player_keeps_the_recorded_pace_pauses_and_seeks(recorded: Session, settings: SessionSettings) -> None:
    now_s = 100.0
    player = _Player(projector(recorded), settings, lambda: now_s)
    assert not player.go_on(), "a tick lasts as long as it did"
    assert player.due_s - now_s == pytest.approx(0.1)  # the recording's ticks, not the 20 Hz
    now_s += 0.099
    assert not player.go_on()
    now_s += 0.002
    assert player.go_on()
    assert player.index == 1
    assert player.apply(["space"], [])
    player.due_s = 0.0
    assert not player.go_on()
    assert player.state().message == f"Replay · 2 of {len(recorded.ticks)}, paused"
    assert player.state().key_rows[0][0] == ("Space", "play")
    named = [key for row in player.state().key_rows for key, _ in row]
    assert named == ["Space", "Left Right", "Up Down", "F2", "F12", "F10"], "only keys that do something here"
    assert player.apply([], ["pause"])
    assert player.apply(["right"], [])
    assert player.index == 41
    assert player.apply(["left", "left"], [])
    assert player.index == 0
    player.apply(["up"], [])
    assert player.index == len(recorded.ticks) - 1
    player.due_s = 0.0
    assert not player.go_on()
    assert "the end" in player.state().message
    assert not player.apply(["q"], ["reset"])


def test_a_contact_sheet_leaves_nothing_else_behind(
    recorded: Session, settings: SessionSettings, tmp_path: Path
) -> None:
    contact_sheet(recorded, settings, make_task(settings.task), tmp_path / "replay.png", pictures=2)
    assert [file.name for file in tmp_path.iterdir()] == ["replay.png"]
    assert (tmp_path / "replay.png").read_bytes().startswith(b"\x89PNG")
