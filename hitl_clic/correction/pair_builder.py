"""Pairs (s_t, a^r[t:t+H], a^h[t:t+H]) out of a stream of ticks ([CC] Algorithm 1, lines 5 to 8).

Label and mask of a pair are final here: the learner does not change what they mean. Pure numpy; actor's main thread.

A pair begins at a tick that the teacher drives. It is complete when its human chunk is known: when the correction ends
or has lasted long enough, and with `hindsight` when H steps were executed or the episode is over. A label that averages
over several ticks also waits for those. A person reacts to what was seen a reaction time ago. So the state and the
robot's chunk of a pair are those of the tick `TickRecord.stimulus`.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np

from hitl_clic.correction.approval import ImplicitApproval
from hitl_clic.correction.label_average import averaged
from hitl_clic.correction.padding import Padding, final_mask, pad_chunk
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import Array, CorrectionMode, TickRecord


class _Taught(NamedTuple):
    """What the teacher teaches at a tick: the action, [dim_a], and 1 on the axes that it covers, [dim_a]."""

    action: Array
    axes: Array


class _Moment(NamedTuple):
    """A tick, and the robot's chunk from it on, [H, dim_a]; None without a plan."""

    record: TickRecord
    robot_chunk: Array | None


@dataclass(slots=True)
class _Open:
    """A pair whose human chunk is not known yet. It began at the tick `record`, as a reaction to `stimulus`."""

    record: TickRecord
    stimulus: TickRecord
    robot: Array
    taught: list[_Taught] = field(default_factory=list)
    followed: list[Array] = field(default_factory=list)
    ended: bool = False
    age_ns: int = 0


