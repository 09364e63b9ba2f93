"""Whether the policy would now do what was asked: judged as the method's sets say, by a policy of its own."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest
import torch
from fake_session import Swirl, session_records
from hypothesis import given
from hypothesis import strategies as st

from hitl_clic.clic.desired_set import limited_correction
from hitl_clic.cockpit.state.state import EnergySlice
from hitl_clic.devices.core.slot import Slot
from hitl_clic.methods import make_trainer
from hitl_clic.runner.policy_inbox import PolicyInbox
from hitl_clic.runner.policy_probe import (
    KNOWS_NOTHING,
    NO_ENERGY,
    PolicyProbe,
    follows,
    newest_weights,
    slice_axes,
    slice_edge,
    slice_radius,
)
from hitl_clic.settings import SessionSettings
from hitl_clic.settings_layers import load
from hitl_clic.types.messages import ChunkPair, Weights
from hitl_clic.types.records import CorrectionMode, TickRecord
from hitl_clic.types.view import LoopView

H, DIM_A, DIM_O = 3, 2, 4


def pair(
    number: int = 0,
    tick: int = 0,
    mode: CorrectionMode = "absolute",
    human: float = 0.5,
    robot: float = -0.5,
    taught: int = H,
) -> ChunkPair:
    mask = np.zeros((H, DIM_A), np.float32)
    mask[:taught] = 1
    state = np.full(DIM_O, 0.1, np.float32)
    chunks = [np.full((H, DIM_A), value, np.float32) for value in (robot, human)]
    return ChunkPair(number, 0, tick, mode, state, *chunks, mask, 1, 0, 0)


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
    (learnt,) = limited_correction(robot[None], human[None], np.ones((1, 5), np.float32), length).astype(np.float64)
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
        assert follows(chunk, pair(mode="relative", human=-0.3), 0.5) == (at > -0.5)


@given(st.floats(-1.0, 1.0))
def test_what_hands_meant_is_followed_where_it_is_nearer_than_the_robots_chunk(at: float) -> None:
    chunk, between = np.full((H, DIM_A), at, np.float32), pair()
    middle = float(between.human[0, 0] + between.robot[0, 0]) / 2
    if abs(at - middle) > 1e-4:
        assert follows(chunk, between, 0.1, averaged=True) == (at > middle)


def taught(human: float, updates: int = 60) -> Weights:
    """Weights that were taught one chunk at all states."""
    settings = load(overrides={"method": "bc", "policy": {"min_pairs": 1}}).policy
    trainer = make_trainer(DIM_O, DIM_A, H, settings, 0, ())
    for number in range(8):
        one = pair(number, human=human)
        trainer.add(number, one.correction_mode, one.state, one.robot, one.human, one.mask)
    for _ in range(updates):
        trainer.update()
    return Weights("run", 1, 0, updates, 7, trainer.weights())


def made(weights: Slot[Weights], views: Slot[LoopView], shown: bool = False, method: str = "bc") -> PolicyProbe:
    settings: SessionSettings = load(overrides={"method": method, "horizon": H})
    inbox = PolicyInbox(DIM_O, DIM_A, H, settings.policy, 0)
    return PolicyProbe(inbox, newest_weights(weights), settings, 2, views, shown=lambda: shown)


def instant(human: tuple[float, float] = (0.5, 0.25), robot: tuple[float, float] = (-0.5, 0.25)) -> LoopView:
    (tick,) = (record for record in session_records(Swirl(), 1, longest=1) if isinstance(record, TickRecord))
    actions = {"robot_action": np.array(robot, np.float32), "human_action": np.array(human, np.float32)}
    tick = replace(tick, observation=np.full(DIM_O, 0.1, np.float32), **actions)
    return LoopView(0, 0, 0, "correcting", "absolute", None, None, 0, tick, {})


def until(true: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 60.0
    while not true():
        assert time.monotonic() < deadline
        time.sleep(0.02)


@pytest.mark.parametrize(("wants", "answer"), [(0.5, True), (-0.5, False)])
def test_the_newest_policy_is_asked_at_the_first_state_of_each_correction(wants: float, answer: bool) -> None:
    torch.set_num_threads(1)
    weights: Slot[Weights] = Slot()
    probe = made(weights, Slot())
    for number, tick in enumerate((3, 4, 5, 20, 30, 31)):
        probe.add(pair(number, tick, robot=0.0))
    assert probe.compliance(0) is None
    probe.start()
    try:
        weights.publish(taught(wants))
        until(lambda: probe.compliance(4) is not None)
        assert [probe.compliance(first) for first in range(6)] == [None, None, None, answer, answer, None]
    finally:
        probe.close()
        probe.close()
    assert probe.error is None


def test_weights_that_are_refused_answer_nothing() -> None:
    given: Slot[Weights] = Slot()
    probe = made(given, Slot())
    broken = taught(0.5, updates=1)
    tensors = {name: np.full_like(value, np.nan) for name, value in broken.tensors.items()}
    probe.start()
    try:
        probe.add(pair())
        given.publish(Weights("run", 2, 1, 1, 7, tensors))
        time.sleep(1.5)
        assert probe.compliance(0) is None
    finally:
        probe.close()
    assert probe.error is None


def begun(method: str, updates: int = 1) -> Weights:
    """Of a learner that says to have made so many updates."""
    settings = load(overrides={"method": method, "horizon": H}).policy
    return Weights("run", 1, 0, updates, -1, make_trainer(DIM_O, DIM_A, H, settings, 0, ()).weights())


def test_the_energy_is_looked_at_around_what_the_robot_does() -> None:
    weights, views = Slot[Weights](), Slot[LoopView]()
    probe = made(weights, views, shown=True, method="clic")
    views.publish(instant())
    probe.start()
    try:
        weights.publish(begun("fast"))
        until(lambda: isinstance(probe.energy_slice(), EnergySlice))
        seen = probe.energy_slice()
        views.publish(instant(robot=(0.0, 0.25)))
        until(lambda: probe.energy_slice() != seen)
        moved = probe.energy_slice()
    finally:
        probe.close()
    assert probe.error is None
    assert isinstance(seen, EnergySlice)
    assert isinstance(moved, EnergySlice)
    assert (seen.robot, seen.human, seen.radius) == ((-0.5, 0.25), (0.5, 0.25), pytest.approx(0.5))
    assert (moved.robot, moved.radius) == ((0.0, 0.25), pytest.approx(0.25))
    assert seen.policy == "policy v1"
    assert len(seen.levels) == seen.side**2
    assert min(seen.levels) == 0


def test_a_method_without_energy_says_so() -> None:
    weights, views = Slot[Weights](), Slot[LoopView]()
    probe = made(weights, views, shown=True)
    weights.publish(begun("bc"))
    views.publish(instant())
    probe.start()
    try:
        until(lambda: probe.energy_slice() == NO_ENERGY)
    finally:
        probe.close()


def test_a_robot_that_knows_nothing_has_no_energy_to_look_at() -> None:
    weights, views = Slot[Weights](), Slot[LoopView]()
    probe = made(weights, views, shown=True, method="fast")
    weights.publish(begun("fast", updates=0))
    views.publish(instant())
    probe.start()
    try:
        until(lambda: probe.energy_slice() == KNOWS_NOTHING)
        weights.publish(replace(begun("fast"), version=2))
        until(lambda: isinstance(probe.energy_slice(), EnergySlice))
    finally:
        probe.close()
    assert probe.error is None


def test_nothing_is_asked_while_the_energy_is_hidden_and_nothing_was_corrected() -> None:
    weights, views = Slot[Weights](), Slot[LoopView]()
    probe = made(weights, views)
    weights.publish(begun("bc"))
    views.publish(instant())
    before = probe.energy_slice()
    probe._policy = None
    probe.start()
    time.sleep(1.2)
    probe.close()
    assert probe._policy is None, "not even made of the weights"
    assert probe.energy_slice() == before


def test_two_of_the_tasks_axes_are_looked_over() -> None:
    assert slice_axes((), ("x", "y", "z")) == (("x", 0), ("y", 1))
    assert slice_axes(("z", "x"), ("x", "y", "z")) == (("z", 2), ("x", 0))
    for wrong in (("z",), ("x", "q")):
        with pytest.raises(ValueError, match=r"window.energy_axes = .*; allowed: two of x, y, z"):
            slice_axes(wrong, ("x", "y", "z"))
