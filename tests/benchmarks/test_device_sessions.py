"""The simulated person of `benchmarks.device_sessions`: real devices, gate and mapping, and the simulator."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import replace
from functools import cache
from pathlib import Path

import numpy as np
import pytest

pytest.importorskip("pygame")
pytest.importorskip("robosuite")

from benchmarks.device_sessions import PRESET, TASK, figures, hands_on, teach
from benchmarks.hands import Hands
from benchmarks.person import Glimpse, Person, WatchedTask, Wish
from benchmarks.virtual_gamepad import NoVirtualPads
from hitl_clic.control.arbitration import Decision, DeviceFeedback
from hitl_clic.control.gate import GateOutput
from hitl_clic.control.outlets import Outlets
from hitl_clic.control.planner import Planner
from hitl_clic.control.schedule import Schedule
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.hardware.events import EventFeed
from hitl_clic.devices.hardware.gamepad import connected_pads
from hitl_clic.devices.hardware.spacemouse_reports import SILENT_NS
from hitl_clic.devices.mapping.shaping import load_profile
from hitl_clic.devices.registry import DEVICES, DeviceInputs
from hitl_clic.devices.teacher.channel import TeacherChannel
from hitl_clic.devices.teacher.oracle import OracleSettings
from hitl_clic.runner.device_registry import resolve_device
from hitl_clic.runner.loop_builder import build_loop
from hitl_clic.runner.session_settings import settings_and_parts
from hitl_clic.session.reader import Session
from hitl_clic.tasks.registry import make_task
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import MemorylessTeacher
from hitl_clic.types.records import Array, Proposal

REPORTS_A_TICK = 6
TICK_NS = 50_000_000
ROBOT = np.array([0.1, 0.0, 0.0, 0.0, 0.0, 0.0, -0.5], np.float32)


class Idle:
    """A policy that is never asked: the bench says what the robot does."""

    version, newest_pair = 0, -1

    def plan(self, observation: Array, committed: Array, previous: Array | None) -> Proposal:
        raise AssertionError("nobody plans here")


@cache
def arm() -> Task:
    """The task of every bench, which resets it: an arm takes a second to build."""
    return make_task(TASK)


class Bench:
    """A session's device, gate and mapping, ticked by hand, so that no machine is too slow."""

    def __init__(self, device: str, hands: Hands, out: Path) -> None:
        made, _ = settings_and_parts(TASK, device, None, {"out": out, "headless": True}, PRESET)
        self.settings = made = resolve_device(made)
        self.seen: Slot[Glimpse] = Slot()
        self.task, self.hands = WatchedTask(arm(), self.seen), hands
        self.task.reset(seed=0)
        make = DEVICES[device].make
        assert make is not None
        axes = tuple(self.task.action_frame.axes)
        self.device = make(DeviceInputs(load_profile(device), axes, EventFeed(), 0.0, 0.25))
        planner, nothing = Planner(Idle()), lambda found: None
        outlets = Outlets(nothing, nothing, nothing, lambda: None, list, Slot())
        teacher = TeacherChannel(planner.latest)
        loop = build_loop(made, self.task, self.device, planner, teacher, outlets, Schedule(), None)
        self.arbitration = loop.arbitration
        self.feedback = DeviceFeedback(self.device)
        self.output: GateOutput | None = None
        self.now_ns = time.perf_counter_ns()
        self.device._clock = lambda: self.now_ns

    def tick(self, wish: Wish) -> Decision:
        """One tick of 50 ms: the hands move, the device is read, and the task steps."""
        for _ in range(REPORTS_A_TICK):
            self.hands.move(wish, 0.05 / REPORTS_A_TICK)
        self.now_ns += TICK_NS  # a tick here takes more or less time than it stands for
        sample = replace(self.device.read(0.0), time_ns=self.now_ns)
        self.output = self.arbitration.gate.step(sample, self.now_ns)
        decision = self.arbitration.decide(self.output, ROBOT, self.task.axes_of(self.output.command_frame))
        self.feedback.update(self.output)
        self.task.step(decision.executed)
        return decision

    def ticks(self, wish: Wish, count: int) -> list[Decision]:
        return [self.tick(wish) for _ in range(count)]


