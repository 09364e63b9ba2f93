"""The energy in a replay: of the acting policy or the nearest kept one; only while it is visible."""

from __future__ import annotations

import dataclasses
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from fake_session import session_records, write

from hitl_clic.cockpit.state.state import CockpitState, EnergySlice
from hitl_clic.learner import checkpoint
from hitl_clic.methods import make_trainer
from hitl_clic.runner import player as playback
from hitl_clic.runner.parts import Parts
from hitl_clic.runner.policy_probe import NO_ENERGY, NamedWeights
from hitl_clic.runner.recorded_policies import RecordedPolicies
from hitl_clic.session.reader import Session
from hitl_clic.session.topics import SettingsRecord
from hitl_clic.settings import SessionSettings
from hitl_clic.settings_layers import load
from hitl_clic.types.messages import Weights
from hitl_clic.types.records import TickRecord
from hitl_clic.types.view import LoopView

DIM_O, DIM_A = 5, 2
"""Of Line Following."""


def recorded(folder: Path, method: str) -> tuple[Session, SessionSettings]:
    """Line Following with random actions of versions 0, 1, 2, ..., ten ticks each."""
    settings = load(
        overrides={"task": "line_following", "method": method, "device": "oracle", "task_options": {"max_steps": 15}}
    )

    def named(record: Any) -> Any:
        if isinstance(record, SettingsRecord):
            return dataclasses.replace(record, task=settings.task, values=settings.model_dump(mode="json"))
        return record

    task = Parts().make_task(settings)
    return Session.open(write(folder / "session.mcap", session_records(task), named)), settings


def keep(folder: Path, version: int, settings: SessionSettings) -> None:
    trainer = make_trainer(DIM_O, DIM_A, settings.horizon, settings.policy, version, ())
    weights = Weights("run", version, version - 1, version * 40, -1, trainer.weights())
    checkpoint.write(folder, checkpoint.Checkpoint(weights, {}, {}, 0))


def at(session: Session, version: int) -> LoopView:
    tick = next(tick for tick in session.ticks if tick.weight_version == version)
    return LoopView(tick.tick, 0, 0, "autonomous", "absolute", None, None, 0, tick, {})


def test_the_nearest_kept_policy_gives_the_energy(tmp_path: Path) -> None:
    session, settings = recorded(tmp_path, "clic")
    keep(tmp_path / "policies" / "episode-0001", 1, settings)
    for version in (3, 5):
        keep(tmp_path / "checkpoints", version, settings)
    kept = RecordedPolicies(tmp_path)

    def source_and_text(version: int) -> tuple[int, str]:
        tick = dataclasses.replace(session.ticks[0], weight_version=version)
        given = kept(dataclasses.replace(at(session, 0), record=tick))
        assert isinstance(given, NamedWeights)
        return given.weights.version, given.name

    assert source_and_text(3) == (3, "policy v3")
    assert source_and_text(1) == (1, "policy v1")
    assert source_and_text(4) == (3, "policy v3 (v4 acted, but was not kept)")
    assert source_and_text(9) == (5, "policy v5 (v9 acted, but was not kept)")
    assert source_and_text(0) == (5, "policy v5 (v0 acted, but was not kept)")


def test_missing_and_damaged_policies_are_reported(tmp_path: Path) -> None:
    session, _ = recorded(tmp_path, "clic")
    said = RecordedPolicies(tmp_path)(at(session, 0))
    assert isinstance(said, str)
    assert "no checkpoints" in said
    (tmp_path / "checkpoints").mkdir()
    (tmp_path / "checkpoints" / "step-000001.safetensors").write_bytes(b"nothing")
    said = RecordedPolicies(tmp_path)(at(session, 0))
    assert isinstance(said, str)
    assert "step-000001.safetensors cannot be read" in said


class ScriptedViewer:
    """Replaces the window: presses F2 after a while and leaves later."""

    def __init__(self, enough: Callable[[CockpitState], bool], looks: bool) -> None:
        self.enough, self.looks = enough, looks
        self.shows_energy = False
        self.seen: list[CockpitState] = []
        self.until_s = 0.0

    def start(self) -> None:
        self.shows_energy, self.until_s = self.looks, time.monotonic() + 60.0

    def show(self, provider: Callable[[], CockpitState | None]) -> None:
        self.provider = provider

    def alive(self) -> bool:
        state = self.provider()
        assert state is not None
        self.seen.append(state)
        return not self.enough(state) and time.monotonic() < self.until_s

    def take_commands(self) -> list[str]:
        return []

    def add_feed(self, feed: object) -> None: ...

    def close(self) -> None: ...


def shown(
    folder: Path, method: str, looks: bool, enough: Callable[[CockpitState], bool], monkeypatch: pytest.MonkeyPatch
) -> CockpitState:
    """The last state shown in a replay."""
    session, settings = recorded(folder, method)
    keep(folder / "checkpoints", 1, settings)
    onlooker = ScriptedViewer(enough, looks)
    monkeypatch.setattr(playback, "WindowLink", lambda *given: onlooker)
    playback.in_window(session, settings, Parts().make_task(settings))
    return onlooker.seen[-1]


def test_a_replay_shows_the_energy_at_its_own_states(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def enough(state: CockpitState) -> bool:
        return isinstance(state.energy_slice, EnergySlice) and state.energy_slice.policy == "policy v1"

    last = shown(tmp_path, "clic", True, enough, monkeypatch)
    assert isinstance(last.energy_slice, EnergySlice)
    robots = [
        tuple(tick.robot_action.tolist()) for tick in Session.open(tmp_path).of(TickRecord) if tick.weight_version == 1
    ]
    assert last.energy_slice.robot in robots
    assert last.energy_slice.policy == "policy v1"


def test_a_replay_of_a_method_without_energy_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    last = shown(tmp_path, "bc", True, lambda state: state.energy_slice == NO_ENERGY, monkeypatch)
    assert last.energy_slice == NO_ENERGY


def test_a_replay_reads_no_policy_while_the_energy_is_hidden(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def never(path: Path) -> object:
        raise AssertionError(f"{path} was read")

    monkeypatch.setattr(checkpoint, "version", never)
    last = shown(tmp_path, "clic", False, lambda state: state.step >= 12, monkeypatch)
    assert last.step >= 12
    assert isinstance(last.energy_slice, str)
    assert "any more" not in last.energy_slice
