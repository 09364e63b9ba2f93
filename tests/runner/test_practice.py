"""Practice: the device drives the loop, nothing else moves, and the score says how it went."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from hitl_clic.cli import practice as command
from hitl_clic.cli.commands import PracticeCommand
from hitl_clic.cockpit.drawing.picture import write_picture
from hitl_clic.cockpit.state import status_text
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.runner import practising
from hitl_clic.settings_layers import load
from hitl_clic.tasks.line.line_following import LineFollowing
from hitl_clic.tasks.registry import make_task, make_teacher
from hitl_clic.types.records import EpisodeRecord


def test_the_scripted_hand_reaches_the_goal_as_fast_as_alone(capsys: pytest.CaptureFixture[str]) -> None:
    task, teacher = make_task("line_following"), make_teacher("line_following")
    observation, _ = task.reset(seed=practising.PRACTICE_SEED)
    teacher.reset()
    steps, ended = 0, False
    while not ended:
        observation, _, terminated, truncated, _ = task.step(teacher.action(observation).astype(np.float32))
        steps, ended = steps + 1, terminated or truncated
    chosen = {"task": "line_following", "device": "oracle", "headless": True, "pace": "max", "episodes": 1}
    settings = load(overrides={**chosen, "oracle": {"threshold": 0.0}})
    assert command.run(PracticeCommand(settings)) == 0
    seconds = steps / settings.loop.rate_hz
    assert f"Success in 1 of 1 · last {seconds:.1f} s · best {seconds:.1f} s" in capsys.readouterr().out


def test_without_a_window_or_a_terminal_no_scene_is_computed(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    calls: list[str] = []
    scene, progress = LineFollowing.scene, LineFollowing.progress
    monkeypatch.setattr(LineFollowing, "scene", lambda task: (calls.append("scene"), scene(task))[1])
    monkeypatch.setattr(LineFollowing, "progress", lambda task: (calls.append("progress"), progress(task))[1])
    chosen = {"task": "line_following", "device": "oracle", "headless": True, "pace": "max", "episodes": 1}
    assert command.run(PracticeCommand(load(overrides=chosen))) == 0
    assert calls == []
    assert "episode 1: success · " in capsys.readouterr().out, "the line for each episode is there all the same"


def test_the_score_counts_what_was_reached() -> None:
    finished: list[EpisodeRecord] = []
    assert practising.score_sentence(finished, 10.0) == "Drive it to the goal"
    for number, (success, steps) in enumerate([(False, 100), (True, 40), (True, 60)]):
        finished.append(EpisodeRecord(number, 0, success, steps, 1.0, 0.0, 0, 0))
    assert practising.score_sentence(finished, 10.0) == "Success in 2 of 3 · last 6.0 s · best 4.0 s"
    assert [mark.feedback for mark in practising.score_marks(finished, 100)] == [1.0, 0.4, 0.6]


def test_the_cockpit_says_that_nothing_is_learnt(tmp_path) -> None:  # type: ignore[no-untyped-def]
    task = make_task("line_following")
    task.reset(seed=1)
    state = CockpitState(task="line following", scene=task.scene(), practice="Success in 2 of 3")
    assert status_text.badge(state) == status_text.badge(replace(state, gate="waiting")) == "READY"
    assert "the clock starts" in status_text.beside_badge(replace(state, gate="waiting", hint="hold Space to correct"))
    assert status_text.learnt(state) == ("Success in 2 of 3", True)
    assert "nothing is recorded" in status_text.policy(state)
    assert status_text.learner(state).word == "off"
    write_picture(state, tmp_path / "practice.png")
    assert (tmp_path / "practice.png").stat().st_size > 1000