@pytest.fixture(params=["gamepad", "spacemouse"])
def bench(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Bench]:
    if request.param == "gamepad" and connected_pads():
        pytest.skip("a real gamepad is connected, and the device would open it first")
    try:
        with hands_on(request.param, load_profile(request.param), seed=0) as hands:
            made = Bench(request.param, hands, tmp_path / "session")
            made.tick(Wish())
            time.sleep(2e-9 * SILENT_NS)  # after this silence, an untouched cap is at rest
            made.ticks(Wish(), 2)  # a trigger counts once it was seen at rest
            yield made
            made.device.release()
    except NoVirtualPads as missing:
        pytest.skip(str(missing))


@pytest.mark.parametrize(
    "motion",
    [
        (0.5, -0.4, 0.3, 0.0, 0.0, 0.0),
        (-0.3, 0.7, -0.5, 0.0, 0.4, -0.6),
        (0.0, 0.0, 0.6, 1.0, -0.5, 0.5),
        (0.2, 0.2, 0.2, -1.0, 0.0, 0.0),
    ],
)
def test_the_wanted_motion_arrives_at_the_task(bench: Bench, motion: tuple[float, ...]) -> None:
    wish = Wish(motion, engage=True)
    bench.ticks(wish, 8)  # the hands need a moment, and the change of driver is limited
    arrived = bench.ticks(wish, 12)
    executed = np.mean([decision.executed for decision in arrived], axis=0)
    assert np.allclose(executed[:6], motion, atol=0.08), "the hands tremble, and are quantised"
    assert all(decision.human is not None for decision in arrived)
    assert all(decision.taught[:6].all() and not decision.taught[6] for decision in arrived), "the robot grips"
    assert np.std([decision.executed[:3] for decision in arrived], axis=0).max() > 0.0, "a hand trembles"


def test_the_robots_hand_goes_where_the_person_wants(bench: Bench) -> None:
    begin = bench.task.observe()
    way = np.array([0.5, -0.6, 0.4])
    bench.ticks(Wish((*way, 0.0, 0.0, 0.0), engage=True), 20)
    went = bench.task.observe()[:3] - begin[:3]
    assert np.linalg.norm(went) > 0.05
    assert went @ way / np.linalg.norm(went) / np.linalg.norm(way) > 0.97


def test_the_person_takes_over_and_lets_go(bench: Bench) -> None:
    states = []
    for engage in (False, True, False, True, False):
        decisions = bench.ticks(Wish((0.5, 0.0, 0.0, 0.0, 0.0, 0.0), engage=engage), 10)
        assert bench.output is not None
        states.append(bench.output.state)
        assert (decisions[-1].human is not None) == engage
        if not engage:
            assert np.array_equal(decisions[-1].executed, ROBOT), "the robot drives"
    assert states == ["autonomous", "correcting", "autonomous", "correcting", "autonomous"]


def test_the_button_closes_and_opens_the_gripper(bench: Bench) -> None:
    still = (0.0,) * 6
    bench.ticks(Wish((0.3, 0.0, 0.0, 0.0, 0.0, 0.0), True), 8)
    closing = bench.ticks(Wish(still, True, grip=1, seen_grip=-1), 12)[-1]
    assert closing.executed[6] == 1.0
    assert closing.taught[6]
    opening = bench.ticks(Wish(still, True, grip=-1, seen_grip=1), 12)[-1]
    assert opening.executed[6] == -1.0
    assert opening.taught[6]
    bench.ticks(Wish(still, False), 12)
    again = bench.ticks(Wish(still, True, grip=-1, seen_grip=-1), 12)[-1]
    assert again.executed[6] == ROBOT[6], "the robot's gripper is right, so nobody presses"
    assert not again.taught[6]


