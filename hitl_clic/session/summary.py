"""Summary figures of a session. Pure, except `write_summary`; one thread at a time.

`SummaryBuilder` counts records, during a session or from a recording. Both give the same summary if the recorder
dropped nothing.
"""

from __future__ import annotations

import json
import math
import os
from array import array
from collections import deque
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from hitl_clic.session.topics import SettingsRecord, topic_of
from hitl_clic.types.commands import WITHDRAWALS
from hitl_clic.types.messages import ChunkPair, LinkStatus
from hitl_clic.types.records import EpisodeRecord, EventRecord, Plan, SwapRecord, TickRecord
from hitl_clic.types.smoothness import Smoothness

Summary = dict[str, Any]


class SummaryBuilder:
    """Counts records; about 80 bytes a tick, 8 bytes a plan or trained pair, and one row an episode.

    The events "discard" and "reset" withdraw the pairs from "first" to "last": no weights are expected for them.
    """

    def __init__(self) -> None:
        self._settings: SettingsRecord | None = None
        self._status: LinkStatus | None = None
        self._acknowledged = self._dropped = 0  # in earlier parts
        self._earlier_s = 0.0  # wall time of earlier parts
        self._first_ns: int | None = None
        self._last_ns: int | None = None
        self._lateness_ns = array("q")
        self._work_ns = array("q")
        self._sections_ns: dict[str, array[int]] = {}
        self._plan_ns = array("q")
        self._correction_ns = array("q")
        self._smoothness = Smoothness()
        self._smooth_until = (-1, -1)  # episode and tick of the next consecutive action
        self._overruns = 0
        self._swaps = 0
        self._pairs_made = 0
        self._withdrawn = dict.fromkeys(WITHDRAWALS, 0)
        self._resets = 0
        self._searches: list[EventRecord] = []
        self._waiting_pairs: deque[tuple[int, int]] = deque()  # (id, made_ns), ids ascending
        self._newest_pairs: dict[int, int] = {}  # by version of the weights, from the version in use on
        self._rate_sum = 0.0
        self._rate_count = 0
        self._episodes: list[EpisodeRecord] = []
        self._count: Mapping[type, Callable[[Any], None]] = {
            SettingsRecord: self._settings_record,
            TickRecord: self._tick,
            Plan: self._plan,
            ChunkPair: self._pair,
            SwapRecord: self._swap,
            EventRecord: self._event,
            EpisodeRecord: self._episode,
            LinkStatus: self._link_status,
        }

    def add(self, record: object) -> None:
        """Count a record; snapshots have no effect.

        Raises:
            TypeError: not a record of a session.
        """
        count = self._count.get(type(record))
        if count is None:
            topic_of(record)
            return
        count(record)

    def summary(self) -> Summary:
        """The content of `summary.json`.

        `started_at`: the session's date, ISO 8601 in UTC.
        Units: ms, 1/s, and s for `wall_s`. Unknown figures are None.
        `updates_per_s`: mean rate reported by the learner since its first update.
        `tick_work_ms`: whole ticks; `tick_sections_ms`: their parts by name, over the ticks with that part.
        `searches`: each change of the planner's search to keep to its budget, with its share of the full search.
        `correction_to_policy_ms`: from the tick that completed a pair to the first tick whose robot action comes from
        weights trained on that pair or a later one.
        `pairs`: "withdrawn" is the learner's count; "discarded" and "reset" are those of the two commands, with pairs
        that were not complete yet. `resets`: episodes that were started again.
        `step_inside`, `step_at_seam`, `jerk_inside`, `jerk_at_seam`: see `Smoothness`; for the policy's actions,
        without exploration noise, at ticks that the robot drove on a plan.
        """
        settings, status = self._settings, self._status
        learner = status.learner if status is not None else None
        return {
            "started_at": (settings.started_at or None) if settings else None,
            "task": settings.task if settings else None,
            "method": settings.method if settings else None,
            "device": settings.device if settings else None,
            "horizon": settings.horizon if settings else None,
            "execute": settings.execute if settings else None,
            "seed": settings.seed if settings else None,
            "episodes": len(self._episodes),
            "success": [episode.success for episode in self._episodes],
            "feedback_per_step": [_known(episode.feedback_per_step) for episode in self._episodes],
            "l2_error_per_step": [_known(episode.l2_error_per_step) for episode in self._episodes],
            "timesteps": [episode.timesteps for episode in self._episodes],
            **{name: _known(value) for name, value in self._smoothness.figures().items()},
            "tick_hz": settings.tick_hz if settings else None,
            "ticks": len(self._lateness_ns),
            "tick_overruns": self._overruns,
            "tick_lateness_ms": _percentiles_ms(self._lateness_ns, with_max=True),
            "tick_work_ms": _percentiles_ms(self._work_ns, with_max=True),
            "tick_sections_ms": {
                section: _percentiles_ms(times_ns, with_max=True) for section, times_ns in self._sections_ns.items()
            },
            "plan_ms": _percentiles_ms(self._plan_ns, with_max=True),
            "searches": [{"tick": event.tick, **event.detail} for event in self._searches],
            "updates": learner.updates if learner else 0,
            "updates_per_s": round(self._rate_sum / self._rate_count, 3) if self._rate_count else 0.0,
            "weight_swaps": self._swaps,
            "correction_to_policy_ms": _percentiles_ms(self._correction_ns, with_max=True),
            "pairs": {
                "made": self._pairs_made,
                "acknowledged": self._acknowledged + (status.acknowledged if status else 0),
                "ingested": learner.ingested if learner else 0,
                "duplicated": learner.duplicated if learner else 0,
                "withdrawn": learner.withdrawn if learner else 0,
                "dropped": self._dropped + (status.dropped if status else 0),
                "discarded": self._withdrawn["discard"],
                "reset": self._withdrawn["reset"],
            },
            "resets": self._resets,
            "wall_s": self._wall_s(),
        }

    def _settings_record(self, settings: SettingsRecord) -> None:
        if self._settings is None:
            self._settings = settings
        else:
            self._begin_part()
        self._extend_wall_time(settings.started_ns)

    def _begin_part(self) -> None:
        """The session goes on in another process, with another monotonic clock and a new link."""
        self._earlier_s, self._first_ns, self._last_ns = self._wall_s(), None, None
        self._waiting_pairs.clear()
        self._smoothness.break_sequence()
        self._smooth_until = (-1, -1)
        if self._status is not None:
            self._acknowledged += self._status.acknowledged
            self._dropped += self._status.dropped
            self._status = replace(self._status, acknowledged=0, dropped=0)

    def _tick(self, tick: TickRecord) -> None:
        self._lateness_ns.append(tick.lateness_ns)
        self._work_ns.append(tick.work_ns)
        for section, time_ns in tick.sections_ns.items():
            self._sections_ns.setdefault(section, array("q")).append(time_ns)
        self._overruns += tick.overrun
        self._add_smoothness(tick)
        self._acts(tick)
        self._extend_wall_time(tick.time_ns)
        self._extend_wall_time(tick.time_ns + tick.work_ns)

    def _add_smoothness(self, tick: TickRecord) -> None:
        if (tick.episode, tick.tick) != self._smooth_until:
            self._smoothness.break_sequence()
        if tick.state == "autonomous" and tick.plan_tick >= 0:
            self._smoothness.add(tick.robot_action, tick.plan_tick)
            self._smooth_until = (tick.episode, tick.tick + 1)

    def _plan(self, plan: Plan) -> None:
        self._plan_ns.append(plan.finished_ns - plan.started_ns)
        self._newest_pairs[plan.weight_version] = plan.newest_pair

    def _acts(self, tick: TickRecord) -> None:
        """The pairs that the weights of this tick's action have learnt from wait no longer."""
        if tick.plan_tick < 0:
            return
        newest = self._newest_pairs.get(tick.weight_version, -1)
        if min(self._newest_pairs, default=0) < tick.weight_version:  # no later tick uses an older version
            self._newest_pairs = {v: pair for v, pair in self._newest_pairs.items() if v >= tick.weight_version}
        while self._waiting_pairs and self._waiting_pairs[0][0] <= newest:
            _, made_ns = self._waiting_pairs.popleft()
            self._correction_ns.append(tick.time_ns - made_ns)

    def _pair(self, pair: ChunkPair) -> None:
        self._pairs_made += 1
        self._waiting_pairs.append((pair.id, pair.made_ns))

    def _swap(self, swap: SwapRecord) -> None:
        self._swaps += 1

    def _event(self, event: EventRecord) -> None:
        self._extend_wall_time(event.time_ns)
        self._resets += event.name in ("reset", "reset_keep")
        if event.name == "search_changed":
            self._searches.append(event)
        if event.name in WITHDRAWALS:
            self._withdrawn[event.name] += int(event.detail.get("pairs", 0))
            first, last = int(event.detail.get("first", -1)), int(event.detail.get("last", -1))
            self._waiting_pairs = deque(entry for entry in self._waiting_pairs if not first <= entry[0] <= last)

    def _episode(self, episode: EpisodeRecord) -> None:
        self._episodes.append(episode)
        self._extend_wall_time(episode.finished_ns)

    def _link_status(self, status: LinkStatus) -> None:
        self._status = status
        if status.state == "connected" and status.learner.updates > 0:
            self._rate_sum += status.learner.updates_per_s
            self._rate_count += 1

    def _extend_wall_time(self, time_ns: int) -> None:
        self._first_ns = time_ns if self._first_ns is None else min(self._first_ns, time_ns)
        self._last_ns = time_ns if self._last_ns is None else max(self._last_ns, time_ns)

    def _wall_s(self) -> float:
        if self._first_ns is None or self._last_ns is None:
            return self._earlier_s
        return round(self._earlier_s + (self._last_ns - self._first_ns) * 1e-9, 3)


def summarise(records: Iterable[object]) -> Summary:
    """The summary of records in order, for example of `Session.records()`."""
    tally = SummaryBuilder()
    for record in records:
        tally.add(record)
    return tally.summary()


def write_summary(path: Path, summary: Mapping[str, Any]) -> None:
    """Write a summary as JSON; a crash leaves the old file or the new one.

    Raises:
        OSError: it cannot be written.
    """
    beside = path.with_name(path.name + ".part")
    with beside.open("w", encoding="utf-8") as file:
        json.dump(summary, file, indent=2, allow_nan=False)
        file.write("\n")
        file.flush()
        os.fsync(file.fileno())
    os.replace(beside, path)


def _known(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _percentiles_ms(times_ns: Sequence[int], with_max: bool) -> dict[str, float | None]:
    levels = {"p50": 50, "p99": 99} | ({"max": 100} if with_max else {})
    if not times_ns:
        return dict.fromkeys(levels)
    values_ms = np.asarray(times_ns, dtype=np.int64) * 1e-6
    return {name: round(float(np.percentile(values_ms, level)), 3) for name, level in levels.items()}
