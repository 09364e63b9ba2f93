"""Replay of a session: bit-exact verification, and display. Any thread; writes nothing.

Every recorded tick is one step of the task with the `executed` action; a paused loop records no ticks.
"""

from __future__ import annotations

import bisect
import dataclasses
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np

from hitl_clic.session.reader import Session
from hitl_clic.tasks.task import Task
from hitl_clic.types.records import Array, Plan, SnapshotRecord, TickRecord
from hitl_clic.types.scene import Scene


class Difference(NamedTuple):
    """The first difference between recording and simulation.

    `field` is "observation[3]", "reward", "success", "terminated" or "truncated". The suffix " after restoring" marks a
    difference that only occurs after a restore from an intermediate snapshot.
    """

    tick: int
    field: str
    recorded: float | bool | str
    resimulated: float | bool | str


@dataclass(frozen=True, slots=True)
class VerifyReport:
    """The result of `verify`.

    Attributes:
        ticks, ticks_checked: number of recorded ticks and of compared ticks.
        episodes: number of episodes with at least one compared tick.
        snapshots_checked: number of restored intermediate snapshots.
        gaps: number of places where ticks are missing.
        first_difference: None if all is equal bit for bit.
        truncated, lost: as in `Session`.
    """

    ticks: int
    ticks_checked: int
    episodes: int
    snapshots_checked: int
    gaps: int
    first_difference: Difference | None
    truncated: bool
    lost: str

    @property
    def ok(self) -> bool:
        """Whether at least one tick was compared, all are equal, and nothing but the end is missing."""
        whole = not self.gaps and (self.truncated or not self.lost)
        return self.first_difference is None and whole and 0 < self.ticks == self.ticks_checked

    @property
    def sentence(self) -> str:
        """The result in words."""
        text = f"{self.ticks_checked} of {self.ticks} ticks in {self.episodes} episodes simulated again"
        if self.first_difference is None:
            text += ": equal bit for bit" if self.ticks_checked else ": no snapshot to begin from"
        else:
            tick, field, recorded, resimulated = self.first_difference
            text += f": first difference at tick {tick}, {field}: recorded {recorded!r}, simulated {resimulated!r}"
        if self.gaps:
            text += f"; ticks are missing at {self.gaps} places"
        if self.truncated:
            text += "; the recording was cut off"
        return text + (f" ({self.lost})" if self.lost else "")

    def as_json(self) -> dict[str, Any]:
        """All fields as JSON-compatible values, with `ok` and `sentence`."""
        difference = self.first_difference._asdict() if self.first_difference else None
        return {**dataclasses.asdict(self), "first_difference": difference, "ok": self.ok, "sentence": self.sentence}


def verify(session: Session, make_task: Callable[[], Task]) -> VerifyReport:
    """Simulate a session again and compare observations, rewards and flags bit for bit, up to the first difference.

    Two tasks run side by side. One starts at each episode's first snapshot; the other one restores every later
    snapshot, which tests the snapshots.

    Args:
        session: the recording.
        make_task: makes the recorded task; called twice, and both tasks are closed.

    Raises:
        ValueError: a snapshot of another task, or an unreadable recording.
    """
    snapshots = {(record.episode, record.tick): record for record in session.of(SnapshotRecord)}
    through, resumed = _Resimulation(make_task(), ""), _Resimulation(make_task(), " after restoring")
    ticks = checked = restored = gaps = 0
    episodes: set[int] = set()
    difference: Difference | None = None
    previous: TickRecord | None = None
    try:
        for record in session.of(TickRecord):
            ticks += 1
            missing = record.tick != (0 if previous is None else previous.tick + 1)
            gaps += missing
            if missing or previous is None or previous.episode != record.episode:
                through.stop()
                resumed.stop()
            previous = record
            if difference is not None:
                continue
            snapshot = snapshots.get((record.episode, record.tick))
            if snapshot is not None:
                if through.running:
                    resumed.restore(snapshot, session)
                    restored += 1
                else:
                    through.restore(snapshot, session)
            if not through.running:
                continue
            difference = through.check(record) or resumed.check(record)
            checked += 1
            episodes.add(record.episode)
    finally:
        through.task.close()
        resumed.task.close()
    return VerifyReport(ticks, checked, len(episodes), restored, gaps, difference, session.truncated, session.lost)


class _Resimulation:
    """A task that repeats the recorded actions from a snapshot on."""

    def __init__(self, task: Task, remark: str) -> None:
        self.task = task
        self.running = False
        self._remark = remark
        self._observation: Array = np.zeros(0, dtype=np.float32)

    def restore(self, snapshot: SnapshotRecord, session: Session) -> None:
        self._observation = _restore(self.task, snapshot, session)
        self.running = True

    def stop(self) -> None:
        """Stop at a gap; the next snapshot starts again."""
        self.running = False

    def check(self, record: TickRecord) -> Difference | None:
        """Compare a tick and step; None if equal or not running."""
        if not self.running:
            return None
        found = _first_unequal(record.observation, self._observation)
        if found is None:
            self._observation, reward, terminated, truncated, info = self.task.step(record.executed)
            found = _unequal_outcome(record, float(reward), bool(info["success"]), bool(terminated), bool(truncated))
        if found is None:
            return None
        field, recorded, resimulated = found
        return Difference(record.tick, field + self._remark, recorded, resimulated)


