"""Starting again withdraws what the botched attempt taught, wherever its pairs are; a command of its own keeps it."""

from __future__ import annotations

import pytest
from hands import InStep, hand_at
from loop_bench import Bench, hold

from hitl_clic.correction.from_recording import withdrawn_ids
from hitl_clic.session.summary import summarise
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import EventRecord


def kept(bench: Bench) -> list[int]:
    """Ticks of the pairs that the learner goes on learning from."""
    return [pair.tick for pair in bench.sent if pair.id not in bench.withdrawn]


def learnt_later(bench: Bench) -> list[int]:
    """Ticks of the pairs that `hitl-clic learn` takes from the recording."""
    withdrawn = withdrawn_ids(bench.of(EventRecord))
    return [pair.tick for pair in bench.of(ChunkPair) if pair.id not in withdrawn]


def detail(bench: Bench, name: str) -> dict[str, object]:
    (event,) = (event for event in bench.of(EventRecord) if event.name == name)
    return dict(event.detail)


AGAIN = 12
"""The first tick of the episode after an ordinary one."""


def test_pairs_that_were_sent_are_taken_back() -> None:
    bench = Bench(hold(1, 2, 6), commands={9: ["reset"]})
    assert bench.run(1) == [None]
    assert [pair.tick for pair in bench.sent] == [1, 2, 6]
    assert bench.withdrawn == [2, 0, 1], "the newest correction first"
    assert detail(bench, "reset") == {"pairs": 3, "first": 0, "last": 2}
    assert kept(bench) == learnt_later(bench) == []


def test_pairs_in_their_grace_time_are_never_sent() -> None:
    bench = Bench(hold(1, 2, 6), commands={9: ["reset"]}, undo_s=60.0)
    bench.run(1)
    bench.loop.flush()
    assert bench.sent == []
    assert bench.withdrawn == []
    assert detail(bench, "reset") == {"pairs": 3, "first": 0, "last": 2}
    assert learnt_later(bench) == []


def test_open_pairs_are_forgotten_and_not_completed_by_the_reset() -> None:
    bench = Bench(hold(6, 7, 8), commands={9: ["reset"]}, padding="hindsight", horizon=8)
    bench.run(2)
    assert bench.sent == []
    assert bench.of(ChunkPair) == []
    assert detail(bench, "reset") == {"pairs": 3, "first": -1, "last": -1}


def test_a_reset_in_the_midst_of_a_correction() -> None:
    bench = Bench(hold(*range(3, 30)), commands={6: ["reset"]})
    bench.run(2)
    assert kept(bench) == learnt_later(bench) == []
    assert "c" not in bench.states[6:], "nor is what is held taught again"


def test_only_this_attempt_is_withdrawn() -> None:
    bench = Bench(hold(2, 3, AGAIN + 2, AGAIN + 8), commands={AGAIN + 5: ["reset"]})
    bench.run(3)
    assert kept(bench) == learnt_later(bench) == [2, 3, AGAIN + 7], "reading 17 was the command's: no tick"
    assert detail(bench, "reset")["pairs"] == 1


def test_a_discarded_correction_is_not_counted_again() -> None:
    bench = Bench(hold(1, 2, 5), commands={4: ["discard"], 8: ["reset"]})
    bench.run(1)
    assert detail(bench, "discard")["pairs"] == 2
    assert detail(bench, "reset")["pairs"] == 1
    assert sorted(bench.withdrawn) == [0, 1, 2], "each once"
    assert kept(bench) == learnt_later(bench) == []


def test_after_a_reset_undo_means_the_correction_before_it() -> None:
    bench = Bench(hold(2, AGAIN + 2), commands={AGAIN + 5: ["reset"], AGAIN + 9: ["discard"]})
    bench.run(3)
    assert kept(bench) == learnt_later(bench) == []


def test_a_command_keeps_what_was_taught() -> None:
    bench = Bench(hold(1, 2, 6), commands={9: ["reset_keep"]})
    assert bench.run(1) == [None]
    assert kept(bench) == learnt_later(bench) == [1, 2, 6]
    assert bench.events == ["reset_keep"]
    assert detail(bench, "reset_keep") == {}


def test_quitting_keeps_what_was_taught() -> None:
    """The attempt was broken off, not called botched."""
    bench = Bench(hold(1, 6, 7), commands={8: ["quit"]}, padding="hindsight", horizon=8, undo_s=60.0)
    bench.run(1)
    bench.loop.flush()
    assert kept(bench) == learnt_later(bench) == [1, 6, 7]


@pytest.mark.parametrize(("commands", "counts"), [(["success", "reset"], True), (["reset", "success"], False)])
def test_the_first_of_two_endings_counts(commands: list[str], counts: bool) -> None:
    bench = Bench(hold(1, 2), commands={5: commands})
    (episode,) = bench.run(1)
    assert (episode is not None) == counts
    assert kept(bench) == ([1, 2] if counts else [])
    assert bench.events == commands[:1]


def test_a_long_attempt_is_withdrawn_whole() -> None:
    bench = Bench(hold(*range(1, 1200)), commands={1201: ["reset"]}, longest=2000)
    bench.run(1)
    assert len(bench.sent) == 1199
    assert kept(bench) == learnt_later(bench) == []


def test_a_reset_before_anything_was_taught() -> None:
    bench = Bench(commands={3: ["reset"]})
    bench.run(1)
    assert detail(bench, "reset") == {"pairs": 0, "first": -1, "last": -1}


def test_resets_and_their_pairs_are_counted_in_the_summary() -> None:
    commands = {4: ["discard"], 8: ["reset"], 16: ["reset_keep"]}
    bench = Bench(hold(1, 2, 5, 6, 12), commands=commands)
    bench.run(3)
    summary = summarise(bench.records)
    assert summary["resets"] == 2
    assert summary["pairs"] | {"made": 5, "discarded": 2, "reset": 2} == summary["pairs"]


def test_from_the_device_to_the_learner() -> None:
    """Back and start together on a gamepad, while the dead-man control is still held."""
    with hand_at("gamepad") as hand:
        deeds = ((2, hand.push), (6, lambda: hand.down("back", "start")))
        bench = Bench(device=InStep(hand, *deeds))
        bench.run(2)
        assert bench.events == ["reset"]
        assert [pair.tick for pair in bench.sent] == [2, 3, 4], "the pair at 5 was still open"
        assert kept(bench) == []
        assert bench.states[:6] == "aacccc"
        assert "c" not in bench.states[6:]
