"""`app.py doubt`: from recorded sessions to the doubt at which the robot should ask for help."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np

from hitl_clic.cockpit.report import write_uncertainty
from hitl_clic.control.uncertainty import UncertaintyStudy
from hitl_clic.session.reader import Session
from hitl_clic.types.errors import SettingsError
from hitl_clic.types.records import Plan, TickRecord


def run(sessions: Sequence[Path], within_s: float, alarms: float, out: Path | None) -> int:
    """Say how well doubt foretells corrections and which threshold to set, and draw it. The exit status.

    Raises:
        SettingsError: a session cannot be read, or there is nothing in them to learn that from.
    """
    try:
        uncertainties = doubts_of([Session.open(path) for path in sessions], within_s)
        area = uncertainties.area()
    except ValueError as error:
        raise SettingsError(f"sessions = {error}") from error
    threshold = uncertainties.threshold(alarms)
    picture = out or sessions[0] / "doubt.png"
    write_uncertainty(uncertainties, threshold, picture)
    print(
        f"{len(uncertainties.uncertainty)} plans; "
        f"the teacher came within {within_s:g} s of {100 * uncertainties.chance:.0f}% of them"
    )
    print(f"a plan that it came after was in more doubt than another: {100 * area:.0f}% of the time (luck: 50%)")
    print(
        f"asking at {100 * alarms:.0f}% of the plans, those above {threshold:.3f}: the teacher came after "
        f"{100 * uncertainties.right(threshold):.0f}% of them (luck: {100 * uncertainties.chance:.0f}%)"
    )
    print(f"drawn in {picture}; let the robot ask, and wait, with")
    print(f"  python app.py teach --help-request.threshold {threshold:.3f} --help-request.wait")
    return 0


def doubts_of(sessions: Sequence[Session], within_s: float) -> UncertaintyStudy:
    """Doubts and what came of them, from recorded sessions.

    Args:
        within_s: seconds from a plan's first tick within which a correction was called for by it.

    Raises:
        ValueError: a recording cannot be read, or no plan in them says how much in doubt it was.
    """
    uncertainty: list[float] = []
    came: list[bool] = []
    for session in sessions:
        within = max(1, round(within_s * session.settings.tick_hz))
        driven = {tick.tick: tick.state for tick in session.of(TickRecord)}
        ends = [tick.tick for tick in session.of(TickRecord) if tick.terminated or tick.truncated]
        begins = sorted(tick for tick, state in driven.items() if state == "correcting" and _robot(driven, tick - 1))
        for plan in session.of(Plan):
            first = plan.begins
            if not np.isfinite(plan.uncertainty) or not _robot(driven, first):
                continue
            end = ends[bisect_left(ends, first)] if ends and ends[-1] >= first else first + within
            uncertainty.append(plan.uncertainty)
            came.append(bisect_right(begins, min(first + within, end)) > bisect_right(begins, first))
    if not uncertainty:
        raise ValueError(
            "no plan in these sessions says how much in doubt it was; use sessions recorded with an energy-based method"
        )
    return UncertaintyStudy(np.array(uncertainty), np.array(came))


def _robot(driven: Mapping[int, str], tick: int) -> bool:
    return driven.get(tick) == "autonomous"
