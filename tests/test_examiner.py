"""Whether the policy would now do what was asked: judged as the method's sets say, by a policy of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st
from session_fake import Swirl, session_records

from devices.slot import Slot
from hitl_clic.clic.padding import shortened
from hitl_clic.cockpit.state import Landscape
from hitl_clic.commands.examiner import (
    KNOWS_NOTHING,
    NO_ENERGY,
    Examiner,
    chosen_axes,
    follows,
    newest,
    slice_edge,
    slice_radius,
)
from hitl_clic.commands.policies import PolicyInbox
from hitl_clic.control.loop import LoopView
from hitl_clic.link.messages import ChunkPair, Weights
from hitl_clic.methods import make_trainer
from hitl_clic.records import Kind, TickRecord
from hitl_clic.settings import SessionSettings, load

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


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 1.0))
def test_the_circle_in_a_slice_is_the_balls(seed: int, gamma: float) -> None:
    """Points of the plane through the robot's action lie in the circle just where they lie in the desired ball."""
    random = np.random.default_rng(seed)
    robot, human = random.uniform(-1, 1, (2, 5))
    axes = (1, 3)
    radius = slice_radius(human - robot, gamma, axes)
    for step in random.normal(0.0, 0.5, (20, 2)):
        point = robot.copy()
        point[list(axes)] = human[list(axes)] + step
        beyond = float(np.linalg.norm(point - human)) - gamma * float(np.linalg.norm(human - robot))
        if abs(beyond) > 1e-9:
            assert (float(np.linalg.norm(step)) < radius) == (beyond < 0)


@given(st.integers(0, 2**32 - 1), st.floats(0.1, 2.0))
def test_the_edge_in_a_slice_is_the_half_spaces(seed: int, length: float) -> None:
    """Points of the plane through the robot's action lie beyond the drawn edge just where they lie in the half-space
    that is learnt: nearer to the shortened correction than to the robot's action."""
    random = np.random.default_rng(seed)
    robot, human = random.uniform(-1, 1, (2, 5)).astype(np.float32)
    axes, away = [1, 3], (human - robot).astype(np.float64)
    edge = slice_edge(human - robot, length, (1, 3))
    (learnt,) = shortened(robot[None], human[None], np.ones((1, 5), np.float32), length).astype(np.float64)
    for step in random.normal(0.0, 1.0, (20, 2)):
        point = robot.astype(np.float64)
        point[axes] += step
        beyond = float(np.linalg.norm(point - robot) - np.linalg.norm(point - learnt))
        along = float(step @ away[axes]) / float(np.linalg.norm(away[axes]))
        if abs(beyond) > 1e-5:
            assert (along > edge) == (beyond > 0)


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


@given(st.floats(-1.0, 1.0))
def test_what_hands_meant_is_followed_where_it_is_nearer_than_the_robots_chunk(at: float) -> None:
    chunk, between = np.full((H, DIM_A), at, np.float32), pair()
    middle = float(between.human[0, 0] + between.robot[0, 0]) / 2
    if abs(at - middle) > 1e-4:
        assert follows(chunk, between, 0.1, means=True) == (at > middle)


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


def made(weights: Slot[Weights], views: Slot[LoopView], shown: bool = False, method: str = "bc") -> Examiner:
    settings: SessionSettings = load(overrides={"method": method, "horizon": H})
    inbox = PolicyInbox(DIM_O, DIM_A, H, settings.clic, 0)
    return Examiner(inbox, newest(weights), settings.clic, 2, views, shown=lambda: shown)


def instant(human: tuple[float, float] = (0.5, 0.25), robot: tuple[float, float] = (-0.5, 0.25)) -> LoopView:
    (tick,) = (record for record in session_records(Swirl(), 1, longest=1) if isinstance(record, TickRecord))
    actions = {"robot_action": np.array(robot, np.float32), "human_action": np.array(human, np.float32)}
    tick = replace(tick, observation=np.full(DIM_O, 0.1, np.float32), **actions)
    return LoopView(0, 0, 0, "correcting", "absolute", None, None, 0, tick, {})


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 20.0
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("wants", "answer"), [(0.5, True), (-0.5, False)])
def test_the_newest_policy_is_asked_at_the_first_state_of_each_correction(wants: float, answer: bool) -> None:
    torch.set_num_threads(1)
    weights: Slot[Weights] = Slot()
    examiner = made(weights, Slot())
    for number, tick in enumerate((3, 4, 5, 20, 30, 31)):
        examiner.add(pair(number, tick, robot=0.0))
    assert examiner.verdict(0) is None
    examiner.start()
    try:
        weights.publish(taught(wants))
        until(lambda: examiner.verdict(4) is not None)
        assert [examiner.verdict(first) for first in range(6)] == [None, None, None, answer, answer, None]
    finally:
        examiner.close()
        examiner.close()
    assert examiner.error is None