class PairBuilder:
    """Turns ticks into complete pairs.

    A correction teaches at most Ta steps. There are two exceptions with H steps: `hindsight`, which knows all actions
    that followed, and relative corrections without an average, for which no padding can stand in. An averaged label
    is where the commands led, not only a direction: all averaged pairs are absolute.

    Args:
        horizon: H. execute: Ta. settings: how corrections are read. rate_hz: ticks per second.
        commands: axes that are switched, such as a gripper; a label average leaves them out.

    Attributes:
        reaction: greatest number of ticks from an observation to the correction of it.
        reads_approval: whether driving without steering teaches what the robot does.

    Raises:
        ValueError: the settings do not fit the rate, see `CorrectionSettings.check`.
    """

    def __init__(
        self,
        horizon: int,
        execute: int,
        settings: CorrectionSettings,
        rate_hz: float,
        commands: Sequence[int] = (),
    ) -> None:
        settings.check(rate_hz)
        self.horizon, self.padding = horizon, settings.padding
        self.reads_approval = settings.implicit_approval
        self.reaction = settings.reaction_ticks(rate_hz)
        self._average, self._commands = settings.label_ticks(rate_hz), commands
        self._approval = ImplicitApproval(settings.implicit_approval)
        hindsight = settings.padding == "hindsight"
        self._longest: Mapping[CorrectionMode, int] = {
            "absolute": horizon if hindsight else execute,
            "relative": horizon if hindsight or self._average == 1 else execute,
        }
        self._open: list[_Open] = []
        self._past: deque[_Moment] = deque(maxlen=self.reaction + 1)
        self._next_id = 0

    def go_on(self, pair: int) -> None:
        """The next pair has this id."""
        self._next_id = pair

    @property
    def made(self) -> int:
        """The id of the next pair: those completed so far, with those of the session's earlier parts."""
        return self._next_id

    @property
    def approving(self) -> bool:
        """Whether the teacher approves, and so teaches, what the robot did at the newest tick."""
        return self._approval.active

    def add(self, record: TickRecord, robot_chunk: Array | None, begins: bool = True) -> list[ChunkPair]:
        """Take in one tick.

        Args:
            record: the tick.
            robot_chunk: a^r[t:t+H] from it on, [H, dim_a]; None without a plan: no pair can then be about this tick.
            begins: a pair is to begin here, if the teacher drives.

        Returns:
            the pairs that it completes, oldest first.

        Raises:
            ValueError: the tick that the teacher reacted to is not among the last ones.
        """
        self._past.append(_Moment(record, robot_chunk))
        stimulus = self._stimulus(record)
        taught = self._taught(record, stimulus.record)
        if begins and taught is not None and stimulus.robot_chunk is not None:
            self._open.append(_Open(record, stimulus.record, stimulus.robot_chunk.copy()))
        for pair in self._open:
            self._extend(pair, record, stimulus.record, taught)
        return self._collect(record, force=record.terminated or record.truncated)

    def finish_episode(self, record: TickRecord) -> list[ChunkPair]:
        """The pairs still open when a person ended the episode; `record` is its last tick."""
        return self._collect(record, force=True)

    def discard_open(self, since: int = 0) -> int:
        """Forget the open pairs that began at tick `since` or later; returns how many."""
        kept = [pair for pair in self._open if pair.record.tick < since]
        count, self._open = len(self._open) - len(kept), kept
        return count

    def _stimulus(self, record: TickRecord) -> _Moment:
        for moment in self._past:
            if moment.record.tick == record.stimulus:
                return moment
        raise ValueError(
            f"tick {record.tick} reacts to tick {record.stimulus}, which is not among the last {self._past.maxlen}"
        )

    def _taught(self, record: TickRecord, stimulus: TickRecord) -> _Taught | None:
        """What the teacher teaches at a tick about its stimulus; None: nothing."""
        if self._approval.step(record):
            return _Taught(stimulus.executed, np.ones_like(stimulus.executed))
        if record.human_action is None:
            return None
        action = record.human_action
        if record.correction_mode == "relative" and record.push is not None and stimulus is not record:
            action = np.where(record.taught > 0, np.clip(stimulus.robot_action + record.push, -1.0, 1.0), action)
        return _Taught(action, record.taught)

    def _extend(self, pair: _Open, record: TickRecord, stimulus: TickRecord, taught: _Taught | None) -> None:
        mode, step = pair.record.correction_mode, len(pair.taught)
        same = record.correction_mode == mode and step < self._longest[mode] + self._average - 1
        if taught is None or pair.ended or not same:
            pair.ended = True
            # the intended action, without exploration noise: labels are never perturbed
            pair.followed.append(record.robot_action if record.human_action is None else record.human_action)
            return
        if mode == "relative" and self._average == 1 and step < self.horizon:
            pair.robot[step] = stimulus.robot_action  # the label improves what the robot would have done at that tick
        pair.taught.append(taught)
        pair.age_ns = max(pair.age_ns, record.device_age_ns)

    def _collect(self, record: TickRecord, force: bool) -> list[ChunkPair]:
        done: list[_Open] = []
        still_open: list[_Open] = []
        for pair in self._open:
            (done if force or self._complete(pair) else still_open).append(pair)
        self._open = still_open
        return [self._close(pair, record) for pair in done]

    def _complete(self, pair: _Open) -> bool:
        mode = pair.record.correction_mode
        known = len(pair.taught) + len(pair.followed)
        if pair.ended:
            return self.padding != "hindsight" or mode == "relative" or known >= self.horizon
        return known >= self._longest[mode] + self._average - 1

    def _close(self, pair: _Open, record: TickRecord) -> ChunkPair:
        actions, axes = (np.stack(values) for values in zip(*pair.taught, strict=True))
        steps = min(len(actions), self._longest[pair.record.correction_mode])
        known = averaged(actions, axes, self._average, self._commands)[:steps]
        followed = np.stack(pair.followed) if pair.followed else known[:0]
        mode: CorrectionMode = pair.record.correction_mode if self._average == 1 else "absolute"
        padding: Padding = "robot" if mode == "relative" else self.padding  # placeholders: no such step is learnt
        taught = np.zeros_like(pair.robot)
        taught[:steps] = axes[:steps]
        closed = ChunkPair(
            id=self._next_id,
            episode=pair.record.episode,
            tick=pair.record.tick,
            correction_mode=mode,
            state=pair.stimulus.observation,
            robot=pair.robot,
            human=pad_chunk(known, pair.robot, followed, padding),
            mask=final_mask(taught, mode, self.padding),
            weight_version=pair.stimulus.weight_version,
            device_age_ns=pair.age_ns,
            made_ns=record.time_ns + record.work_ns,
        )
        self._next_id += 1
        return closed
