"""Labels that average over several ticks, alone and in pairs."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays
from pair_stream import TA, H, Stream, builder, robot_chunk

from hitl_clic.correction.label_average import averaged
from hitl_clic.correction.padding import Padding, final_mask
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import Array

ACTIONS = st.integers(1, 12).flatmap(
    lambda n: st.tuples(
        arrays(np.float32, (n, 3), elements=st.floats(-1, 1, width=32)),
        arrays(np.float32, (n, 3), elements=st.sampled_from([0.0, 1.0])),
    )
)


@settings(deadline=None)
@given(ACTIONS, st.integers(1, 6), st.sets(st.integers(0, 2)))
def test_the_mean_of_what_follows(drawn: tuple[Array, Array], ticks: int, commands: set[int]) -> None:
    actions, taught = drawn
    found = averaged(actions, taught, ticks, sorted(commands))
    for first in range(len(actions)):
        for axis in range(3):
            of = [tick for tick in range(first, min(len(actions), first + ticks)) if taught[tick, axis]]
            steered = bool(taught[first, axis]) and axis not in commands
            wanted = sum(float(actions[tick, axis]) for tick in of) / len(of) if steered else actions[first, axis]
            assert found[first, axis] == pytest.approx(wanted, abs=1e-6)


def test_hands_that_go_to_and_fro_mean_what_lies_between() -> None:
    keys = np.array([[1, 0], [0, 1]] * 3, np.float32)
    found = averaged(keys, np.ones_like(keys), 2)
    assert np.allclose(found[:-1], 0.5), "half right, half up: up to the right"
    assert found[-1].tolist() == [0.0, 1.0], "nothing followed"


def made(script: str, average: int, padding: Padding = "hold", reaction: int = 0) -> tuple[Stream, list[ChunkPair]]:
    stream = Stream(builder(padding, reaction, average), reaction)
    pairs = [pair for done in stream.run(script) for pair in done]
    return stream, pairs + stream.builder.finish_episode(stream.records[-1])


@pytest.mark.parametrize("padding", ["hold", "robot", "hindsight", "mask"])
@settings(max_examples=50, deadline=None)
@given(st.text("hr.", min_size=1, max_size=30), st.integers(1, 5), st.integers(0, 2))
def test_pairs_teach_means_of_their_own_correction(padding: Padding, script: str, average: int, reaction: int) -> None:
    stream, pairs = made(script, average, padding, reaction)
    assert sorted(pair.tick for pair in pairs) == [tick for tick, who in enumerate(script) if who != "."]
    assert [pair.id for pair in pairs] == list(range(len(pairs)))
    plain = {pair.tick: pair for pair in made(script, 1, padding, reaction)[1]}
    for pair in pairs:
        alone = plain[pair.tick]
        assert pair.correction_mode == (alone.correction_mode if average == 1 else "absolute")
        mask, robot = alone.mask.copy(), alone.robot
        rest = script[pair.tick :]
        length = len(rest) - len(rest.lstrip(rest[0]))
        if average > 1 and script[pair.tick] == "r":  # as an absolute correction
            mask[H if padding == "hindsight" else TA :] = 0
            mask = final_mask(mask, "absolute", padding)
            robot = robot_chunk(int(pair.state[0]))
        assert np.array_equal(pair.mask, mask)
        assert np.array_equal(pair.robot, robot)
        assert np.array_equal(pair.state, alone.state)
        for step in range(min(length, H if padding == "hindsight" else TA)):
            while_ = range(pair.tick + step, pair.tick + min(length, step + average))
            said = []
            for tick in while_:
                action = stream.records[tick].human_action
                assert action is not None
                if script[tick] == "r":  # laid on what the robot did where the teacher looked
                    action = stream.records[max(0, tick - reaction)].robot_action + np.array([0.2, 0], np.float32)
                said.append(action)
            assert pair.human[step] == pytest.approx(np.mean(said, axis=0), abs=1e-6)


def test_a_pair_waits_for_the_while_and_no_longer() -> None:
    stream = Stream(builder(average=3))
    ready = [[pair.tick for pair in done] for done in stream.run("hhhhhhh..")]
    assert ready == [[], [], [], [0], [1], [2], [3], [4, 5, 6], []]
    assert [[pair.tick for pair in done] for done in Stream(builder(average=3)).run("h.")] == [[], [0]]


def test_where_pushes_led_is_held_as_an_absolute_correction_is() -> None:
    _, (first, *_) = made("rr..", 2)
    assert first.mask[:, 0].tolist() == [1, 1, 1, 1]
    assert np.array_equal(first.human[2:], np.repeat(first.human[1:2], 2, axis=0))
    assert np.array_equal(first.robot[2:], robot_chunk(0)[2:])


def test_switches_are_no_motion() -> None:
    stream = Stream(builder(average=2, commands=(1,)))
    stream.run("hh")
    pair, _ = stream.builder.finish_episode(stream.records[-1])
    one, two = (record.human_action for record in stream.records)
    assert one is not None
    assert two is not None
    assert pair.human[0].tolist() == pytest.approx([(one[0] + two[0]) / 2, one[1]])