def test_weights_that_are_refused_answer_nothing() -> None:
    given: Slot[Weights] = Slot()
    examiner = made(given, Slot())
    broken = taught(0.5, updates=1)
    tensors = {name: np.full_like(value, np.nan) for name, value in broken.tensors.items()}
    examiner.start()
    try:
        examiner.add(pair())
        given.publish(Weights("run", 2, 1, 1, 7, tensors))
        time.sleep(1.5)
        assert examiner.verdict(0) is None
    finally:
        examiner.close()
    assert examiner.error is None


def begun(method: str, updates: int = 1) -> Weights:
    """Of a learner that says to have made so many updates."""
    settings = load(overrides={"method": method, "horizon": H}).clic
    return Weights("run", 1, 0, updates, -1, make_trainer(DIM_O, DIM_A, H, settings, 0, ()).weights())


def test_the_energy_is_looked_at_around_what_the_robot_does() -> None:
    weights, views = Slot[Weights](), Slot[LoopView]()
    examiner = made(weights, views, shown=True, method="fast")
    views.publish(instant())
    examiner.start()
    try:
        weights.publish(begun("fast"))
        until(lambda: isinstance(examiner.landscape(), Landscape))
        seen = examiner.landscape()
        views.publish(instant(robot=(0.0, 0.25)))
        until(lambda: examiner.landscape() != seen)
        moved = examiner.landscape()
    finally:
        examiner.close()
    assert examiner.error is None
    assert isinstance(seen, Landscape)
    assert isinstance(moved, Landscape)
    assert (seen.robot, seen.human, seen.radius) == ((-0.5, 0.25), (0.5, 0.25), pytest.approx(0.5))
    assert (moved.robot, moved.radius) == ((0.0, 0.25), pytest.approx(0.25))
    assert seen.policy == "policy v1"
    assert len(seen.levels) == seen.side**2
    assert min(seen.levels) == 0


def test_a_method_without_energy_says_so() -> None:
    weights, views = Slot[Weights](), Slot[LoopView]()
    examiner = made(weights, views, shown=True)
    weights.publish(begun("bc"))
    views.publish(instant())
    examiner.start()
    try:
        until(lambda: examiner.landscape() == NO_ENERGY)
    finally:
        examiner.close()


def test_a_robot_that_knows_nothing_has_no_energy_to_look_at() -> None:
    weights, views = Slot[Weights](), Slot[LoopView]()
    examiner = made(weights, views, shown=True, method="fast")
    weights.publish(begun("fast", updates=0))
    views.publish(instant())
    examiner.start()
    try:
        until(lambda: examiner.landscape() == KNOWS_NOTHING)
        weights.publish(replace(begun("fast"), version=2))
        until(lambda: isinstance(examiner.landscape(), Landscape))
    finally:
        examiner.close()
    assert examiner.error is None


def test_nothing_is_asked_while_the_energy_is_hidden_and_nothing_was_corrected() -> None:
    weights, views = Slot[Weights](), Slot[LoopView]()
    examiner = made(weights, views)
    weights.publish(begun("bc"))
    views.publish(instant())
    before = examiner.landscape()
    examiner._policy = None
    examiner.start()
    time.sleep(1.2)
    examiner.close()
    assert examiner._policy is None, "not even made of the weights"
    assert examiner.landscape() == before


def test_two_of_the_tasks_axes_are_looked_over() -> None:
    assert chosen_axes((), ("x", "y", "z")) == (("x", 0), ("y", 1))
    assert chosen_axes(("z", "x"), ("x", "y", "z")) == (("z", 2), ("x", 0))
    for wrong in (("z",), ("x", "q")):
        with pytest.raises(ValueError, match=r"window.energy_axes = .*; allowed: two of x, y, z"):
            chosen_axes(wrong, ("x", "y", "z"))
