"""Where plans are made: on the planner's own device, whatever the learner computes on."""

from __future__ import annotations

import numpy as np
import pytest

from hitl_clic.methods import untrained_weights
from hitl_clic.runner.handshake_settings import check_handshake, handshake_settings
from hitl_clic.runner.policy_inbox import PolicyInbox
from hitl_clic.settings import load
from hitl_clic.types.messages import Weights

SIZES = (3, 2, 4)


def test_small_networks_plan_on_the_cpu_and_the_published_one_where_it_learns() -> None:
    given = {name: load(overrides={"method": name, "clic": {"device": "cuda:1"}}).clic for name in ("clic", "paper")}
    assert (given["clic"].device, given["clic"].planner_device) == ("cuda:1", "cpu")
    assert given["paper"].planner_device == "cuda:1"


def test_each_side_may_compute_where_it_likes() -> None:
    here = load(overrides={"method": "clic"})
    there = load(overrides={"method": "clic", "clic": {"device": "cuda", "inference": {"device": "cuda"}}})
    check_handshake(handshake_settings(here, 3, 2), there)


@pytest.mark.parametrize("method", ["clic", "bc", "flow"])
def test_a_session_whose_learner_has_a_gpu_plans_without_one(method: str) -> None:
    settings = load(overrides={"method": method, "horizon": SIZES[2], "clic": {"device": "cuda"}}).clic
    inbox = PolicyInbox(*SIZES, settings, seed=0)
    inbox.receive(Weights("run", 1, 0, 0, -1, untrained_weights(*SIZES, settings)))
    fetched = inbox.fetch()
    assert fetched is not None, inbox.why_refused
    nothing = np.zeros((0, SIZES[1]), np.float32)
    assert fetched[0].plan(np.zeros(SIZES[0], np.float32), nothing, None).chunk.shape == (4, 2)
