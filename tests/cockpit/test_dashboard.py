"""The dashboard in a terminal, and the curves of the report."""

from __future__ import annotations

import io
import math
import re
import threading
from dataclasses import replace
from pathlib import Path

import pygame
from cockpit_states import HISTORY, STATE
from rich.console import Console

from hitl_clic.cockpit.dashboard import Dashboard, render
from hitl_clic.cockpit.report import rolling_mean, write_curves
from hitl_clic.cockpit.state.state import (
    CockpitState,
)
from hitl_clic.types.records import EpisodeRecord


def test_dashboard_prints_each_episode_once_without_a_terminal() -> None:
    out = io.StringIO()
    asked = threading.Event()
    now = [replace(STATE, history=HISTORY[:2])]

    def provide() -> CockpitState:
        asked.set()
        return now[0]

    with Dashboard(provide, Console(file=out, width=100)) as dashboard:
        assert not dashboard.draws
        assert asked.wait(5.0)
        now[0] = replace(STATE, history=HISTORY[1:4])
    lines = out.getvalue().splitlines()
    assert lines[0] == "episode 1: failure · corrected in 60% of 100 steps"
    assert [re.match(r"episode (\d+)", line)[1] for line in lines] == ["1", "2", "3", "4"]  # type: ignore[index]


def test_dashboard_shows_the_windows_texts() -> None:
    out = io.StringIO()
    Console(file=out, width=120).print(render(replace(STATE, gate="stopped", message="Emergency stop")))
    text = out.getvalue()
    for timed in ("STOPPED", "1 of your last 2 corrections learnt", "Keyboard", "Emergency stop", "coverage"):
        assert (timed in text) == (timed != "coverage")


def test_curves_are_written_for_few_or_no_episodes(tmp_path: Path) -> None:
    records = [EpisodeRecord(i, i, i % 2 == 0, 50 + i, 0.5, math.nan if i == 1 else 0.3, 0, i) for i in range(12)]
    sizes = []
    for number, episodes in enumerate((records, records[1:2], [])):
        file = tmp_path / f"curves{number}.png"
        write_curves(episodes, file, "Push-T")
        sizes.append(file.stat().st_size)
        assert pygame.image.load(file).get_size() == (1200, 792)
    assert sizes[0] > sizes[1] > sizes[2]
    assert rolling_mean([math.nan, 1.0, math.nan, 3.0], 2).tolist()[1:] == [1.0, 1.0, 3.0]
