"""Tones: when they play, their samples, and a machine without an audio device."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import replace
from itertools import combinations

import numpy as np
import pygame
import pytest

from hitl_clic.cockpit.state.state import CockpitState, EpisodeMark
from hitl_clic.cockpit.window import process, sounds
from hitl_clic.cockpit.window.settings import WindowSettings
from hitl_clic.cockpit.window.sounds import NOTES, RATE_HZ, Speaker, cues, tone
from hitl_clic.types.scene import Scene

STATE = CockpitState("Push-T", Scene((1.0, 1.0), (), (0.5, 0.5), 0.1))
WAITING = replace(STATE, corrections=("learnt", "queued"), pairs_learnt=1)


@pytest.fixture(autouse=True)
def _silent(monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SDL_AUDIODRIVER", "dummy")
    yield
    pygame.mixer.quit()


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (STATE, replace(STATE, gate="stopped"), ("stop",)),
        (replace(STATE, gate="stopped"), replace(STATE, gate="stopped"), ()),
        (replace(STATE, gate="stopped"), replace(STATE, gate="paused"), ()),
        (STATE, replace(STATE, help_requested=True), ("help_request",)),
        (replace(STATE, help_requested=True), replace(STATE, help_requested=True), ()),
        (STATE, replace(STATE, history=(EpisodeMark(0, True, 0.2),)), ("episode_end",)),
        (WAITING, replace(WAITING, corrections=("learnt", "followed"), pairs_learnt=5), ("learnt",)),
        (WAITING, replace(WAITING, corrections=("queued", "queued"), pairs_learnt=5), ()),
        (WAITING, replace(WAITING, corrections=("learnt", "discarded")), ()),
        (STATE, replace(STATE, corrections=("queued",)), ()),
        (STATE, replace(STATE, help_requested=True, gate="stopped"), ("stop", "help_request")),
    ],
)
def test_cues_of_changes(before: CockpitState, after: CockpitState, expected: tuple[str, ...]) -> None:
    assert cues(before, after) == expected


def test_tones_are_short_quiet_distinct_and_do_not_click() -> None:
    for cue in NOTES:
        wave = np.frombuffer(tone(cue), "<i2").astype(float) / 32767
        assert 0.05 < len(wave) / RATE_HZ < 0.5
        assert 0.1 < np.abs(wave).max() <= 0.25
        assert np.abs(wave[[0, -1]]).max() < 0.01
        assert np.abs(np.diff(wave)).max() < 0.25 * 2 * np.pi * max(pitch for pitch, _ in NOTES[cue]) / RATE_HZ * 1.1
    assert all(NOTES[one] != NOTES[other] for one, other in combinations(NOTES, 2))


def test_the_speaker_plays_through_the_mixer() -> None:
    speaker = Speaker()
    for cue in NOTES:
        speaker.play(cue)
    assert pygame.mixer.get_busy()
    assert pygame.mixer.get_init()[:1] == (RATE_HZ,)


def test_without_an_audio_device_one_warning_is_logged(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("SDL_AUDIODRIVER", "no such thing")
    with caplog.at_level(logging.WARNING):
        assert process._speaker() is None
    (record,) = caplog.records
    assert "no audio device works" in record.getMessage()
    monkeypatch.setattr(sounds.pygame.mixer, "init", _without_a_mixer)
    assert process._speaker() is None


def _without_a_mixer(*_: object, **__: object) -> None:
    raise NotImplementedError("mixer module not available")


def test_sounds_are_off_by_default() -> None:
    assert not WindowSettings().sounds
