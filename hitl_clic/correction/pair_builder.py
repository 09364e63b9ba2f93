"""Pairs (s_t, a^r[t:t+H], a^h[t:t+H]) out of a stream of ticks ([CC] Algorithm 1, lines 5 to 8).

A person reacts to what was seen a reaction time ago. The state and the robot's chunk of a pair are those of
`TickRecord.stimulus`.

Pure numpy; actor's main thread. A pair begins at a tick that the human drives and is complete when its human chunk is
known: as soon as the correction (at most Ta steps, of a relative one H) ends, or, with `hindsight`, when its H steps
were executed or the episode is over. Where what hands mean is the mean of a while, it waits for that while too.

A teacher who has pushed and now only holds on lets pass what happens: with `consent` that is taught as well. Else pairs
would tell of nothing but states in which the robot erred, and what it did right would be learnt by nobody.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from hitl_clic.correction.label_average import meant
from hitl_clic.correction.padding import pad_chunk
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import EVERYTHING, Array, CorrectionMode, TickRecord


class _Said(NamedTuple):
    """What the teacher said at a tick: the action, [dim_a], and which axes it is about, 1 or 0."""

    action: Array
    taught: Array


class _Moment(NamedTuple):
    """A tick, and what the robot would have done from it on, [H, dim_a]; None without a plan."""

    record: TickRecord
    robot_chunk: Array | None


@dataclass(slots=True)
class _Open:
    """A pair whose human chunk is not known yet: begun at the tick of `record`, for what was seen at that of `seen`."""

    record: TickRecord
    seen: TickRecord
    robot: Array
    taught: list[Array] = field(default_factory=list)
    mask: list[Array] = field(default_factory=list)
    followed: list[Array] = field(default_factory=list)
    ended: bool = False
    age_ns: int = 0


class PairBuilder:
    """Turns ticks into complete pairs.

    Args:
        horizon: H. execute: Ta, steps a correction teaches at most; H with `hindsight`, which knows what followed, and
            of a relative correction, since nothing stands in for steps that it said nothing of. Read as means of a
            while a relative one is as an absolute one: its later steps would answer what only its own path leads to.
        padding: how to fill up to H. reaction: ticks that may lie between what was seen and a correction, at most.
        intent: ticks over whose mean hands say what they mean, at least 1, that is each by itself. A mean of pushes
            is where they led and no mere direction: with more than one tick all pairs are absolute.
        commands: axes that such means leave out, see `meant`.
        consent: a relative teacher who holds on without pushing says that what happens is right; from the first push of
            a correction on, and where corrections are about all axes. It is a part of such means.

    Raises:
        ValueError: consent without means: where nothing is pushed there is no direction to be learnt.
    """

    def __init__(
        self,
        horizon: int,
        execute: int,
        padding: str,
        reaction: int = 0,
        intent: int = 1,
        commands: Sequence[int] = (),
        implicit_approval: bool = False,
    ) -> None:
        if implicit_approval and intent == 1:
            raise ValueError(
                "consent is learnt as a part of what hands mean in a while: intent must be 2 ticks or more"
            )
        self.horizon, self.padding, self.reaction = horizon, padding, reaction
        self._intent, self._commands, self._consent = intent, commands, implicit_approval
        self._pushed = False
        """Whether the correction that is under way has pushed."""
        self.approving = False
        """Whether the teacher lets pass, and so teaches, what the robot did at the newest tick."""
        self._longest: Mapping[CorrectionMode, int] = {
            "absolute": horizon if padding == "hindsight" else execute,
            "relative": horizon if padding == "hindsight" or intent == 1 else execute,
        }
        self._open: list[_Open] = []
        self._past: deque[_Moment] = deque(maxlen=reaction + 1)
        self._next_id = 0

    @property
    def made(self) -> int:
        """Pairs completed so far; also the id of the next one."""
        return self._next_id

    def add(self, record: TickRecord, robot_chunk: Array | None, begins: bool = True) -> list[ChunkPair]:
        """Take in one tick.

        Args:
            record: the tick. robot_chunk: a^r[t:t+H] from it on, [H, dim_a]; None without a plan, and no pair can
                answer this tick then. begins: a pair is to begin here, if the human drives.

        Returns:
            the pairs it completes, oldest first.

        Raises:
            ValueError: the tick whose observation the human had seen is not among the last ones.
        """
        self._past.append(_Moment(record, robot_chunk))
        seen = self._seen(record)
        said = self._said(record, seen.record)
        if begins and said is not None and seen.robot_chunk is not None:
            self._open.append(_Open(record, seen.record, seen.robot_chunk.copy()))
        for pair in self._open:
            self._extend(pair, record, seen.record, said)
        return self._collect(record, force=record.terminated or record.truncated)

    def finish_episode(self, record: TickRecord) -> list[ChunkPair]:
        """The pairs still open when an episode ends early (a person ended it); `record` is its last tick."""
        return self._collect(record, force=True)

    def discard_open(self, since: int = 0) -> int:
        """Forget the open pairs begun at tick `since` or later (a correction was taken back); how many they were."""
        kept = [pair for pair in self._open if pair.record.tick < since]
        count, self._open = len(self._open) - len(kept), kept
        return count

    def _seen(self, record: TickRecord) -> _Moment:
        for moment in self._past:
            if moment.record.tick == record.stimulus:
                return moment
        raise ValueError(
            f"tick {record.tick} answers tick {record.stimulus}, which is not among the last {self._past.maxlen}"
        )

    def _said(self, record: TickRecord, seen: TickRecord) -> _Said | None:
        """What the teacher said at a tick about the one that was seen; None: nothing."""
        self._pushed = record.state == "correcting" and (self._pushed or record.human_action is not None)
        reads = (
            self._consent
            and record.correction_mode == "relative"
            and record.correction_axes == EVERYTHING
            and record.connected
        )
        self.approving = reads and self._pushed and record.human_action is None
        if self.approving:
            return _Said(seen.executed, np.ones_like(seen.executed))
        if record.human_action is None:
            return None
        action = record.human_action
        if record.correction_mode == "relative" and record.push is not None and seen is not record:
            action = np.where(record.taught > 0, np.clip(seen.robot_action + record.push, -1.0, 1.0), action)
        return _Said(action, record.taught)

    def _extend(self, pair: _Open, record: TickRecord, seen: TickRecord, said: _Said | None) -> None:
        same = said is not None and record.correction_mode == pair.record.correction_mode
        if not pair.ended and same and len(pair.taught) < self._longest[pair.record.correction_mode] + self._intent - 1:
            step = len(pair.taught)
            assert said is not None
            if record.correction_mode == "relative" and self._intent == 1 and step < self.horizon:
                pair.robot[step] = seen.robot_action  # it is better than what the robot would have done at that tick
            pair.taught.append(said.action)
            pair.mask.append(said.taught)
            pair.age_ns = max(pair.age_ns, record.device_age_ns)
        else:
            pair.ended = True
            # what was meant, not what noise made of it: the label is never perturbed
            pair.followed.append(record.robot_action if record.human_action is None else record.human_action)

    def _collect(self, record: TickRecord, force: bool) -> list[ChunkPair]:
        done: list[_Open] = []
        still_open: list[_Open] = []
        for pair in self._open:
            (done if force or self._complete(pair) else still_open).append(pair)
        self._open = still_open
        return [self._close(pair, record) for pair in done]

    def _complete(self, pair: _Open) -> bool:
        known = len(pair.taught) + len(pair.followed)
        if pair.ended:
            return self.padding != "hindsight" or pair.record.correction_mode == "relative" or known >= self.horizon
        return known >= self._longest[pair.record.correction_mode] + self._intent - 1

    def _close(self, pair: _Open, record: TickRecord) -> ChunkPair:
        taught = np.stack(pair.mask)[: self._longest[pair.record.correction_mode]]
        known = meant(np.stack(pair.taught), np.stack(pair.mask), self._intent, self._commands)[: len(taught)]
        followed = np.stack(pair.followed) if pair.followed else known[:0]
        mode: CorrectionMode = pair.record.correction_mode if self._intent == 1 else "absolute"
        padding = "robot" if mode == "relative" else self.padding  # nothing is known of what a relative teacher wants
        mask = np.zeros_like(pair.robot)
        mask[: len(known)] = taught
        closed = ChunkPair(
            id=self._next_id,
            episode=pair.record.episode,
            tick=pair.record.tick,
            correction_mode=mode,
            state=pair.seen.observation,
            robot=pair.robot,
            human=pad_chunk(known, pair.robot, followed, padding),
            mask=mask,
            weight_version=pair.seen.weight_version,
            device_age_ns=pair.age_ns,
            made_ns=record.time_ns + record.work_ns,
        )
        self._next_id += 1
        return closed
