"""Discarding the last correction while the loop runs."""

from __future__ import annotations

from loop_bench import Bench, hold

from hitl_clic.types.records import (
    EventRecord,
)


def test_discard_withdraws_what_was_sent() -> None:
    bench = Bench(hold(1, 2, 6, 7), commands={10: ["discard"]})
    bench.run()
    assert [pair.tick for pair in bench.sent] == [1, 2, 6, 7]
    assert sorted(bench.withdrawn) == [2, 3], "the last correction, not the one before"
    (event,) = bench.of(EventRecord)
    assert (event.name, dict(event.detail)) == ("discard", {"pairs": 2, "first": 2, "last": 3})


def test_discard_twice_takes_the_one_before_too_and_then_nothing() -> None:
    bench = Bench(hold(1, 2, 6, 7), commands={9: ["discard"], 10: ["discard"], 11: ["discard"]})
    bench.run()
    assert sorted(bench.withdrawn) == [0, 1, 2, 3]
    assert [event.detail["pairs"] for event in bench.of(EventRecord)] == [2, 2, 0]


def test_discard_in_the_grace_time_sends_nothing() -> None:
    bench = Bench(hold(1, 2, 6, 7), commands={10: ["discard"]}, undo_s=60.0)
    bench.run()
    assert bench.sent == []
    assert bench.withdrawn == []
    bench.loop.flush()
    assert [pair.tick for pair in bench.sent] == [1, 2], "the rest goes out when the session ends"


def test_discard_of_pairs_still_open() -> None:
    bench = Bench(hold(2, 3, 4), commands={4: ["discard"]}, padding="hindsight", horizon=8)
    bench.run()
    assert bench.states == "aacc" + "a" * 8, "and the hand lets go before it drives again"
    assert bench.sent == []
    assert bench.withdrawn == []
    (event,) = bench.of(EventRecord)
    assert event.detail["pairs"] == 2


def test_discard_leaves_an_earlier_correction_alone_though_its_pairs_are_still_open() -> None:
    """With hindsight a pair waits for its H steps; the next correction begins meanwhile, and only that goes."""
    bench = Bench(hold(2, 5), commands={7: ["discard"]}, padding="hindsight", horizon=8)
    bench.run()
    kept = {pair.tick for pair in bench.sent} - {pair.tick for pair in bench.sent if pair.id in bench.withdrawn}
    assert kept == {2}


def test_discard_after_an_earlier_pair_was_completed_late() -> None:
    """The pair of the correction at 2 is complete at 9, after the correction at 8 began; the discard at 10 means 8."""
    bench = Bench(hold(2, 8), commands={10: ["discard"]}, padding="hindsight", horizon=8)
    bench.run()
    kept = {pair.tick for pair in bench.sent} - {pair.tick for pair in bench.sent if pair.id in bench.withdrawn}
    assert kept == {2}


def test_discard_by_kind_takes_the_right_pair() -> None:
    """A relative pair is complete at once, the absolute one before it much later: still the last correction goes."""
    bench = Bench(hold(2, 5), {4: ["toggle_correction_mode"], 11: ["discard"]}, padding="hindsight", horizon=8)
    bench.run()
    assert [(pair.tick, pair.correction_mode) for pair in bench.sent] == [(5, "relative"), (2, "absolute")]
    assert bench.withdrawn == [0]


def test_discard_while_driving_hands_back_until_the_hand_lets_go() -> None:
    bench = Bench(hold(1, 5, 6, 7, 8, 10), commands={7: ["discard"]})
    bench.run()
    assert bench.states == "acaaaccaaaca"
    assert [pair.tick for pair in bench.sent if pair.id not in bench.withdrawn] == [1, 10]


def test_a_script_that_is_discarded_drives_on() -> None:
    bench = Bench(hold(1, 5, 6, 7, 8), commands={7: ["discard"], 11: ["discard"]}, person=False)
    bench.run()
    assert bench.states == "acaaaccccaaa"
    assert [pair.tick for pair in bench.sent if pair.id not in bench.withdrawn] == [1]
