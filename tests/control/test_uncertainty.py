"""Whether doubt foretells corrections: against counting pairs, and on a recording made by hand."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from fake_session import Swirl, session_records
from hypothesis import given
from hypothesis import strategies as st

from hitl_clic.cli import uncertainty as command
from hitl_clic.cli.commands import UncertaintyCommand
from hitl_clic.control.uncertainty import UncertaintyStudy
from hitl_clic.runner.uncertainty_study import uncertainty_study
from hitl_clic.session.reader import Session
from hitl_clic.session.recorder import Recorder
from hitl_clic.session.settings import RecordingSettings
from hitl_clic.types.errors import UserError
from hitl_clic.types.records import Plan, TickRecord


@given(rows=st.lists(st.tuples(st.integers(0, 5), st.booleans()), min_size=2, max_size=60))
def test_the_area_is_the_chance_of_a_right_comparison(rows: list[tuple[int, bool]]) -> None:
    uncertainties = UncertaintyStudy(np.array([float(d) for d, _ in rows]), np.array([c for _, c in rows]))
    came, not_came = [d for d, c in rows if c], [d for d, c in rows if not c]
    if not came or not not_came:
        with pytest.raises(ValueError, match="nothing to tell apart"):
            uncertainties.area()
        return
    right = np.mean([(a > b) + 0.5 * (a == b) for a in came for b in not_came])
    assert uncertainties.area() == pytest.approx(right)


def test_the_threshold_gives_the_share_of_alarms_asked_for() -> None:
    uncertainties = UncertaintyStudy(np.arange(100.0), np.arange(100) >= 95)
    threshold = uncertainties.threshold(0.1)
    assert np.sum(uncertainties.uncertainty > threshold) == 10
    assert uncertainties.right(threshold) == 0.5
    assert uncertainties.chance == 0.05
    assert uncertainties.area() == 1.0
    assert np.isnan(uncertainties.right(1000.0))


def recorded(path: Path, uncertainty: float | None) -> Path:
    """Plans at ticks 0, 2, 4 ... of three episodes of 10; the teacher drives from tick 6 to 8 of the second."""
    recorder = Recorder(path / "session.mcap", RecordingSettings())
    recorder.start()
    for record in session_records(Swirl(), episodes=3, longest=10):
        made: Any = record
        if isinstance(record, TickRecord):
            driven = record.episode == 1 and 6 <= record.step <= 8
            made = replace(record, state="correcting" if driven else "autonomous", truncated=record.step == 9)
        elif isinstance(record, Plan) and uncertainty is not None:
            made = replace(record, uncertainty=uncertainty + 0.01 * record.tick)
        recorder.put(made)
    recorder.close()
    return path


def test_plans_are_followed_to_the_correction_that_came_soon_enough(tmp_path: Path) -> None:
    session = Session.open(recorded(tmp_path, 0.0))
    starts = {tick.episode: tick.tick for tick in reversed(session.ticks)}
    entered = starts[1] + 6
    uncertainties = uncertainty_study([session], within_s=0.4)
    of = {round(100 * d): came for d, came in zip(uncertainties.uncertainty, uncertainties.corrected, strict=True)}
    assert [tick for tick, came in of.items() if came] == [entered - 4, entered - 2]
    assert not {entered, entered + 2} & set(of), "while the teacher drives the robot does not"


def test_the_command_says_what_to_set(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    session = recorded(tmp_path / "session", 0.2)
    assert command.run(UncertaintyCommand((session,), 0.4, 0.25, tmp_path / "roc.png")) == 0
    assert "--help-request.threshold" in capsys.readouterr().out
    assert (tmp_path / "roc.png").read_bytes().startswith(b"\x89PNG")


def test_sessions_that_say_nothing_are_refused(tmp_path: Path) -> None:
    with pytest.raises(UserError, match="no plan in these sessions has an uncertainty"):
        command.run(UncertaintyCommand((recorded(tmp_path, None),)))
