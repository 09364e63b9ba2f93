"""The pairs of a recorded session: as they were sent, or with the steps that were not taught filled up another way.

Pure but for reading the recording; the CLI layer's main thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from devices.axes import base
from hitl_clic.commands.hands import switched
from hitl_clic.control.clock import ticks_of
from hitl_clic.control.pairs import PairBuilder
from hitl_clic.link.messages import ChunkPair
from hitl_clic.records import Array, EventRecord, TickRecord
from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.registry import make_task


def taught_pairs(session: Session, padding: str, intent_s: float = 0.0, episodes: int = 0) -> list[ChunkPair]:
    """The pairs of a session that were not taken back, in order of their ticks, ids from 0.

    Args:
        padding: how chunks are filled up. intent_s: seconds over whose mean hands say what they mean. Where the session
            did either otherwise its pairs are made anew from its ticks.
        episodes: only those of the first so many; 0 is all.

    Raises:
        ValueError: the recording cannot be read.
    """
    pairs = [pair for pair in _kept(session) if not episodes or pair.episode < episodes]
    was = session.settings.values["clic"]
    if (padding, intent_s) != (was["padding"], was.get("intent_s", 0.0)):
        pairs = _made_anew(list(session.of(TickRecord)), pairs, _builder(session, padding, intent_s))
    return [replace(pair, id=number) for number, pair in enumerate(sorted(pairs, key=lambda pair: pair.tick))]


def _kept(session: Session) -> list[ChunkPair]:
    pairs = session.pairs
    for event in session.of(EventRecord):
        if event.name == "discard":
            first, last = int(event.detail.get("first", -1)), int(event.detail.get("last", -1))
            # as it was then: a later pair is not touched by an earlier discard, ids are given once
            pairs = [pair for pair in pairs if not first <= pair.id <= last]
    return pairs


def _builder(session: Session, padding: str, intent_s: float) -> PairBuilder:
    """What makes pairs as the session would have with this padding and intent."""
    of = session.settings
    settings = SessionSettings.model_validate(of.values)
    axes = make_task(of.task, **settings.task_options).action_frame.axes
    return PairBuilder(
        of.horizon,
        of.execute,
        padding,
        max((tick.tick - tick.seen for tick in session.of(TickRecord) if tick.seen >= 0), default=0),
        ticks_of(intent_s, settings.loop.rate_hz),
        [index for index, name in enumerate(axes) if base(name) in switched(settings)],
    )


def _made_anew(ticks: Sequence[TickRecord], pairs: list[ChunkPair], builder: PairBuilder) -> list[ChunkPair]:
    seen = {tick.tick: tick.tick if tick.seen < 0 else tick.seen for tick in ticks}
    robot: dict[int, Array] = {seen[pair.tick]: pair.robot for pair in pairs if pair.tick in seen}
    begins = {pair.tick for pair in pairs}
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
