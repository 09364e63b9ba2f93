"""Holds complete pairs back for a moment, so that a teacher can discard the last correction.

Pure: the actor's main thread passes the time. It sends nothing; the caller sends what `due` and `flush` return.
"""

from __future__ import annotations

from collections import deque

from hitl_clic.types.messages import ChunkPair


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

    def __len__(self) -> int:
        """Pairs held back now."""
        return len(self._held)

    def push(self, pair: ChunkPair, now_ns: int) -> None:
        """Take a complete pair; its grace time starts at `now_ns`."""
        self._held.append((now_ns + self._grace_ns, pair))

    def due(self, now_ns: int) -> list[ChunkPair]:
        """The pairs whose grace time is over, oldest first. The caller sends them."""
        ready: list[ChunkPair] = []
        while self._held and self._held[0][0] <= now_ns:
            ready.append(self._held.popleft()[1])
        return ready

    def flush(self) -> list[ChunkPair]:
        """All pairs held, oldest first, whatever their grace time: the session ends."""
        return [self._held.popleft()[1] for _ in range(len(self._held))]

    def discard(self, pair_id: int) -> bool:
        """Drop a pair by its id. False if it is not held: the caller must withdraw it at the learner."""
        for place, (_, pair) in enumerate(self._held):
            if pair.id == pair_id:
                del self._held[place]
                return True
        return False
