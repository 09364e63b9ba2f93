"""Pairs out of ticks: when each is complete, what its human chunk is, and what of it was taught."""

from __future__ import annotations

from dataclasses import replace
from itertools import chain

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pair_stream import TA, H, Stream, builder, human_action, robot_chunk

from hitl_clic.control.effort import EpisodeEffort
from hitl_clic.correction.padding import Padding
from hitl_clic.correction.undo import UndoBuffer
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.records import TickRecord

PADDINGS = ("hold", "robot", "hindsight", "mask")


def stream(padding: Padding, horizon: int = H, execute: int = TA, reaction: int = 0) -> Stream:
    return Stream(builder(padding, reaction, horizon=horizon, execute=execute), reaction)


def ticks(pairs: list[list[ChunkPair]]) -> list[list[int]]:
    return [[pair.tick for pair in done] for done in pairs]


# ---- when


@pytest.mark.parametrize("padding", ["hold", "robot", "mask"])
def test_complete_when_the_correction_ends_or_ta_steps_are_known(padding: Padding) -> None:
    assert ticks(stream(padding).run("..h...")) == [[], [], [], [2], [], []], "one taught step: known at the next tick"
    assert ticks(stream(padding).run(".hhh..")) == [[], [], [1], [2], [3], []], "two are all there may be"


def test_hindsight_completes_when_h_steps_were_executed() -> None:
    assert ticks(stream("hindsight").run("h.......")) == [[], [], [], [0], [], [], [], []]
    assert ticks(stream("hindsight").run(".hh....h...")) == [[], [], [], [], [1], [2], [], [], [], [], [7]]
    assert ticks(stream("hindsight").run("hhhhhh")) == [[], [], [], [0], [1], [2]]


@pytest.mark.parametrize("end", ["terminated", "truncated"])
@pytest.mark.parametrize("padding", PADDINGS)
def test_the_end_of_an_episode_completes_everything(padding: Padding, end: str) -> None:
    made = stream(padding)
    done = [pair.tick for pairs in made.run(".h") for pair in pairs]
    done += [pair.tick for pair in made.go("h", ends=end)]
    assert done == [1, 2]
    assert made.run("....") == [[], [], [], []], "nothing is left for the next episode"


@pytest.mark.parametrize("padding", PADDINGS)
def test_a_person_ends_an_episode(padding: Padding) -> None:
    made = stream(padding)
    made.run("..h")
    (pair,) = made.builder.finish_episode(made.records[-1])
    assert pair.tick == 2
    assert made.builder.finish_episode(made.records[-1]) == []


@pytest.mark.parametrize("padding", PADDINGS)
@settings(max_examples=50, deadline=None)
@given(st.text("h.", max_size=40))
def test_every_corrected_tick_becomes_one_pair_in_order(padding: Padding, script: str) -> None:
    made = stream(padding)
    pairs = [pair for done in made.run(script) for pair in done]
    if made.records:
        pairs += made.builder.finish_episode(made.records[-1])
    assert [pair.tick for pair in pairs] == [i for i, who in enumerate(script) if who == "h"]
    assert [pair.id for pair in pairs] == list(range(len(pairs))), "ids without gaps"
    assert made.builder.made == len(pairs)
    for pair in pairs:
        assert pair.state.tolist() == [pair.tick]
        assert np.array_equal(pair.robot, robot_chunk(pair.tick)), "both chunks are of the same state"
        assert pair.weight_version == 40 + pair.tick
        assert pair.episode == 3
        assert pair.human.shape == pair.mask.shape == (H, 2)
        assert pair.human.dtype == pair.mask.dtype == np.float32


# ---- what


def meant(record: TickRecord) -> np.ndarray:
    """What the driver wanted, whatever exploration or hand-over made of it: labels are never perturbed."""
    return record.robot_action if record.human_action is None else record.human_action


