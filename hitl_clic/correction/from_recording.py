"""The final pairs of a recording: as they were sent, or rebuilt from the ticks under other correction settings.

Pure; any thread. It reads no files: the caller passes the records.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from itertools import groupby

from hitl_clic.correction.padding import Padding, final_mask
from hitl_clic.correction.pair_builder import PairBuilder
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.types.commands import WITHDRAWALS
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import Array, EventRecord, Plan, TickRecord


def withdrawn_ids(events: Iterable[EventRecord]) -> frozenset[int]:
    """Ids of the pairs that a person withdrew, from the events "discard" and "reset"."""
    ids: set[int] = set()
    for event in events:
        if event.name in WITHDRAWALS:
            ids |= set(range(int(event.detail.get("first", -1)), int(event.detail.get("last", -1)) + 1))
    return frozenset(ids)


def kept_pairs(pairs: Iterable[ChunkPair], withdrawn: Collection[int], padding: Padding) -> list[ChunkPair]:
    """The pairs that were not withdrawn, with final masks.

    Args:
        padding: of the recorded settings. Pairs of old recordings have the mask of taught coordinates only.
    """
    return [
        replace(pair, mask=final_mask(pair.mask, pair.correction_mode, padding))
        for pair in pairs
        if pair.id not in withdrawn
    ]


def same_labels(one: CorrectionSettings, other: CorrectionSettings) -> bool:
    """Whether both settings make the same pairs out of the same ticks."""
    return all(
        getattr(one, name) == getattr(other, name) for name in ("padding", "label_average_s", "implicit_approval")
    )


def rebuilt_pairs(
    ticks: Sequence[TickRecord], plans: Iterable[Plan], kept: Sequence[ChunkPair], builder: PairBuilder
) -> list[ChunkPair]:
    """The pairs that `builder` makes out of the ticks of a recording.

    Args:
        ticks, plans: of the recording, in order.
        kept: its pairs that count, see `kept_pairs`; a rebuilt pair begins at the tick of each.
        builder: new, with enough reaction ticks for the recording, see `reaction_ticks`. If it reads implicit approval,
            pairs also begin at the approved ticks of corrections of which a pair was kept.
    """
    begins = approved_ticks(ticks, plans, kept) if builder.reads_approval else {}
    begins |= {pair.tick: pair.robot for pair in kept}
    return _build(ticks, begins, builder)


def reaction_ticks(ticks: Iterable[TickRecord]) -> int:
    """Greatest number of ticks from an observation to the correction of it, in a recording."""
    return max((tick.tick - tick.stimulus for tick in ticks), default=0)


def approved_ticks(ticks: Iterable[TickRecord], plans: Iterable[Plan], kept: Iterable[ChunkPair]) -> dict[int, Array]:
    """Ticks without a command during corrections of which a pair was kept, with the robot's chunk, [H, dim_a].

    Only ticks with a plan of their stimulus count, as a pair needs one.
    """
    planned, taught = {plan.tick: plan for plan in plans}, {pair.tick for pair in kept}
    found: dict[int, Array] = {}
    for correction in _corrections(ticks):
        if any(tick.tick in taught for tick in correction):
            for tick in correction:
                plan = planned.get(tick.stimulus)
                if tick.human_action is None and plan is not None and not plan.lead:
                    found[tick.tick] = plan.chunk
    return found


def _corrections(ticks: Iterable[TickRecord]) -> Iterator[list[TickRecord]]:
    """The ticks of each correction."""
    for (_, correcting), stretch in groupby(ticks, lambda tick: (tick.episode, tick.state == "correcting")):
        if correcting:
            yield list(stretch)


def _build(ticks: Sequence[TickRecord], begins: Mapping[int, Array], builder: PairBuilder) -> list[ChunkPair]:
    """The pairs that begin at some ticks, each with the robot's chunk for its stimulus."""
    robot = {tick.stimulus: begins[tick.tick] for tick in ticks if tick.tick in begins}
    built: list[ChunkPair] = []
    last: TickRecord | None = None
    for tick in ticks:
        if last is not None and tick.episode != last.episode:
            built += builder.finish_episode(last)  # a person may have ended it
        built += builder.add(tick, robot.get(tick.tick), tick.tick in begins)
        last = tick
    if last is not None:
        built += builder.finish_episode(last)
    return built
