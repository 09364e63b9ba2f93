"""The pairs of a recorded session: as they were sent, or with the steps that were not taught filled up another way.

Pure but for reading the recording; the CLI layer's main thread.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from hitl_clic.control.clock import ticks_of
from hitl_clic.correction.pair_builder import PairBuilder
from hitl_clic.devices.core.axes import base
from hitl_clic.runner.device_registry import switched
from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.registry import make_task
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import Array, EventRecord, TickRecord


def pairs_of_session(
    session: Session, padding: str, label_average_s: float = 0.0, implicit_approval: bool = False, episodes: int = 0
) -> list[ChunkPair]:
    """The pairs of a session that were not taken back, in order of their ticks, ids from 0.

    Args:
        padding: how chunks are filled up. intent_s: seconds over whose mean hands say what they mean. consent: whether
            holding on without pushing says something. Where the session did any of these otherwise its pairs are made
            anew from its ticks.
        episodes: only those of the first so many; 0 is all.

    Raises:
        ValueError: the recording cannot be read.
    """
    pairs = [pair for pair in _kept(session) if not episodes or pair.episode < episodes]
    was = session.settings.values["clic"]
    if (padding, label_average_s, implicit_approval) != (
        was["padding"],
        was.get("label_average_s", 0.0),
        was.get("implicit_approval", False),
    ):
        begins = _let_pass(session, pairs) if implicit_approval else {}
        begins |= {pair.tick: pair.robot for pair in pairs}
        pairs = _made_anew(session.ticks, begins, _builder(session, padding, label_average_s, implicit_approval))
    return [replace(pair, id=number) for number, pair in enumerate(sorted(pairs, key=lambda pair: pair.tick))]


def _kept(session: Session) -> list[ChunkPair]:
    pairs = session.pairs
    for event in session.of(EventRecord):
        if event.name == "discard":
            first, last = int(event.detail.get("first", -1)), int(event.detail.get("last", -1))
            # as it was then: a later pair is not touched by an earlier discard, ids are given once
            pairs = [pair for pair in pairs if not first <= pair.id <= last]
    return pairs


def _builder(session: Session, padding: str, label_average_s: float, implicit_approval: bool = False) -> PairBuilder:
    """What makes pairs as the session would have with this padding, intent and consent."""
    of = session.settings
    settings = SessionSettings.model_validate(of.values)
    axes = make_task(of.task, **settings.task_options).action_frame.axes
    return PairBuilder(
        of.horizon,
        of.execute,
        padding,
        max((tick.tick - tick.stimulus_tick for tick in session.ticks if tick.stimulus_tick >= 0), default=0),
        ticks_of(label_average_s, settings.loop.rate_hz),
        [index for index, name in enumerate(axes) if base(name) in switched(settings)],
        implicit_approval,
    )


def _let_pass(session: Session, pairs: list[ChunkPair]) -> dict[int, Array]:
    """Ticks at which the teacher held on without pushing, with the robot's chunk for what was seen then.

    Of corrections that were not taken back alone: those of which a pair was kept. A pair begins where a plan was made.
    """
    plans, taught = {plan.tick: plan for plan in session.plans}, {pair.tick for pair in pairs}
    found: dict[int, Array] = {}
    for together in _corrections(session.ticks):
        if any(tick.tick in taught for tick in together):
            for tick in together:
                plan = plans.get(tick.stimulus)
                if tick.human_action is None and plan is not None and not plan.lead:
                    found[tick.tick] = plan.chunk
    return found


def _corrections(ticks: Iterable[TickRecord]) -> Iterator[list[TickRecord]]:
    """The ticks of each stretch in which the human drove."""
    for driven, stretch in groupby(ticks, lambda tick: (tick.episode, tick.state == "correcting")):
        if driven[1]:
            yield list(stretch)


def _made_anew(ticks: Sequence[TickRecord], begins: Mapping[int, Array], builder: PairBuilder) -> list[ChunkPair]:
    """The pairs that begin at some ticks, each with the robot's chunk for what was seen then."""
    robot = {tick.stimulus: begins[tick.tick] for tick in ticks if tick.tick in begins}
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
