"""Filling corrections up to a chunk, and the buffer that keeps pairs."""

from __future__ import annotations

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from hitl_clic.clic.buffer import PairBuffer, StoredPair
from hitl_clic.clic.desired_set import limited_correction
from hitl_clic.correction.padding import PADDINGS, Padding, final_mask, pad_chunk
from hitl_clic.types.records import CorrectionMode

Array = np.ndarray


@st.composite
def corrections(draw: st.DrawFn) -> tuple[Array, Array, Array]:
    """known [k, a], robot [H, a], followed [n, a]; every number of them is different."""
    h, a = draw(st.integers(1, 8)), draw(st.integers(1, 3))
    k, n = draw(st.integers(1, h)), draw(st.integers(0, 10))
    numbers = np.linspace(-1, 1, (k + h + n) * a).astype(np.float32).reshape(-1, a)
    return numbers[:k], numbers[k : k + h], numbers[k + h :]


@pytest.mark.parametrize("padding", sorted(PADDINGS))
@settings(max_examples=50, deadline=None)
@given(corrections())
def test_every_padding_keeps_what_is_known(padding: Padding, case: tuple[Array, Array, Array]) -> None:
    known, robot, followed = case
    human = pad_chunk(known, robot, followed, padding)
    assert human.shape == robot.shape
    assert human.dtype == np.float32
    assert np.array_equal(human[: len(known)], known)
    assert not np.shares_memory(human, known)
    assert not np.shares_memory(human, robot)


@settings(max_examples=50, deadline=None)
@given(corrections())
def test_what_the_rest_is(case: tuple[Array, Array, Array]) -> None:
    known, robot, followed = case
    k, h = len(known), len(robot)
    assert (pad_chunk(known, robot, followed, "hold")[k:] == known[-1]).all()
    assert np.array_equal(pad_chunk(known, robot, followed, "robot")[k:], robot[k:])
    assert np.array_equal(pad_chunk(known, robot, followed, "mask")[k:], robot[k:])
    rest = pad_chunk(known, robot, followed, "hindsight")[k:]
    for step, action in enumerate(rest):
        if step < len(followed):
            assert np.array_equal(action, followed[step]), "what was executed then"
        else:
            assert np.array_equal(action, followed[-1] if len(followed) else known[-1]), "the last one is held"
    assert len(rest) == h - k


def test_padding_refuses() -> None:
    one, three = np.zeros((1, 2), np.float32), np.zeros((3, 2), np.float32)
    with pytest.raises(ValueError, match=r"'zeros'.*hold"):
        pad_chunk(one, three, one[:0], "zeros")
    with pytest.raises(ValueError, match="0 taught"):
        pad_chunk(one[:0], three, one[:0], "hold")
    with pytest.raises(ValueError, match=r"3 taught.* 1"):
        pad_chunk(three, one, one[:0], "hold")


@pytest.mark.parametrize(
    ("mode", "padding", "counts"),
    [
        ("absolute", "mask", [[0, 1], [0, 0]]),
        ("absolute", "hold", [[0, 1], [1, 1]]),
        ("absolute", "robot", [[0, 1], [1, 1]]),
        ("absolute", "hindsight", [[0, 1], [1, 1]]),
        ("relative", "mask", [[0, 1], [0, 0]]),
        ("relative", "hindsight", [[0, 1], [0, 0]]),
    ],
)
def test_the_final_mask(mode: CorrectionMode, padding: Padding, counts: list[list[int]]) -> None:
    """An untaught axis never counts; a padded step does where the padding stands for an action."""
    mask = final_mask(np.array([[0, 1], [0, 0]], np.float32), mode, padding)
    assert np.array_equal(mask, counts)
    assert mask.dtype == np.float32
    assert np.array_equal(final_mask(mask, mode, padding), mask), "pairs that are final stay as they are"


# ---- buffer


def pair(number: int) -> StoredPair:
    zero = np.zeros((1, 1), np.float32)
    return StoredPair(number, False, np.zeros(1, np.float32), zero, zero, zero)


def buffer(capacity: int = 100, pairs: int = 0) -> PairBuffer:
    made = PairBuffer(capacity, np.random.default_rng(0))
    for number in range(pairs):
        assert made.add(pair(number))
    return made


def ids(made: PairBuffer, count: int) -> list[int]:
    return [p.id for p in made.draw(count)]


