"""The topics of a recording: record type, time and JSON schema of each. Pure; any thread.

Each tick holds the age and connection of its device sample. Raw device streams are not recorded.
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
"""MCAP profile that identifies a session."""
FORMAT = "1"
"""Version of the topics; the reader refuses others."""


@dataclass(frozen=True, slots=True)
class SettingsRecord:
    """The settings of a session; its first record.

    Attributes:
        started_ns: `perf_counter_ns` at the start; wall time counts from here.
        started_at: the date at `started_ns`, ISO 8601 in UTC; empty in old recordings.
        horizon, execute: H and Ta, steps.
        tick_hz: nominal rate of the loop.
        values: all settings, nested by name.
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
    started_at: str = ""


@dataclass(frozen=True, slots=True)
class Topic:
    """One topic of a recording.

    Attributes:
        name: as shown by plotting tools.
        record: its dataclass.
        time_ns: the time of a record; None: the time of `put`.
        schema: its JSON form.
    """

    name: str
    record: type
    time_ns: Callable[[Any], int] | None
    schema: Schema[Any]

    def dumps(self, record: Any) -> bytes:
        """The record as JSON. Raises ValueError, which names a field that cannot be written."""
        return self.schema.dumps(record)

    def loads(self, text: bytes) -> Any:
        """A record from JSON. Raises ValueError, which names the topic and the field."""
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
    # Status of the link; it contains the learner's heartbeat.
    _topic("learner", LinkStatus, None),
)
BY_TYPE: Mapping[type, Topic] = {topic.record: topic for topic in TOPICS}
BY_NAME: Mapping[str, Topic] = {topic.name: topic for topic in TOPICS}


def topic_of(record: object) -> Topic:
    """The topic of a record. Raises TypeError if its type has none."""
    topic = BY_TYPE.get(type(record))
    if topic is None:
        known = ", ".join(sorted(kind.__name__ for kind in BY_TYPE))
        raise TypeError(f"there is no topic for a {type(record).__name__}; a session records {known}")
    return topic
