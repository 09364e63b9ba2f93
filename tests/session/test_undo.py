"""The undo buffer: each pair is sent once in order after its grace time, or withdrawn once."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl_clic.correction.undo import UndoBuffer
from hitl_clic.types.messages import ChunkPair

S = 1_000_000_000


def pair(number: int) -> ChunkPair:
    chunk = np.zeros((2, 1), dtype=np.float32)
    return ChunkPair(number, 0, 0, "absolute", chunk[0], chunk, chunk, chunk, 0, 0, 0)


def test_without_grace_a_pair_is_sent_at_once() -> None:
    buffer = UndoBuffer()
    buffer.push(pair(0), 5)
    assert [one.id for one in buffer.due(5)] == [0]
    assert buffer.due(5) == []


def test_a_pair_is_held_for_its_grace_time() -> None:
    buffer = UndoBuffer(1.0)
    buffer.push(pair(0), 0)
    buffer.push(pair(1), S // 2)
    assert buffer.due(S - 1) == []
    assert [one.id for one in buffer.due(S)] == [0]
    assert len(buffer) == 1
    assert [one.id for one in buffer.flush()] == [1]


def test_only_a_held_pair_is_dropped_here() -> None:
    buffer = UndoBuffer(1.0)
    for number in range(3):
        buffer.push(pair(number), number * S)
    buffer.due(2 * S)
    assert [buffer.discard(number) for number in (2, 1, 0)] == [True, False, False], "the learner takes back the others"
    assert not buffer.discard(2)
    assert buffer.flush() == []


@pytest.mark.parametrize("grace_s", [-0.1, float("nan"), float("inf")])
def test_impossible_grace_times_are_refused(grace_s: float) -> None:
    with pytest.raises(ValueError, match="grace time"):
        UndoBuffer(grace_s)


@given(st.lists(st.sampled_from(["push", "due", "flush"]) | st.integers(0, 20), max_size=60), st.floats(0, 3))
def test_every_pair_is_sent_once_or_discarded(steps: list[str | int], grace_s: float) -> None:
    """A number in `steps` discards that pair."""
    buffer = UndoBuffer(grace_s)
    pushed = 0
    sent: list[int] = []
    dropped: list[int] = []
    for second, step in enumerate(steps):
        if step == "push":
            buffer.push(pair(pushed), second * S)
            pushed += 1
        elif isinstance(step, int):
            dropped += [step] * buffer.discard(step)
        else:
            sent += [one.id for one in (buffer.due(second * S) if step == "due" else buffer.flush())]
    sent += [one.id for one in buffer.flush()]
    assert sent == sorted(sent)
    assert sorted(sent + dropped) == list(range(pushed))
