"""The corrections of a session: when each was made, and when the policy had learnt from it. Pure; any thread."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import EpisodeRecord, Plan, SwapRecord, TickRecord


@dataclass(slots=True)
class Correction:
    """Successive ticks that the human drove.

    Attributes:
        number: in the session, from 1. episode: from 0. first, last: ticks.
        pairs: ids of its pairs. made_ns: when the last of them was complete.
        version: of the first weights that were trained on all its pairs; -1: none.
        learnt_s: from `made_ns` to the first plan with such weights, s; NaN: none.
    """

    number: int
    episode: int
    first: int
    last: int
    pairs: list[int]
    made_ns: int = 0
    version: int = -1
    learnt_s: float = float("nan")


@dataclass(frozen=True, slots=True, eq=False)
class SessionCorrections:
    """All corrections of a session.

    Attributes:
        corrections: in order.
        by_phase: share of ticks that the human drove, [episodes, phases]; a phase is an equal part of an episode.
        episodes: numbers of the rows, from 0.
    """

    corrections: Sequence[Correction]
    by_phase: NDArray[np.float64]
    episodes: Sequence[int]


def read_corrections(records: Iterable[Any], phases: int = 10) -> SessionCorrections:
    """From the records of a session, in order."""
    found: list[Correction] = []
    driven: dict[int, list[bool]] = {}
    ended: list[EpisodeRecord] = []
    waiting: list[Correction] = []
    before: TickRecord | None = None
    for record in records:
        match record:
            case TickRecord():
                human = record.state == "correcting"
                driven.setdefault(record.episode, []).append(human)
                if human:
                    follows = before is not None and before.state == "correcting" and before.episode == record.episode
                    if follows:
                        found[-1].last = record.tick
                    else:
                        found.append(Correction(len(found) + 1, record.episode, record.tick, record.tick, []))
                before = record
            case ChunkPair():
                of = next((one for one in reversed(found) if one.first <= record.tick), None)
                if of is not None:
                    of.pairs.append(record.id)
                    of.made_ns = max(of.made_ns, record.made_ns)
                    if of not in waiting:
                        waiting.append(of)
            case SwapRecord():
                for one in waiting:
                    if one.version < 0 and record.newest_pair >= max(one.pairs):
                        one.version = record.version
            case Plan():
                for one in [one for one in waiting if record.newest_pair >= max(one.pairs)]:
                    one.learnt_s = (record.started_ns - one.made_ns) * 1e-9
                    waiting.remove(one)
            case EpisodeRecord():
                ended.append(record)
    rows = [_phases(driven.get(end.episode, []), phases) for end in ended]
    return SessionCorrections(found, np.array(rows).reshape(len(rows), phases), [end.episode for end in ended])


def _phases(driven: Sequence[bool], phases: int) -> list[float]:
    parts = np.array_split(np.array(driven, float), phases)
    return [float(part.mean()) if len(part) else 0.0 for part in parts]
