"""Whether the policy would now do what was asked: judged as the method's sets say, by a policy of its own."""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from session_fake import Swirl, session_records

from devices.slot import Slot
from hitl_clic.commands.examiner import Examiner, follows
from hitl_clic.commands.policies import PolicyInbox
from hitl_clic.control.loop import LoopView
from hitl_clic.link.messages import ChunkPair, Weights
from hitl_clic.methods import make_trainer
from hitl_clic.records import Kind, TickRecord
from hitl_clic.settings import load

H, DIM_A, DIM_O = 3, 2, 4


def pair(
    number: int = 0, tick: int = 0, kind: Kind = "absolute", human: float = 0.5, robot: float = -0.5, taught: int = H
) -> ChunkPair:
    mask = np.zeros((H, DIM_A), np.float32)
    mask[:taught] = 1
    state = np.full(DIM_O, 0.1, np.float32)
    chunks = [np.full((H, DIM_A), value, np.float32) for value in (robot, human)]
    return ChunkPair(number, 0, tick, kind, state, *chunks, mask, 1, 0, 0)


@given(at=st.floats(-1, 1), gamma=st.sampled_from([0.3, 0.5, 1.0]))
def test_an_absolute_correction_is_followed_within_its_desired_ball(at: float, gamma: float) -> None:
    chunk = np.full((H, DIM_A), at, np.float32)
    radius = gamma * 1.0  # of one number; all numbers are alike
    if abs(abs(at - 0.5) - radius) > 1e-4:
        assert follows(chunk, pair(), gamma) == (abs(at - 0.5) < radius)


def test_only_what_was_taught_is_judged() -> None:
    chunk = np.full((H, DIM_A), -0.9, np.float32)
    chunk[0] = 0.5
    assert follows(chunk, pair(taught=1), 0.5)
    assert not follows(chunk, pair(), 0.5)


@given(at=st.floats(-1, 1))
def test_a_relative_correction_is_followed_beyond_the_robots_chunk(at: float) -> None:
    chunk = np.full((H, DIM_A), at, np.float32)
    if abs(at + 0.5) > 1e-4:
        assert follows(chunk, pair(kind="relative", human=-0.3), 0.5) == (at > -0.5)


def taught(human: float, updates: int = 60) -> Weights:
    """Weights that were taught one chunk at all states."""
    settings = load(overrides={"method": "bc", "clic": {"min_pairs": 1}}).clic
    trainer = make_trainer(DIM_O, DIM_A, H, settings, 0, ())
    for number in range(8):
        one = pair(number, human=human)
        trainer.add(number, one.kind, one.state, one.robot, one.human, one.mask)
    for _ in range(updates):
        trainer.update()
    return Weights("run", 1, 0, updates, 7, trainer.weights())


def inbox() -> PolicyInbox:
    return PolicyInbox(DIM_O, DIM_A, H, load(overrides={"method": "bc"}).clic, 0)


@pytest.mark.parametrize(("wants", "answer"), [(0.5, True), (-0.5, False)])
def test_the_newest_policy_is_asked_at_the_first_state_of_each_correction(wants: float, answer: bool) -> None:
    torch.set_num_threads(1)
    examiner = Examiner(inbox(), 0.5, keep=2)
    for number, tick in enumerate((3, 4, 5, 20, 30, 31)):
        examiner.add(pair(number, tick, robot=0.0))
    assert examiner.verdict(0) is None
    examiner.start()
    try:
        examiner.receive(taught(wants))
        deadline = time.monotonic() + 20.0
        while examiner.verdict(4) is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
        assert [examiner.verdict(first) for first in range(6)] == [None, None, None, answer, answer, None]
    finally:
        examiner.close()
        examiner.close()
    assert examiner.error is None


def test_weights_that_are_refused_answer_nothing() -> None:
    examiner = Examiner(inbox(), 0.5, keep=2)
    broken = taught(0.5, updates=1)
    tensors = {name: np.full_like(value, np.nan) for name, value in broken.tensors.items()}
    examiner.start()
    try:
        examiner.add(pair())
        examiner.receive(Weights("run", 2, 1, 1, 7, tensors))
        time.sleep(1.5)
        assert examiner.verdict(0) is None
    finally:
        examiner.close()
    assert examiner.error is None


def test_the_energy_is_looked_at_around_what_the_robot_does() -> None:
    settings = load(overrides={"method": "fast", "horizon": H}).clic
    trainer = make_trainer(DIM_O, DIM_A, H, settings, 0, ())
    views: Slot[LoopView] = Slot()
    examiner = Examiner(PolicyInbox(DIM_O, DIM_A, H, settings, 0), 0.5, 2, views, (("x", 0), ("y", 1)))
    (tick,) = (record for record in session_records(Swirl(), 1, longest=1) if isinstance(record, TickRecord))
    human = np.array([0.5, 0.25], np.float32)
    robot = np.array([-0.5, 0.25], np.float32)
    state = np.full(DIM_O, 0.1, np.float32)
    tick = replace(tick, observation=state, robot_action=robot, human_action=human)
    views.publish(LoopView(0, 0, 0, "correcting", "absolute", None, None, 0, tick, {}))
    examiner.start()
    try:
        examiner.receive(Weights("run", 1, 0, 0, -1, trainer.weights()))
        deadline = time.monotonic() + 20.0
        while (seen := examiner.landscape()) is None:
            assert time.monotonic() < deadline
            time.sleep(0.02)
    finally:
        examiner.close()
    assert examiner.error is None
    assert (seen.robot, seen.human, seen.radius) == ((-0.5, 0.25), (0.5, 0.25), pytest.approx(0.5))
    assert len(seen.levels) == seen.side**2
    assert min(seen.levels) == 0
