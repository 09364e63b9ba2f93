"""Input events of the window, with time stamps of the window process, and the queue that carries them. No pygame.

Written by the thread that receives from the window process; read by the reader threads of keyboard and mouse.
"""

from __future__ import annotations

import queue
from dataclasses import dataclass
from typing import Annotated, Literal

from msgspec import Meta

from hitl_clic.types.schema import Finite, Nanoseconds


@dataclass(frozen=True, slots=True)
class InputEvent:
    """One event of the window.

    Attributes:
        time_ns: `perf_counter_ns` in the window process (one monotonic clock for the whole machine).
        kind: "key_down", "key_up", "button_down", "button_up", "wheel" (one notch), "motion", "focus_lost",
            "focus_gained", "alive" (the window drew a frame, so held keys are still held) or "closed".
        name: key or button name, lower case ("w", "space", "left", "wheel up"); empty otherwise.
        position: pointer in scene coordinates scaled to [0, 1] x [0, 1] (may lie outside); (0, 0) for keys.
    """

    time_ns: Nanoseconds
    kind: Literal[
        "key_down",
        "key_up",
        "button_down",
        "button_up",
        "wheel",
        "motion",
        "focus_lost",
        "focus_gained",
        "alive",
        "closed",
    ]
    name: Annotated[str, Meta(max_length=4096)] = ""
    position: tuple[Finite, Finite] = (0.0, 0.0)


class EventFeed:
    """Bounded queue of window events for one device. When full it drops and counts the oldest."""

    def __init__(self, capacity: int = 1024) -> None:
        self._queue: queue.Queue[InputEvent] = queue.Queue(capacity)
        self._branches: tuple[EventFeed, ...] = ()
        self.dropped = 0

    def branch(self) -> EventFeed:
        """A further feed of all later events, for a second device of the same window."""
        made = EventFeed(self._queue.maxsize)
        self._branches = (*self._branches, made)
        return made

    def put(self, event: InputEvent) -> None:
        """Add an event; never blocks."""
        for branch in self._branches:
            branch.put(event)
        while True:
            try:
                self._queue.put_nowait(event)
                return
            except queue.Full:
                self.dropped += 1
                try:
                    self._queue.get_nowait()
                except queue.Empty:
                    continue

    def drain(self, timeout_s: float) -> list[InputEvent]:
        """All waiting events, oldest first; waits at most `timeout_s` seconds for the first one."""
        events: list[InputEvent] = []
        try:
            events.append(self._queue.get(timeout=timeout_s))
            while True:
                events.append(self._queue.get_nowait())
        except queue.Empty:
            return events
