"""Holds complete pairs back for a moment, so that a teacher can discard the last correction.

Pure: the actor's main thread passes the time. It sends nothing; the caller sends what `due` and `flush` return.
"""

from __future__ import annotations

from collections import deque
from typing import Literal

from hitl_clic.types.messages import ChunkPair

_REMEMBERED = 1024
"""Number of sent pairs that can still be withdrawn."""


class UndoBuffer:
    """A queue in which a pair waits for its grace time.

    Args:
        grace_s: seconds for which a pair can be discarded before it is sent; 0 sends at once.

    Raises:
        ValueError: grace_s is negative or not finite.
    """

    def __init__(self, grace_s: float = 0.0) -> None:
        if not 0.0 <= grace_s < float("inf"):
            raise ValueError(f"the grace time of pairs is {grace_s}, allowed are 0 seconds or more")
        self._grace_ns = round(grace_s * 1e9)
        self._held: deque[tuple[int, ChunkPair]] = deque()  # (when it is due, pair), in order
        self._sent: deque[int] = deque(maxlen=_REMEMBERED)

    def __len__(self) -> int:
        """Pairs held back now."""
        return len(self._held)

    def push(self, pair: ChunkPair, now_ns: int) -> None:
        """Take a complete pair; its grace time starts at `now_ns`."""
        self._held.append((now_ns + self._grace_ns, pair))

    def due(self, now_ns: int) -> list[ChunkPair]:
        """The pairs whose grace time is over, oldest first; they now count as sent."""
        ready: list[ChunkPair] = []
        while self._held and self._held[0][0] <= now_ns:
            ready.append(self._send_oldest())
        return ready

    def flush(self) -> list[ChunkPair]:
        """All pairs held, oldest first, whatever their grace time (the session ends); they now count as sent."""
        return [self._send_oldest() for _ in range(len(self._held))]

    def discard(self, pair_id: int) -> Literal["held", "sent"] | None:
        """Discard one pair by its id.

        Returns:
            "held": it was dropped here and will never be sent; "sent": it is on its way, the caller must withdraw it
            at the learner; None: it is not known here, or was discarded before.
        """
        for place, (_, pair) in enumerate(self._held):
            if pair.id == pair_id:
                del self._held[place]
                return "held"
        if pair_id in self._sent:
            self._sent.remove(pair_id)
            return "sent"
        return None

    def _send_oldest(self) -> ChunkPair:
        _, pair = self._held.popleft()
        self._sent.append(pair.id)
        return pair