class ReplayedTick(NamedTuple):
    """One recorded tick for display.

    Attributes:
        record: the tick.
        scene: before the tick's action.
        plan: the plan in use; None before the first, or if it was not recorded.
    """

    record: TickRecord
    scene: Scene
    plan: Plan | None


class Replayer:
    """Iterates over a session's ticks for display; `seek` moves the position.

    Args:
        session: the recording; its ticks, plans and snapshots are held in memory.
        task: of the recorded type; the replayer alone uses it.

    Raises:
        ValueError: the recording holds no ticks.
    """

    def __init__(self, session: Session, task: Task) -> None:
        if not session.ticks:
            raise ValueError(f"{session.path}: it holds no ticks, so there is nothing to show")
        self._session = session
        self._task = task
        self._ticks = session.ticks
        self._numbers = [record.tick for record in self._ticks]
        self._plans = {plan.tick: plan for plan in session.plans}
        self._snapshots = {(record.episode, record.tick): record for record in session.snapshots}
        self._next = 0
        self._at: int | None = None  # index of the tick that the task is at

    def __len__(self) -> int:
        return len(self._ticks)

    @property
    def first_tick(self) -> int:
        """First recorded tick."""
        return self._numbers[0]

    @property
    def last_tick(self) -> int:
        """Last recorded tick."""
        return self._numbers[-1]

    def seek(self, tick: int) -> None:
        """Go to a tick, or to the first recorded one after it.

        Raises:
            ValueError: the tick is outside the recording; names the range.
        """
        if not self.first_tick <= tick <= self.last_tick:
            raise ValueError(f"tick {tick} is not in the recording; it has ticks {self.first_tick} to {self.last_tick}")
        self._next = bisect.bisect_left(self._numbers, tick)

    def __iter__(self) -> Iterator[ReplayedTick]:
        while self._next < len(self._ticks):
            index = self._next
            self._next += 1
            yield self.frame(index)

    def frame(self, index: int) -> ReplayedTick:
        """The tick with this index.

        Raises:
            ValueError: no snapshot leads to it (part of the recording is missing).
        """
        self._move_to(index)
        record = self._ticks[index]
        return ReplayedTick(record, self._task.scene(), self._plans.get(record.plan_tick))

    def _move_to(self, index: int) -> None:
        """Move the task to a tick, from its present state or from the nearest earlier snapshot."""
        start = index
        while start != self._at:
            snapshot = self._snapshots.get((self._ticks[start].episode, self._ticks[start].tick))
            if snapshot is not None:
                _restore(self._task, snapshot, self._session)
                break
            if not self._continues(start - 1):
                raise ValueError(
                    f"{self._session.path}: no snapshot leads to tick {self._numbers[index]}; "
                    "part of the recording is missing there"
                )
            start -= 1
        for passed in range(start, index):
            self._task.step(self._ticks[passed].executed)
        self._at = index

    def _continues(self, index: int) -> bool:
        """Whether the next recorded tick follows this one directly."""
        if index < 0:
            return False
        record, following = self._ticks[index], self._ticks[index + 1]
        return record.episode == following.episode and record.tick + 1 == following.tick


def _restore(task: Task, snapshot: SnapshotRecord, session: Session) -> Array:
    try:
        return task.restore(snapshot.task)
    except ValueError as problem:
        raise ValueError(
            f"{session.path}: the snapshot before tick {snapshot.tick} does not fit {type(task).__name__}: {problem}"
        ) from problem


def _first_unequal(recorded: Array, resimulated: Array) -> tuple[str, float | str, float | str] | None:
    again = np.ascontiguousarray(resimulated, dtype=np.float32)
    if recorded.shape != again.shape:
        return "observation", f"{recorded.shape[0]} numbers", f"shape {again.shape}"
    # Compare bits, so that 0.0 and -0.0 differ. NaNs are equal, because JSON keeps no payload.
    unequal = (recorded.view(np.uint32) != again.view(np.uint32)) & ~(np.isnan(recorded) & np.isnan(again))
    if not unequal.any():
        return None
    index = int(np.argmax(unequal))
    return f"observation[{index}]", float(recorded[index]), float(again[index])


def _unequal_outcome(
    record: TickRecord, reward: float, success: bool, terminated: bool, truncated: bool
) -> tuple[str, float | bool, float | bool] | None:
    if record.reward != reward and not (np.isnan(record.reward) and np.isnan(reward)):
        return "reward", record.reward, reward
    again = {"success": success, "terminated": terminated, "truncated": truncated}
    for field, value in again.items():
        if getattr(record, field) != value:
            return field, getattr(record, field), value
    return None