def only(pairs: list[list[ChunkPair]], tick: int) -> ChunkPair:
    (found,) = [pair for done in pairs for pair in done if pair.tick == tick]
    return found


def test_paddings_of_one_taught_step() -> None:
    script = ".h......"
    known = human_action(1)
    hold = only(stream("hold").run(script), 1)
    assert np.array_equal(hold.human, [known] * H)
    for padding in ("robot", "mask"):
        pair = only(stream(padding).run(script), 1)
        assert np.array_equal(pair.human, [known, *robot_chunk(1)[1:]])
    made = stream("hindsight")
    pair = only(made.run(script), 1)
    assert np.array_equal(pair.human, [known, *(meant(made.records[t]) for t in (2, 3, 4))])
    for padding in PADDINGS:
        rest = [0, 0] if padding == "mask" else [1, 1]
        assert only(stream(padding).run(script), 1).mask.tolist() == [[1, 1], rest, rest, rest]


def test_hindsight_mixes_what_human_and_robot_did() -> None:
    """Taught steps are the human's own actions until it lets go; behind that, what either meant to do."""
    made = stream("hindsight")
    pair = only(made.run("hh.h.."), 0)
    followed = [meant(record) for record in made.records]
    assert np.array_equal(pair.human, [human_action(0), human_action(1), followed[2], followed[3]])
    assert pair.mask.all(), "what was done afterwards is learnt too"


def test_hindsight_cut_short_holds_what_was_executed_last() -> None:
    made = stream("hindsight")
    made.run("h.")
    (pair,) = made.builder.finish_episode(made.records[-1])
    last = meant(made.records[1])
    assert np.array_equal(pair.human, [human_action(0), last, last, last])


def test_a_correction_teaches_ta_steps_unless_hindsight_knows_more() -> None:
    for padding, known in (("hold", 2), ("robot", 2), ("mask", 2), ("hindsight", 4)):
        pair = only(stream(padding).run("hhhhhh"), 0)
        assert pair.mask[:, 0].sum() == (known if padding == "mask" else H)
        assert np.array_equal(pair.human[:known], [human_action(t) for t in range(known)])
        if known < H:
            assert not np.array_equal(pair.human[known], human_action(known))


def test_the_mask_says_which_axes_were_taught() -> None:
    made = stream("mask")
    made.go("h", taught=(1, 0))
    (pair,) = made.go("h", taught=(0, 1))
    assert pair.mask.tolist() == [[1, 0], [0, 1], [0, 0], [0, 0]]


@pytest.mark.parametrize("padding", PADDINGS)
def test_relative_corrections_stand_beside_what_they_correct(padding: Padding) -> None:
    """For the steps corrected a^r is what the robot would have done then, a^h = a^r + e h; of the others nothing is
    known: they stay the robot's."""
    made = stream(padding)
    plan = robot_chunk(0)
    pair = only(made.run("rr...."), 0)
    assert pair.correction_mode == "relative"
    then = [record.robot_action for record in made.records[:2]]
    assert np.array_equal(pair.robot, [*then, *plan[2:]])
    assert np.allclose(pair.human, [*(then + np.array([0.2, 0.0], np.float32)), *plan[2:]], atol=1e-6)
    assert pair.mask[:, 0].tolist() == [1, 1, 0, 0]


@pytest.mark.parametrize("padding", PADDINGS)
def test_a_relative_pair_waits_for_nothing_when_the_correction_is_over(padding: Padding) -> None:
    assert ticks(stream(padding).run("r..")) == [[], [0], []]


def test_a_relative_pair_leaves_the_plan_as_it_was() -> None:
    made, plan = stream("hold"), robot_chunk(0)
    made.go("r", begins=False)
    record = made.records[0]
    assert made.builder.add(record, plan) == []
    (pair,) = made.builder.finish_episode(record)
    assert not np.array_equal(pair.robot, plan), "another plan drove at this tick"
    assert np.array_equal(plan, robot_chunk(0))


