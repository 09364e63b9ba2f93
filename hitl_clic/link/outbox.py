"""What the actor still owes the learner, in order: pairs, withdrawals and update requests, kept until answered.

Pure bookkeeping; used by the link thread only. The order is what makes the paper's schedule reproducible: a request
is sent only when everything before it is acknowledged, and nothing after it is sent before it is answered.
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
    """Ordered queue of what is to be sent, and of what was sent and not answered yet.

    Args:
        pair_capacity: greatest number of pairs kept; `put` refuses more.
    """

    def __init__(self, pair_capacity: int) -> None:
        self._capacity = pair_capacity
        self._waiting: deque[Item] = deque()
        self._sent: dict[Key, _Sent] = {}
        self._pairs = 0

    def __len__(self) -> int:
        """Everything not answered yet."""
        return len(self._waiting) + len(self._sent)

    @property
    def pairs(self) -> int:
        """Pairs not acknowledged yet."""
        return self._pairs

    def put(self, item: Item) -> bool:
        """Queue an item. False if it is a pair too many."""
        if isinstance(item, ChunkPair):
            if self._pairs >= self._capacity:
                return False
            self._pairs += 1
        self._waiting.append(item)
        return True

    def due(self, now_s: float, heard_s: float, resend_after_s: float) -> Iterator[Item]:
        """Items to send now, in order; an item the caller took counts as sent.

        What was sent is due again after `resend_after_s`, but only if the learner was heard since: to one that is
        busy or gone a second copy is of no use.
        """
        for entry in self._sent.values():
            if heard_s > entry.sent_s and now_s - entry.sent_s > resend_after_s:
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
        """Send everything unanswered again, in order: the connection is a new one."""
        self._waiting.extendleft(entry.item for entry in reversed(self._sent.values()))
        self._sent.clear()

    def answer_pair(self, pair_id: int) -> bool:
        """A pair is acknowledged. False if it was before."""
        if self._sent.pop(("pair", pair_id), None) is None:
            return False
        self._pairs -= 1
        return True

    def answer_known(self, known: tuple[int, ...]) -> int:
        """Every pair whose id lies in the ranges is acknowledged; how many those are. Call before `requeue`."""
        found = [key for key in self._sent if key[0] == "pair" and in_ranges(known, key[1])]
        return sum(self.answer_pair(number) for _, number in found)

    def answer_withdrawal(self, pair_id: int) -> None:
        """A withdrawal is acknowledged."""
        self._sent.pop(("withdrawal", pair_id), None)

    def answer_requests(self, request: int) -> None:
        """All requests up to this number are answered."""
        for key in [key for key in self._sent if key[0] == "request" and key[1] <= request]:
            del self._sent[key]

    def _last_sent(self) -> Iterator[_Sent]:
        # A request is always alone among what was sent, so looking at one entry is enough.
        return iter([next(reversed(self._sent.values()))] if self._sent else [])


def _key(item: Item) -> Key:
    match item:
        case ChunkPair():
            return "pair", item.id
        case Withdrawal():
            return "withdrawal", item.pair_id
        case UpdateRequest():
            return "request", item.request
