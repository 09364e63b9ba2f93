"""How well a policy's uncertainty predicts corrections, from recorded sessions. Any thread; reads only."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Mapping, Sequence

import numpy as np

from hitl_clic.control.uncertainty import UncertaintyStudy
from hitl_clic.session.reader import Session
from hitl_clic.types.errors import UserError
from hitl_clic.types.records import Plan, TickRecord


def uncertainty_study(sessions: Sequence[Session], within_s: float) -> UncertaintyStudy:
    """The uncertainty of each plan the robot drove by, and whether a correction began soon after.

    Args:
        within_s: a correction this soon after a plan's first tick counts as caused by it, s.

    Raises:
        UserError: a recording cannot be read, or no plan in them has an uncertainty.
    """
    uncertainty: list[float] = []
    came: list[bool] = []
    try:
        for session in sessions:
            for value, corrected in _plans(session, within_s):
                uncertainty.append(value)
                came.append(corrected)
    except ValueError as error:
        raise UserError(f"sessions: {error}") from error
    if not uncertainty:
        raise UserError(
            "no plan in these sessions has an uncertainty; use sessions recorded with an energy-based method"
        )
    return UncertaintyStudy(np.array(uncertainty), np.array(came))


def _plans(session: Session, within_s: float) -> list[tuple[float, bool]]:
    within = max(1, round(within_s * session.settings.tick_hz))
    driven = {tick.tick: tick.state for tick in session.of(TickRecord)}
    ends = [tick.tick for tick in session.of(TickRecord) if tick.terminated or tick.truncated]
    begins = sorted(tick for tick, state in driven.items() if state == "correcting" and _robot(driven, tick - 1))
    found = []
    for plan in session.of(Plan):
        first = plan.begins
        if not np.isfinite(plan.uncertainty) or not _robot(driven, first):
            continue
        end = ends[bisect_left(ends, first)] if ends and ends[-1] >= first else first + within
        corrected = bisect_right(begins, min(first + within, end)) > bisect_right(begins, first)
        found.append((plan.uncertainty, corrected))
    return found


def _robot(driven: Mapping[int, str], tick: int) -> bool:
    return driven.get(tick) == "autonomous"
