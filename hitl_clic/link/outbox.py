"""Pairs, withdrawals and update requests of the actor, in order, until the learner answers them.

Pure bookkeeping for the link thread. The order makes the lockstep schedule reproducible: a request waits until
everything before it is acknowledged, and everything after it waits for its answer.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

from hitl_clic.link.handshake import Withdrawal, in_ranges
from hitl_clic.types.messages import ChunkPair, UpdateRequest

Item = ChunkPair | Withdrawal | UpdateRequest
Key = tuple[str, int]


@dataclass(slots=True)
class _Sent:
    item: Item
    sent_s: float


class Outbox:
    """Ordered queue of unsent and unanswered items.

    Args:
        pair_capacity: largest number of pairs; `put` refuses more.
    """

    def __init__(self, pair_capacity: int) -> None:
        self._capacity = pair_capacity
        self._waiting: deque[Item] = deque()
        self._sent: dict[Key, _Sent] = {}
        self._pairs = 0

    def __len__(self) -> int:
        """Number of unanswered items."""
        return len(self._waiting) + len(self._sent)

    @property
    def pairs(self) -> int:
        """Number of unacknowledged pairs."""
        return self._pairs

    def put(self, item: Item) -> bool:
        """Queue an item; False if it is a pair beyond the capacity."""
        if isinstance(item, ChunkPair):
            if self._pairs >= self._capacity:
                return False
            self._pairs += 1
        self._waiting.append(item)
        return True

    def due(self, now_s: float, last_message_s: float, resend_after_s: float) -> Iterator[Item]:
        """Items to send now, in order; a yielded item counts as sent.

        Sent items are due again after `resend_after_s`, if the learner has sent a message since: a learner that is busy
        or gone needs no second copy.
        """
        for entry in self._sent.values():
            if last_message_s > entry.sent_s and now_s - entry.sent_s > resend_after_s:
                yield entry.item
                entry.sent_s = now_s
        while self._waiting:
            item = self._waiting[0]
            if any(isinstance(entry.item, UpdateRequest) for entry in self._last_sent()):
                return
            if isinstance(item, UpdateRequest) and self._sent:
                return
            yield item
            self._waiting.popleft()
            self._sent[_key(item)] = _Sent(item, now_s)

    def requeue(self) -> None:
        """After a reconnect: make all unanswered items due, in order."""
        self._waiting.extendleft(entry.item for entry in reversed(self._sent.values()))
        self._sent.clear()

    def answer_pair(self, pair_id: int) -> bool:
        """Remove an acknowledged pair; False if it was removed before."""
        if self._sent.pop(("pair", pair_id), None) is None:
            return False
        self._pairs -= 1
        return True

    def answer_known(self, known: tuple[int, ...]) -> int:
        """Remove all pairs within these ranges; returns their number. Call it before `requeue`."""
        found = [key for key in self._sent if key[0] == "pair" and in_ranges(known, key[1])]
        return sum(self.answer_pair(number) for _, number in found)

    def answer_withdrawal(self, pair_id: int) -> None:
        """Remove an acknowledged withdrawal."""
        self._sent.pop(("withdrawal", pair_id), None)

    def answer_requests(self, request: int) -> None:
        """Remove all requests up to this number."""
        for key in [key for key in self._sent if key[0] == "request" and key[1] <= request]:
            del self._sent[key]

    def _last_sent(self) -> Iterator[_Sent]:
        # No other item is sent together with a request, so one entry is enough.
        return iter([next(reversed(self._sent.values()))] if self._sent else [])


def _key(item: Item) -> Key:
    match item:
        case ChunkPair():
            return "pair", item.id
        case Withdrawal():
            return "withdrawal", item.pair_id
        case UpdateRequest():
            return "request", item.request