def test_a_press_while_the_robot_drives_does_not_wait_for_the_next_correction(bench: Bench) -> None:
    """A hand that goes on from the last episode presses once, in vain. Later presses mean what they say again."""
    drive = (0.5, 0.0, 0.0, 0.0, 0.0, 0.0)
    bench.ticks(Wish(drive, True), 6)
    bench.arbitration.begin(1)
    bench.ticks(Wish(drive, True), 3)
    in_vain = bench.ticks(Wish(drive, True, grip=1, seen_grip=-1), 6)
    assert all(decision.human is None for decision in in_vain), "the hand must let go first"
    bench.ticks(Wish(), 6)
    driving = bench.ticks(Wish(drive, True, grip=-1, seen_grip=-1), 8)[-1]
    assert not driving.taught[6], "nobody pressed in this correction"
    closing = bench.ticks(Wish(drive, True, grip=1, seen_grip=-1), 12)[-1]
    assert (closing.executed[6], closing.taught[6]) == (1.0, 1.0)


def test_a_still_hand_keeps_driving(bench: Bench) -> None:
    bench.ticks(Wish((0.5, 0.0, 0.0, 0.0, 0.0, 0.0), engage=True), 10)
    for _ in range(16):
        held = bench.tick(Wish((0.0,) * 6, engage=True))
        assert bench.output is not None
        assert bench.output.state == "correcting", "a hand that wants nothing lets nothing go"
    assert np.abs(held.executed[:6]).max() < 0.1


def test_a_person_comes_late_and_goes_on_into_the_next_scene() -> None:
    class Right(MemorylessTeacher):
        name = "right"

        def action(self, observation: np.ndarray) -> np.ndarray:
            return np.array([1.0, 0.0, 0.0, 0.0, 0.0, 0.0, 1.0], np.float32)

    axes = ("x", "y", "z", "rx", "ry", "rz", "gripper")
    settings = OracleSettings(latency_s=0.25, threshold=0.6, patience=8, persist_steps=40)
    person = Person(Right(), settings, axes, 20.0)
    scene, wrong = np.zeros(40, np.float32), np.zeros(7, np.float32)
    wishes = [person.look(Glimpse(0, step, scene, wrong if step else None)) for step in range(60)]
    # the first motion is seen at step 1; the ninth wrong one in a row is enough, and the hands follow 5 ticks later
    assert [wish.engage for wish in wishes].index(True) == 1 + 8 + 5
    assert all(wish.engage for wish in wishes[14:54]), "two seconds at least"
    assert wishes[14] == Wish((1.0, 0.0, 0.0, 0.0, 0.0, 0.0), True, 1, 0, 0)
    assert person.wish.engage is False
    later = [person.look(Glimpse(0, step, scene, wrong)) for step in range(60, 75)]
    assert later[-1].engage
    after = [person.look(Glimpse(1, step, scene, wrong if step else None)) for step in range(12)]
    assert [wish.engage for wish in after] == [True] * 5 + [False] * 7, "the new scene is taken in late too"


@pytest.mark.realtime
@pytest.mark.parametrize("device", ["gamepad", "spacemouse"])
def test_a_short_session_in_real_time(device: str, tmp_path: Path) -> None:
    out = tmp_path / "session"
    if device == "gamepad" and connected_pads():
        pytest.skip("a real gamepad is connected, and the device would open it first")
    _, missed = teach(device, 1, out, episodes=2, headless=True, horizon=4, execute=2, task_options={"max_steps": 80})
    found, recorded = figures(out), Session.open(out)
    assert found["corrections"] >= 2
    assert found["teacher_steps"] > 60
    assert 0.0 < found["gripper_taught_share"] < 1.0
    assert found["lost_ticks"] == 0
    assert missed < 0.1 * found["ticks"]
    assert len(recorded.pairs) > 30
    states = {tick.state for tick in recorded.ticks}
    assert states == {"autonomous", "correcting"}
