"""Which episodes of a recorded session count: from the numbers and flags that a person gives. Any thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from hitl_clic.session.curation import Choice
from hitl_clic.session.reader import Session
from hitl_clic.types.errors import UserError
from hitl_clic.types.records import EpisodeRecord, SnapshotRecord


def choice_of(
    session: Session,
    without_episodes: Sequence[int] = (),
    only_successes: bool = False,
    sessions: int = 1,
    first: int = 0,
) -> Choice:
    """The choice of episodes.

    Args:
        without_episodes: numbers from 1, as tables show them. only_successes, first: see `Choice`.
        sessions: how many are read together.

    Raises:
        UserError: the session has no such episode, or there are several sessions.
    """
    if without_episodes and sessions > 1:
        raise UserError(
            "without_episodes is allowed with one session only; label the episodes of several: hitl-clic label"
        )
    return Choice(frozenset(known_episodes(session, without_episodes, "without_episodes")), only_successes, first)


def known_episodes(session: Session, numbers: Iterable[int], name: str) -> list[int]:
    """The numbers from 0 of episodes that a person numbers from 1. Raises UserError: there is no such episode."""
    wanted = [number - 1 for number in numbers]
    if not wanted:
        return []
    try:
        known = {record.episode for record in session.records(EpisodeRecord, SnapshotRecord)}
    except ValueError as error:
        raise UserError(str(error)) from error
    for number in wanted:
        if number not in known:
            last = max(known, default=-1) + 1
            raise UserError(f"{name} = {number + 1} is not allowed; {session.path.parent} has episodes 1 to {last}")
    return wanted