# ---- a teacher's reaction time


def taught_steps(script: str, pair: ChunkPair, padding: str) -> int:
    """Steps of a pair that its teacher drove, of the mode in which it began."""
    rest = script[pair.tick :]
    longest = H if padding == "hindsight" or pair.correction_mode == "relative" else TA
    return min(longest, len(rest) - len(rest.lstrip(rest[0])))


@pytest.mark.parametrize("padding", PADDINGS)
@settings(max_examples=50, deadline=None)
@given(st.text("hr.", max_size=40), st.integers(1, 5))
def test_a_late_correction_is_about_what_was_seen(padding: Padding, script: str, reaction: int) -> None:
    """State, both chunks and weights are of the tick that was seen; when it is made, and its tick, stay the same."""
    late, prompt = stream(padding, reaction=reaction), stream(padding)
    pairs, others = late.run(script), prompt.run(script)
    if script:
        pairs.append(late.builder.finish_episode(late.records[-1]))
        others.append(prompt.builder.finish_episode(prompt.records[-1]))
    assert ticks(pairs) == ticks(others)
    for pair, other in zip(chain(*pairs), chain(*others), strict=True):
        seen = max(0, pair.tick - reaction)
        assert (pair.state.tolist(), pair.weight_version) == ([seen], 40 + seen)
        assert np.array_equal(pair.mask, other.mask)
        known = taught_steps(script, pair, padding)
        assert np.array_equal(pair.robot[known:], robot_chunk(seen)[known:])
        then = np.stack([late.records[max(0, pair.tick + k - reaction)].robot_action for k in range(known)])
        if pair.correction_mode == "relative":
            assert np.array_equal(pair.robot[:known], then)
            assert np.allclose(pair.human[:known], then + np.array([0.2, 0.0], np.float32), atol=1e-6)
        else:
            assert np.array_equal(pair.robot, robot_chunk(seen))
            assert np.array_equal(pair.human[:known], other.human[:known])


def test_a_push_is_laid_on_what_was_seen_also_where_it_left_the_range() -> None:
    """A robot that meanwhile goes as far as it can hides a push; what was seen did not."""
    made = stream("robot", reaction=2)
    for tick, robot in enumerate(([-0.5, 0.3], [0.9, 0.3], [1.0, -0.2])):
        made.go("r" if tick == 2 else ".", begins=True)
        made.records[-1] = replace(made.records[-1], robot_action=np.array(robot, np.float32))
    at_seen, _, late = made.records
    late_builder = builder("robot", 2)
    push = np.array([2.0, 0.0], np.float32)
    late_builder.add(at_seen, robot_chunk(0))
    late_builder.add(made.records[1], robot_chunk(1))
    late_builder.add(replace(late, human_action=late.robot_action, push=push), robot_chunk(2))
    (pair,) = late_builder.finish_episode(late)
    assert pair.robot[0].tolist() == pytest.approx([-0.5, 0.3])
    assert pair.human[0].tolist() == pytest.approx([1.0, 0.3])


def test_nothing_is_learnt_where_no_plan_was_seen() -> None:
    made = stream("hold", reaction=2)
    record = made.records
    made.go(".")
    late = replace(record[0], tick=1, stimulus_tick=0, human_action=human_action(1), taught=np.ones(2, np.float32))
    late_builder = builder("hold", 2)
    assert late_builder.add(record[0], None) == []
    assert late_builder.add(late, robot_chunk(1)) == []
    assert late_builder.finish_episode(late) == []


def test_what_was_seen_must_be_known() -> None:
    made = stream("hold", reaction=1)
    made.run("..")
    with pytest.raises(ValueError, match="tick 9 reacts to tick 3, which is not among the last 2"):
        made.builder.add(replace(made.records[-1], tick=9, stimulus_tick=3), None)


