"""Implicit approval: the pairs of ticks at which a teacher drives without steering."""

from __future__ import annotations

import re

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pair_stream import Stream, builder

from hitl_clic.types.messages import ChunkPair


def made(script: str, average: int = 2, approval: bool = True, reaction: int = 0) -> tuple[Stream, list[ChunkPair]]:
    stream = Stream(builder("hold", reaction, average, approval=approval), reaction)
    pairs = [pair for done in stream.run(script) for pair in done]
    return stream, pairs + stream.builder.finish_episode(stream.records[-1])


@settings(deadline=None)
@given(st.text("rc.h", min_size=1, max_size=30), st.integers(2, 5), st.integers(0, 2))
def test_whoever_holds_on_after_a_push_teaches_what_happens(script: str, average: int, reaction: int) -> None:
    stream, pairs = made(script, average, reaction=reaction)
    taught = {tick for tick, who in enumerate(script) if who in "rh"}
    for correction in re.finditer("[rch]+", script):
        first_push = re.search("[rh]", correction.group())
        if first_push is not None:
            taught |= set(range(correction.start() + first_push.start(), correction.end()))
    assert sorted(pair.tick for pair in pairs) == sorted(taught)
    assert [pair.id for pair in pairs] == list(range(len(pairs)))
    for pair in pairs:
        of = "h" if script[pair.tick] == "h" else "rc"
        assert pair.correction_mode == "absolute"
        said = []
        for tick in range(pair.tick, min(len(script), pair.tick + average)):
            if script[tick] not in of:
                break
            seen = stream.records[max(0, tick - reaction)]
            if script[tick] == "c":
                said.append(seen.executed)
            elif script[tick] == "r":
                said.append(seen.robot_action + np.array([0.2, 0], np.float32))
            else:
                said.append(stream.records[tick].human_action)
        assert pair.human[0] == pytest.approx(np.mean(said, axis=0), abs=1e-6)
        assert pair.state[0] == max(0, pair.tick - reaction)


def test_without_it_holding_on_says_nothing() -> None:
    assert [pair.tick for pair in made("rrcc..", approval=False)[1]] == [0, 1]
    assert [pair.tick for pair in made("rrcc..")[1]] == [0, 1, 2, 3]


def test_a_push_between_moments_of_holding_on_means_less_than_one_that_stays() -> None:
    short, long = made("rccc")[1][0].human[0], made("rrrr")[1][0].human[0]
    at_rest = made("rccc")[0].records[1].executed
    assert np.linalg.norm(short - at_rest) < np.linalg.norm(long - at_rest)


def test_hands_that_have_not_pushed_yet_say_nothing() -> None:
    assert [pair.tick for pair in made("ccrc.cc.")[1]] == [2, 3]


def test_nothing_is_let_pass_while_input_is_lost_or_only_some_axes_are_corrected() -> None:
    stream = Stream(builder(average=2, approval=True))
    stream.go("r")
    stream.go("c", connected=False)
    stream.go("c", axes="moving")
    stream.go("c")
    assert [pair.tick for pair in stream.builder.finish_episode(stream.records[-1])] == [3]


def test_it_is_known_at_each_tick_whether_it_is_let_pass() -> None:
    stream = Stream(builder(average=2, approval=True))
    said = []
    for who in "c.rc.ch":
        stream.go(who)
        said.append(stream.builder.approving)
    assert said == [False, False, False, True, False, False, False]


def test_consent_is_a_part_of_what_hands_mean() -> None:
    with pytest.raises(ValueError, match="an average of two ticks or more"):
        builder(approval=True)
