"""Kept chains: what comes back, what leaves, and that a state holds all of it."""

from __future__ import annotations

import numpy as np
import pytest

from hitl_clic.clic.chains import ChainStore


def chain(value: float) -> np.ndarray:
    return np.full((3, 2), value, np.float32)


def test_what_was_put_comes_back_and_only_that() -> None:
    store = ChainStore(10, 3, 2)
    given = np.stack([chain(1), chain(2)])
    store.put([(7, 0), (7, 1)], given)
    given[:] = 9
    found = store.take([(7, 1), (8, 0), (7, 0)])
    assert found.shape == (3, 3, 2)
    assert found.dtype == np.float32
    assert (found[0] == 2).all()
    assert np.isnan(found[1]).all()
    assert (found[2] == 1).all()
    found[:] = 5
    assert (store.take([(7, 0)]) == 1).all()


def test_the_longest_unused_leave_first() -> None:
    store = ChainStore(3, 3, 2)
    for number in range(3):
        store.put([(number, 0)], chain(number)[None])
    store.put([(0, 0)], chain(5)[None])
    store.put([(9, 0)], chain(9)[None])
    assert len(store) == 3
    assert np.isnan(store.take([(1, 0)])).all()
    assert (store.take([(0, 0)]) == 5).all()


@pytest.mark.parametrize("count", [0, 1, 5])
def test_a_state_holds_all_and_the_order_of_leaving(count: int) -> None:
    store, other = ChainStore(5, 3, 2), ChainStore(5, 3, 2)
    store.put(
        [(number, number % 2) for number in range(count)], np.stack([chain(n) for n in range(count or 1)])[:count]
    )
    if count > 1:
        store.put([(0, 0)], chain(8)[None])
    other.put([(77, 0)], chain(3)[None])
    other.load_state({name: value.copy() for name, value in store.state().items()})
    assert list(other.chains) == list(store.chains)
    for key, value in store.chains.items():
        assert np.array_equal(other.chains[key], value)


def test_chains_of_another_size_are_refused() -> None:
    store = ChainStore(5, 3, 2)
    store.put([(0, 0)], chain(1)[None])
    with pytest.raises(ValueError, match="reshape"):
        ChainStore(5, 4, 2).load_state(store.state())
    with pytest.raises(KeyError):
        ChainStore(5, 3, 2).load_state({})
