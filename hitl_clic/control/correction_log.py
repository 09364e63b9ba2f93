"""The pairs of each correction, so that one correction or a whole episode can be withdrawn.

Actor's main thread; never blocks.
"""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from hitl_clic.control.outlets import Outlets
from hitl_clic.correction.pair_builder import PairBuilder
from hitl_clic.correction.undo import UndoBuffer
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import Array, TickRecord


@dataclass(slots=True)
class _Correction:
    """Successive ticks that the human drove: the first tick, and the ids of the complete pairs."""

    tick: int
    pairs: list[int] = field(default_factory=list)


class CorrectionLog:
    """Makes pairs of ticks, holds them back for their grace time, and withdraws corrections on request.

    Args:
        pairs: makes the pairs. undo: holds them back. outlets: takes the finished pairs.
    """

    def __init__(self, pairs: PairBuilder, undo: UndoBuffer, outlets: Outlets) -> None:
        self._pairs, self._undo, self._outlets = pairs, undo, outlets
        self._corrections: list[_Correction] = []
        self._episode_tick = 0

    @property
    def approving(self) -> bool:
        """Whether the teacher approves of the robot's motion at the newest tick, without pushing."""
        return self._pairs.approving

    @property
    def reaction_ticks(self) -> int:
        """Ticks by which a teacher's answer comes late."""
        return self._pairs.reaction

    def go_on(self, pair: int) -> None:
        """The next pair has this id."""
        self._pairs.go_on(pair)

    def begin_episode(self, tick: int) -> None:
        """An episode begins; `tick` is its first."""
        self._episode_tick = tick

    def begin(self, tick: int) -> None:
        """A correction begins at this tick."""
        self._corrections.append(_Correction(tick))

    def add(self, record: TickRecord, robot_chunk: Array | None, begins_pair: bool) -> None:
        """Take in one tick; the arguments are those of `PairBuilder.add`."""
        self._complete(self._pairs.add(record, robot_chunk, begins_pair))

    def finish_episode(self, record: TickRecord) -> None:
        """The episode ended at this tick: its open pairs are complete."""
        self._complete(self._pairs.finish_episode(record))

    def send_due(self) -> list[ChunkPair]:
        """Send the pairs whose grace time is over; returns them."""
        return self._send(self._undo.due(time.perf_counter_ns()))

    def flush(self) -> None:
        """Send the pairs that are still in their grace time: the session ends."""
        self._send(self._undo.flush())

    def discard_last(self, tick: int, correcting: bool) -> dict[str, int]:
        """Discard the last correction: its open pairs, those held back, and those already sent.

        Args:
            tick: the coming tick. correcting: the human still drives, which begins another correction.

        Returns:
            for the event's detail: how many pairs, and the first and last id (-1 where none was complete).
        """
        ids: list[int] = []
        open_pairs = 0
        while self._corrections and not ids and not open_pairs:
            correction = self._corrections.pop()
            ids, open_pairs = correction.pairs, self._pairs.discard_open(correction.tick)
        if correcting:
            self.begin(tick)
        return self._withdraw(ids, open_pairs)

    def discard_episode(self) -> dict[str, int]:
        """Discard all corrections of this episode, as `discard_last` does for one. Returns the same figures."""
        ids: list[int] = []
        while self._corrections and self._corrections[-1].tick >= self._episode_tick:
            ids += self._corrections.pop().pairs
        return self._withdraw(ids, self._pairs.discard_open(self._episode_tick))

    def _withdraw(self, ids: Sequence[int], open_pairs: int) -> dict[str, int]:
        """Take back complete pairs, wherever they are now; figures for the event's detail."""
        for pair_id in ids:
            if not self._undo.discard(pair_id):
                self._outlets.withdraw(pair_id)
        return {"pairs": len(ids) + open_pairs, "first": min(ids, default=-1), "last": max(ids, default=-1)}

    def _complete(self, pairs: Iterable[ChunkPair]) -> None:
        for pair in pairs:
            self._outlets.record(pair)
            self._undo.push(pair, time.perf_counter_ns())
            # with hindsight a pair may be complete only after the next correction began: it belongs to its own
            of = next((c for c in reversed(self._corrections) if c.tick <= pair.tick), None)
            if of is not None:
                of.pairs.append(pair.id)

    def _send(self, pairs: list[ChunkPair]) -> list[ChunkPair]:
        for pair in pairs:
            self._outlets.send(pair)
        return pairs