@pytest.mark.parametrize("padding", PADDINGS)
def test_a_relative_correction_teaches_all_the_steps_it_lasts(padding: Padding) -> None:
    """Nothing can stand in for the others, and a plan whose rear is not taught is none to keep to."""
    pairs = stream(padding).run(".rrrrrr.")
    assert ticks(pairs) == [[], [], [], [], [1], [2], [3], [4, 5, 6]]
    assert [int(only(pairs, tick).mask[:, 0].sum()) for tick in range(1, 7)] == [4, 4, 4, 3, 2, 1]


def test_switching_the_kind_ends_a_pair() -> None:
    pairs = stream("hold", execute=4).run("hhr...")
    assert [len(done) for done in pairs] == [0, 0, 2, 1, 0, 0]
    assert [pair.correction_mode for done in pairs for pair in done] == ["absolute", "absolute", "relative"]
    assert np.array_equal(only(pairs, 0).human[2:], [human_action(1)] * 2), "the last absolute action is held"


def test_pairs_begin_only_where_they_should() -> None:
    made = stream("hold", execute=4)
    made.go("h")
    for _ in range(2):
        assert made.go("h", begins=False) == []
    (pair,) = made.go(".")
    assert np.array_equal(pair.human, [human_action(t) for t in (0, 1, 2, 2)])
    assert made.go(".", begins=True) == [], "a chunk that nobody corrects is no lesson"
    assert made.builder.finish_episode(made.records[-1]) == []


def test_ages_and_times() -> None:
    made = stream("hold", execute=4)
    pair = only(made.run(".hhh."), 1)
    assert pair.device_age_ns == 20, "the greatest of the samples behind it"
    assert pair.made_ns == 4007, "when the tick that completed it had worked"


@pytest.mark.parametrize("padding", PADDINGS)
def test_discarded_pairs_use_up_no_id(padding: Padding) -> None:
    made = stream(padding, horizon=6, execute=4)
    made.run("hh")
    assert made.builder.discard_open() == 2
    assert made.builder.discard_open() == 0
    made.run("....")
    pairs = made.run("h......")
    assert [pair.id for done in pairs for pair in done] == [0]


def test_only_what_began_since_is_discarded() -> None:
    made = stream("hindsight", horizon=6)
    made.run("h..h")
    assert made.builder.discard_open(since=3) == 1
    assert made.builder.discard_open(since=1) == 0
    assert [pair.tick for done in made.run("....") for pair in done] == [0]


def test_taking_back_one_pair_by_its_id() -> None:
    made = stream("hold")
    pairs = [pair for done in made.run("hhhh.") for pair in done]
    undo = UndoBuffer(grace_s=1e-6)
    for number, pair in enumerate(pairs):
        undo.push(pair, 10_000 * (number // 2))  # 0 and 1 at one instant, 2 and 3 later at one instant
    assert [pair.id for pair in undo.due(5000)] == [0, 1]
    assert [undo.discard(number) for number in (3, 0, 3, 99)] == [True, False, False, False]
    assert [pair.id for pair in undo.flush()] == [2]
    assert not undo.discard(2)


# ---- effort


def test_effort_counts_taught_ticks_and_the_error_where_it_is_known() -> None:
    made, effort = stream("hold"), EpisodeEffort()
    made.run("h..h")
    wanted: list[tuple[float, float] | None] = [(-0.1, 1.0), None, (0.9, 0.002), None]
    for record, what in zip(made.records, wanted, strict=True):
        effort.add(record, what)
    result = effort.result(2, 77, True, 9)
    assert (result.episode, result.seed, result.success, result.timesteps, result.weight_version) == (2, 77, True, 4, 9)
    assert result.feedback_per_step == 0.5
    assert result.l2_error_per_step == pytest.approx(1.0)


def test_effort_of_nothing() -> None:
    result = EpisodeEffort().result(0, 0, False, 0)
    assert result.timesteps == 0
    assert result.feedback_per_step == 0
    assert np.isnan(result.l2_error_per_step)
