"""Where plans are made: on the planner's own device, whatever the learner computes on."""

from __future__ import annotations

import math

import numpy as np
import pytest

from hitl_clic.control.plan import StandStill
from hitl_clic.methods import untrained_weights
from hitl_clic.runner.handshake_settings import check_handshake, handshake_settings
from hitl_clic.runner.policy_inbox import PolicyInbox
from hitl_clic.settings_layers import load
from hitl_clic.types.messages import Weights

SIZES = (3, 2, 4)
NOTHING = np.zeros((0, 2), np.float32)


def test_small_networks_plan_on_the_cpu_and_the_published_one_where_it_learns() -> None:
    given = {
        name: load(overrides={"method": name, "policy": {"device": "cuda:1"}}).policy for name in ("clic", "paper")
    }
    assert (given["clic"].device, given["clic"].planner_device) == ("cuda:1", "cpu")
    assert given["paper"].planner_device == "cuda:1"


def test_each_side_may_compute_where_it_likes() -> None:
    here = load(overrides={"method": "clic"})
    there = load(overrides={"method": "clic", "policy": {"device": "cuda", "inference": {"device": "cuda"}}})
    check_handshake(handshake_settings(here, 3, 2), there)


@pytest.mark.parametrize("method", ["clic", "bc", "flow"])
def test_a_session_whose_learner_has_a_gpu_plans_without_one(method: str) -> None:
    settings = load(overrides={"method": method, "horizon": SIZES[2], "policy": {"device": "cuda"}}).policy
    inbox = PolicyInbox(*SIZES, settings, seed=0)
    inbox.receive(Weights("run", 1, 0, 1, -1, untrained_weights(*SIZES, settings)))
    fetched = inbox.fetch()
    assert fetched is not None, inbox.why_refused
    assert fetched[0].plan(np.zeros(SIZES[0], np.float32), NOTHING, None).chunk.shape == (4, 2)


@pytest.mark.parametrize("method", ["fast", "paper", "bc", "flow"])
def test_a_robot_that_knows_nothing_stands_still_until_its_first_update(method: str) -> None:
    """Also where weights have come: a learner publishes what it begins with."""
    settings = load(overrides={"method": method, "horizon": SIZES[2]}).policy
    inbox = PolicyInbox(*SIZES, settings, seed=0)
    tensors = untrained_weights(*SIZES, settings)
    inbox.receive(Weights("run", 3, 2, 0, -1, tensors))
    fetched = inbox.fetch()
    assert fetched is not None
    for policy, version in ((inbox.untrained(), 0), (fetched[0], 3)):
        assert isinstance(policy, StandStill)
        assert (policy.version, policy.newest_pair) == (version, -1)
        found = policy.plan(np.ones(SIZES[0], np.float32), NOTHING, np.ones((2, 2), np.float32))
        assert found.chunk.dtype == np.float32
        assert np.array_equal(found.chunk, np.zeros((4, 2)))
        assert math.isnan(found.energy), "it compares no chunks"
        assert math.isnan(found.uncertainty)
    inbox.receive(Weights("run", 4, 3, 1, 5, tensors))
    learnt = inbox.fetch()
    assert learnt is not None
    assert not isinstance(learnt[0], StandStill)
    assert (learnt[0].version, learnt[0].newest_pair) == (4, 5)


def test_what_is_bound_to_be_executed_is_executed_standing_still() -> None:
    chunk = StandStill(4, 2).plan(np.zeros(3, np.float32), np.full((1, 2), 0.5, np.float32), None).chunk
    assert chunk.tolist() == [[0.5, 0.5], [0, 0], [0, 0], [0, 0]]


def test_first_weights_that_do_not_fit_are_refused_though_nobody_would_follow_them() -> None:
    settings = load(overrides={"horizon": SIZES[2]}).policy
    inbox = PolicyInbox(*SIZES, settings, seed=0)
    inbox.receive(Weights("run", 1, 0, 0, -1, untrained_weights(3, 2, 5, settings)))
    assert inbox.fetch() is None
    assert inbox.refused == 1


@pytest.mark.parametrize("compiled", [True, False])
def test_warming_up_is_no_plan_of_the_session(compiled: bool) -> None:
    """A compiled plan gives way to a due tick before it begins; torch's before each step, as it stops other threads."""
    settings = load(overrides={"horizon": SIZES[2], "policy": {"inference": {"compiled": compiled}}}).policy
    breaths: list[int] = []
    inbox = PolicyInbox(*SIZES, settings, seed=0, yield_hook=lambda: breaths.append(1))
    inbox.warm(np.zeros(SIZES[0], np.float32), runs=2)
    assert len(breaths) == 2 * (1 if compiled else settings.inference.refine_steps), "the network itself planned"
    assert inbox.fetch() is None
