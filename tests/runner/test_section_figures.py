"""The cockpit's figures of a tick's parts."""

from __future__ import annotations

import pytest

from hitl_clic.runner.section_figures import REFRESH_NS, SectionFigures


def test_percentiles_by_part_over_the_newest_ticks() -> None:
    figures = SectionFigures(100)
    assert figures.figures(0) == ()
    for tick in range(300):
        figures.add({"observe": 1_000_000, "step": (tick - 200) * 10_000})
    (observe, step) = figures.figures(REFRESH_NS)
    assert observe == ("observe", 1.0, 1.0)
    assert step[0] == "step"
    assert step[1:] == (pytest.approx(0.495), pytest.approx(0.9801))


def test_they_are_computed_at_most_once_a_second_and_anew_after_a_jump_back() -> None:
    figures = SectionFigures(10)
    figures.add({"step": 1_000_000})
    first = figures.figures(5 * REFRESH_NS)
    figures.add({"step": 9_000_000})
    assert figures.figures(6 * REFRESH_NS - 1) is first
    assert figures.figures(6 * REFRESH_NS) != first
    figures.add({"step": 9_000_000})
    assert figures.figures(0) != first, "a replay went back"
