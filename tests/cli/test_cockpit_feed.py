"""What a session tells the cockpit."""

from __future__ import annotations

import dataclasses
from typing import Any

import pytest
import torch

from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.control.search_budget import SearchChange
from hitl_clic.devices.core.slot import Slot
from hitl_clic.runner.cockpit_feed import CockpitFeed, FixedStatus
from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.registry import make_task
from hitl_clic.types.records import EventRecord
from hitl_clic.types.scene3d import Pose
from hitl_clic.types.view import LoopView


def test_the_circle_is_gamma_times_the_correction(recorded: Session, settings: SessionSettings) -> None:
    views: Slot[LoopView] = Slot()
    task = make_task("line_following")
    task.reset(seed=0)
    settings = settings.model_copy(update={"device": "keyboard"})
    feed = CockpitFeed(settings, task, views, FixedStatus(), began_ns=0)
    tick = next(tick for tick in recorded.ticks if tick.state == "correcting")
    assert tick.human_action is not None

    def shown(state: Any, kind: Any) -> CockpitState:
        record = dataclasses.replace(tick, state=state, correction_mode=kind)
        views.publish(LoopView(0, 0, 0, state, kind, task.scene(), None, 0, record, {}))
        found = feed.state(now_ns=1)
        assert found is not None
        return found

    apart = float(torch.linalg.vector_norm(torch.tensor(tick.robot_action - tick.human_action)))
    assert shown("correcting", "absolute").desired_radius == pytest.approx(settings.policy.radius_ratio * apart)
    assert shown("correcting", "relative").desired_radius is None
    assert shown("autonomous", "absolute").desired_radius is None
    assert shown("correcting", "absolute").hint == "release Space to hand back"
    assert shown("autonomous", "absolute").hint == "hold Space to correct"


def test_a_pause_is_not_slow_and_what_happened_is_said(recorded: Session, settings: SessionSettings) -> None:
    task = make_task("line_following")
    task.reset(seed=0)
    views: Slot[LoopView] = Slot()
    feed = CockpitFeed(settings, task, views, FixedStatus(), began_ns=0)
    for number, tick in enumerate(recorded.ticks[:12]):
        paused_s = 30 if number >= 6 else 0
        feed.add(dataclasses.replace(tick, time_ns=(number + 10 * paused_s) * 100_000_000))
    detail = {"correction_mode": "relative", "command_frame": "world", "correction_axes": "everything"}
    scene = task.scene()
    for seen, message in (
        (dataclasses.replace(scene, pose=Pose(b"", ())), "Now relative, world frame"),
        (scene, "Now relative"),  # a flat scene has one frame
    ):
        views.publish(LoopView(12, 0, 0, "autonomous", "relative", seen, None, 0, None, {}))
        feed.add(EventRecord(12, 0, "switched", detail))
        state = feed.state(now_ns=1)
        assert state is not None
        assert state.loop_hz == pytest.approx(10.0)
        assert state.message == message
    feed.add(EventRecord(13, 0, "pause"))
    state = feed.state(now_ns=1)
    assert state is not None
    assert state.message == "", "the badge says it"


@pytest.mark.parametrize(
    ("search", "direction", "message"),
    [
        (0.5, "reduced", "Search reduced to 1/2: plans took 31 ms of 25 allowed"),
        (0.5, "raised", "Search raised to 1/2: plans took 31 ms of 25 allowed"),
        (1.0, "raised", "Search is full again: plans took 31 ms of 25 allowed"),
    ],
)
def test_a_change_of_the_search_is_said(
    recorded: Session, settings: SessionSettings, search: float, direction: str, message: str
) -> None:
    task = make_task("line_following")
    task.reset(seed=0)
    views: Slot[LoopView] = Slot()
    feed = CockpitFeed(settings, task, views, FixedStatus(), began_ns=0)
    views.publish(LoopView(12, 0, 0, "autonomous", "absolute", task.scene(), None, 0, None, {}))
    change = SearchChange(search, direction, plan_ms=31.2, allowed_ms=25.0)
    feed.add(EventRecord(12, 0, "search_changed", dataclasses.asdict(change)))
    state = feed.state(now_ns=1)
    assert state is not None
    assert state.message == message