def test_every_pair_once_in_an_epoch() -> None:
    made = buffer(pairs=12)
    assert sorted(ids(made, 12)) == list(range(12))  # all were fresh
    epochs = [ids(made, 4) + ids(made, 4) + ids(made, 4) for _ in range(6)]
    assert all(sorted(epoch) == list(range(12)) for epoch in epochs)
    assert len({tuple(epoch) for epoch in epochs}) > 3, "in ever new orders"


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 30), st.lists(st.integers(1, 12), min_size=1, max_size=30))
def test_no_pair_twice_in_a_batch(pairs: int, counts: list[int]) -> None:
    made = buffer(pairs=pairs)
    for count in counts:
        drawn = ids(made, count)
        assert len(drawn) == len(set(drawn)) == min(count, pairs)


def test_all_pairs_are_drawn_alike_when_batches_cross_epochs() -> None:
    made = buffer(pairs=13)
    seen = Counter(i for _ in range(520) for i in ids(made, 5))
    assert sum(seen.values()) == 2600
    assert all(190 <= seen[i] <= 210 for i in range(13))


@settings(max_examples=50, deadline=None)
@given(st.integers(1, 15), st.lists(st.integers(1, 15), min_size=1, max_size=30))
def test_no_pair_is_ever_two_turns_ahead_of_another(pairs: int, counts: list[int]) -> None:
    """Also where a batch takes the end of one epoch and the beginning of the next."""
    made = buffer(pairs=pairs)
    seen = Counter(ids(made, pairs))
    for count in counts:
        seen.update(ids(made, count))
        assert max(seen.values()) - min(seen.values()) <= 1


def test_a_new_pair_enters_the_very_next_batch() -> None:
    made = buffer(pairs=20)
    ids(made, 20)
    ids(made, 6)
    made.add(pair(50))
    made.add(pair(51))
    drawn = ids(made, 4)
    assert drawn[:2] == [50, 51]
    assert made.newest_drawn == 51
    assert 50 not in ids(made, 4) + ids(made, 4), "then it waits for the next epoch like any other"


def test_more_new_pairs_than_a_batch_come_oldest_first() -> None:
    made = buffer(pairs=10)
    assert [ids(made, 4), ids(made, 4)] == [[0, 1, 2, 3], [4, 5, 6, 7]]
    assert made.newest_drawn == 7
    assert ids(made, 4)[:2] == [8, 9]


def test_the_oldest_leave() -> None:
    made = buffer(capacity=3, pairs=5)
    assert sorted(made.pairs) == [2, 3, 4]
    assert len(made) == 3
    assert sorted(ids(made, 9)) == [2, 3, 4], "none that left is drawn, fresh or not"


def test_an_id_is_taken_once() -> None:
    made = buffer(pairs=2)
    assert not made.add(pair(1))
    assert len(made) == 2
    assert sorted(ids(made, 5)) == [0, 1]


def test_removed_pairs_are_never_drawn() -> None:
    made = buffer(pairs=8)
    assert made.remove(3), "fresh"
    assert not made.remove(3)
    assert not made.remove(99)
    ids(made, 7)
    ids(made, 2)  # an epoch has begun
    assert made.remove(5)
    drawn = [i for _ in range(10) for i in ids(made, 2)]
    assert set(drawn) == {0, 1, 2, 4, 6, 7}


def test_an_empty_buffer_gives_nothing() -> None:
    assert buffer().draw(4) == []


@given(st.integers(0, 2**32 - 1), st.floats(0.01, 4))
def test_a_relative_correction_is_learnt_as_a_short_step_in_its_direction(seed: int, length: float) -> None:
    rng = np.random.default_rng(seed)
    robot, human = rng.uniform(-1, 1, (2, 5, 3)).astype(np.float32)
    human[1] = robot[1]
    short = limited_correction(robot, human, np.ones_like(robot), length)
    for a, h, s in zip(robot, human, short, strict=True):
        far = float(np.linalg.norm(h - a))
        assert np.linalg.norm(s - a) == pytest.approx(min(far, length), abs=1e-5)
        assert (s - a) @ (h - a) == pytest.approx(far * min(far, length), abs=1e-5)


def test_an_axis_that_was_only_obeyed_makes_no_push_longer() -> None:
    robot = np.zeros((1, 3), np.float32)
    human = np.array([[0.3, 0.4, 1.0]], np.float32)
    taught = np.array([[1, 1, 0]], np.float32)
    assert limited_correction(robot, human, taught, 0.5)[0, :2] == pytest.approx([0.3, 0.4])
    assert limited_correction(robot, human, taught, 0.25)[0, :2] == pytest.approx([0.15, 0.2])
