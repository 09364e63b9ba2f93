"""The topics of a recording: which record goes where, when it happened, and its JSON schema. Pure; any thread.

`TOPICS` is the one table. The topic "device" of a session is part of each tick (age and connection of the sample
used); raw device streams are not recorded.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from hitl_clic.aliases import current_record
from hitl_clic.types.messages import ChunkPair, LinkStatus
from hitl_clic.types.records import EpisodeRecord, EventRecord, Plan, SnapshotRecord, SwapRecord, TickRecord
from hitl_clic.types.schema import Schema, SchemaError

PROFILE = "hitl-clic"
"""MCAP profile by which a session is told from other recordings."""
FORMAT = "1"
"""Version of the topics below; a reader refuses others in words."""


@dataclass(frozen=True, slots=True)
class SettingsRecord:
    """What was set when the session began; the first record of every session.

    Attributes:
        started_ns: `perf_counter_ns` when the session began: where its wall time counts from.
        task, method, device: their names. horizon, execute: H and Ta, steps. seed: of the session.
        tick_hz: nominal rate of the loop, ticks per second.
        values: all resolved settings as a tree of names.
    """

    started_ns: int
    task: str
    method: str
    device: str
    horizon: int
    execute: int
    seed: int
    tick_hz: float
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of the recording.

    Attributes:
        name: as plotting tools show it. record: the dataclass it carries.
        time_ns: when a record happened; None where the record does not say and the time of `put` is taken.
        schema: writes and reads the record.
    """

    name: str
    record: type
    time_ns: Callable[[Any], int] | None
    schema: Schema[Any]

    def dumps(self, record: Any) -> bytes:
        """The record as JSON text. Raises ValueError naming a field that cannot be written."""
        return self.schema.dumps(record)

    def loads(self, text: bytes) -> Any:
        """The record of a JSON text. Raises ValueError naming the topic and the field at fault."""
        try:
            return self.schema.loads(text, partial(current_record, self.name))
        except SchemaError as problem:
            raise ValueError(f"a record of topic {self.name!r} cannot be read: {problem}") from problem


def _topic(name: str, record: type, time_ns: Callable[[Any], int] | None) -> Topic:
    return Topic(name, record, time_ns, Schema(record))


TOPICS: tuple[Topic, ...] = (
    _topic("settings", SettingsRecord, lambda record: record.started_ns),
    _topic("tick", TickRecord, lambda record: record.time_ns),
    _topic("plan", Plan, lambda record: record.finished_ns),
    _topic("pair", ChunkPair, lambda record: record.made_ns),
    _topic("weights", SwapRecord, lambda record: record.time_ns),
    _topic("snapshot", SnapshotRecord, lambda record: record.time_ns),
    _topic("event", EventRecord, lambda record: record.time_ns),
    _topic("episode", EpisodeRecord, lambda record: record.finished_ns),
    # The link's view of the learner, with the learner's own heartbeat inside it.
    _topic("learner", LinkStatus, None),
)
BY_TYPE: Mapping[type, Topic] = {topic.record: topic for topic in TOPICS}
BY_NAME: Mapping[str, Topic] = {topic.name: topic for topic in TOPICS}


def topic_of(record: object) -> Topic:
    """The topic of a record. Raises TypeError when there is none for its type."""
    topic = BY_TYPE.get(type(record))
    if topic is None:
        known = ", ".join(sorted(kind.__name__ for kind in BY_TYPE))
        raise TypeError(f"there is no topic for a {type(record).__name__}; a session records {known}")
    return topic
