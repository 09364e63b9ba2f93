"""The pairs of a recorded session: as they were sent, or with the steps that were not taught filled up another way.

Pure but for reading the recording; the CLI layer's main thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from hitl_clic.control.pairs import PairBuilder
from hitl_clic.link.messages import ChunkPair
from hitl_clic.records import Array, EventRecord, TickRecord
from hitl_clic.session.reader import Session


def taught_pairs(session: Session, padding: str, execute: int, episodes: int = 0) -> list[ChunkPair]:
    """The pairs of a session that were not taken back, in order of their ticks, ids from 0.

    Args:
        padding: how chunks are filled up; where the session did it otherwise they are made anew from its ticks.
        execute: Ta of the session. episodes: only those of the first so many; 0 is all.

    Raises:
        ValueError: the recording cannot be read.
    """
    recorded = [pair for pair in _kept(session) if not episodes or pair.episode < episodes]
    if padding != session.settings.values["clic"]["padding"]:
        recorded = _padded_anew(list(session.of(TickRecord)), recorded, padding, execute)
    return [replace(pair, id=number) for number, pair in enumerate(sorted(recorded, key=lambda pair: pair.tick))]


def _kept(session: Session) -> list[ChunkPair]:
    pairs = session.pairs
    for event in session.of(EventRecord):
        if event.name == "discard":
            first, last = int(event.detail.get("first", -1)), int(event.detail.get("last", -1))
            # as it was then: a later pair is not touched by an earlier discard, ids are given once
            pairs = [pair for pair in pairs if not first <= pair.id <= last]
    return pairs


def _padded_anew(ticks: Sequence[TickRecord], pairs: list[ChunkPair], padding: str, execute: int) -> list[ChunkPair]:
    if not pairs:
        return []
    seen = {tick.tick: tick.tick if tick.seen < 0 else tick.seen for tick in ticks}
    robot: dict[int, Array] = {seen[pair.tick]: pair.robot for pair in pairs if pair.tick in seen}
    begins = {pair.tick for pair in pairs}
    reaction = max((tick - before for tick, before in seen.items()), default=0)
    builder = PairBuilder(len(pairs[0].robot), execute, padding, reaction)
    made: list[ChunkPair] = []
    last: TickRecord | None = None
    for tick in ticks:
        if last is not None and tick.episode != last.episode:
            made += builder.finish_episode(last)  # a person may have ended it
        made += builder.add(tick, robot.get(tick.tick), tick.tick in begins)
        last = tick
    if last is not None:
        made += builder.finish_episode(last)
    return made
