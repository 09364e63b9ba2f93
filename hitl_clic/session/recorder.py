"""The recorder: a thread of the actor process that owns the session's MCAP file.

The loop, planner and link threads call `put`, which only appends to a queue. The recorder's thread converts and writes.
A failure (disk full) ends the recording, never the loop.
"""

from __future__ import annotations

import json
import os
import threading
import time
from collections import deque
from pathlib import Path
from typing import BinaryIO

from mcap.writer import CompressionType, Writer

from hitl_clic.session.lock import hold
from hitl_clic.session.settings import RecordingSettings
from hitl_clic.session.start_time import StartTime
from hitl_clic.session.topics import FORMAT, PROFILE, TOPICS, topic_of
from hitl_clic.types.json_form import json_schema

_COMPRESSION = {"zstd": CompressionType.ZSTD, "lz4": CompressionType.LZ4, "none": CompressionType.NONE}
_POLL_S = 0.02
"""Period of emptying the queue. Batches disturb a tick less than a wake-up at each `put`."""


class Recorder:
    """Writes records to a session file.

    Args:
        path: file to create, usually `session.mcap`; its folder is made if absent.
        settings: flushing, queue and compression.

    A message's log time is a date, its publish time the monotonic time of its record, both in ns.

    Attributes:
        started: when `start` was called.
        written: number of written records.
        dropped: number of lost records (queue full, recording ended, or record not writable).
        error: the first error, as a sentence, or None.
    """

    started: StartTime

    def __init__(self, path: Path, settings: RecordingSettings | None = None) -> None:
        self.path = Path(path)
        self.settings = settings or RecordingSettings()
        self.written = 0
        self.dropped = 0
        self.error: str | None = None
        self._queue: deque[tuple[int, object]] = deque()
        self._drop_lock = threading.Lock()
        self._closing = threading.Event()
        self._ended = False
        self._thread: threading.Thread | None = None

    @property
    def waiting(self) -> int:
        """Number of records in the queue."""
        return len(self._queue)

    def start(self) -> None:
        """Create the file and start the thread (once).

        Raises:
            ValueError: the file exists or cannot be created.
        """
        if self._thread is not None:
            raise RuntimeError(f"the recorder of {self.path} was started twice")
        file = self._open()
        hold(file)
        self.started = StartTime.now()
        self._thread = threading.Thread(target=self._run, args=(file,), name="recorder", daemon=True)
        self._thread.start()

    def put(self, record: object) -> None:
        """Queue a record; never blocks. A full queue or an ended recording drops and counts it.

        Raises:
            TypeError: the type has no topic.
        """
        topic = topic_of(record)
        if self._ended or len(self._queue) >= self.settings.queue_capacity:
            self._drop(1)
            return
        self._queue.append((time.perf_counter_ns() if topic.time_ns is None else topic.time_ns(record), record))

    def close(self, timeout_s: float = 30.0) -> None:
        """Write the queue, finish the file and stop the thread. Can be called twice; errors go to `error`."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout=timeout_s)
            if self._thread.is_alive():
                self._note(f"{self.path}: the recording was not written within {timeout_s:g} s; its end is missing")
        self._ended = True

    def _open(self) -> BinaryIO:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            return self.path.open("xb")
        except FileExistsError as problem:
            raise ValueError(f"{self.path} exists already and is not overwritten; choose another folder") from problem
        except OSError as problem:
            raise ValueError(f"{self.path} cannot be created: {problem.strerror}; choose another folder") from problem

    def _run(self, file: BinaryIO) -> None:
        try:
            try:
                self._record(file)
                os.fsync(file.fileno())
            finally:
                file.close()
        except OSError as problem:
            self._note(f"{self.path}: recording ended, {problem.strerror or problem}")
        except Exception as problem:  # the loop continues, and `error` reports the fault
            self._note(f"{self.path}: recording ended, {type(problem).__name__}: {problem}")
        finally:
            self._ended = True
            self._drop(len(self._queue))
            self._queue.clear()

    def _record(self, file: BinaryIO) -> None:
        writer = Writer(file, compression=_COMPRESSION[self.settings.compression])
        writer.start(profile=PROFILE, library="hitl-clic")
        writer.add_metadata("session", {"format": FORMAT})
        channels = {}
        for topic in TOPICS:
            schema = json.dumps(json_schema(topic.record)).encode()
            schema_id = writer.register_schema(f"hitl_clic.{topic.record.__name__}", "jsonschema", schema)
            channels[topic.record] = writer.register_channel(topic.name, "json", schema_id)
        oldest_s: float | None = None  # time of the oldest record that is not on disk
        while True:
            closing = self._closing.is_set()
            before = self.written
            self._drain(writer, channels)
            now_s = time.perf_counter()
            # Flush the first records (the settings) at once: without them the rest is hard to read.
            if oldest_s is None and self.written > before:
                oldest_s = now_s if before else now_s - self.settings.flush_s
            if oldest_s is not None and now_s - oldest_s >= self.settings.flush_s - 2 * _POLL_S:
                writer.flush()
                oldest_s = None
            if closing:
                break
            self._closing.wait(_POLL_S)
        writer.add_metadata("recording", {"written": str(self.written), "dropped": str(self.dropped)})
        writer.finish()
        file.flush()

    def _drain(self, writer: Writer, channels: dict[type, int]) -> None:
        while self._queue:
            time_ns, record = self._queue.popleft()
            try:
                text = topic_of(record).dumps(record)
            except (TypeError, ValueError, AttributeError) as problem:
                self._note(f"{self.path}: a record was left out, {problem}")
                self._drop(1)
                continue
            writer.add_message(
                channels[type(record)], self.started.log_ns(time_ns), text, max(0, time_ns), self.written
            )
            self.written += 1

    def _drop(self, count: int) -> None:
        with self._drop_lock:
            self.dropped += count

    def _note(self, problem: str) -> None:
        if self.error is None:
            self.error = problem
