"""Slow motion: the loop at half or a quarter of its rate, and what it does to everything that counts time."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
from loop_bench import HAND, Bench, hold

from hitl_clic.cockpit.state import status_text
from hitl_clic.cockpit.state.state import CockpitState
from hitl_clic.control.clock import MaxPaceClock, RealTimeClock
from hitl_clic.control.gate import Gate, GateSettings
from hitl_clic.control.settings import LoopSettings
from hitl_clic.control.tempo import Tempo
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.devices.core.sample import DeviceSample, fresh
from hitl_clic.devices.core.slot import Slot
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.held_controls import HeldControls, StruckControls
from hitl_clic.devices.hardware.keyboard import KeyboardDevice
from hitl_clic.devices.hardware.presses import Presses
from hitl_clic.devices.hardware.pulse_stretch import PulseStretch
from hitl_clic.devices.mapping.shaping import load_profile
from hitl_clic.runner.cockpit_feed import CockpitFeed, FixedStatus
from hitl_clic.session.topics import BY_NAME
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.pusht.push_t import PushT
from hitl_clic.types.records import EventRecord, TickRecord
from hitl_clic.types.scene import EMPTY_SCENE
from hitl_clic.types.view import LoopView

MS = 1_000_000
RATE_HZ = 50.0
PERIOD_S = 1.0 / RATE_HZ


def paced(**more: object) -> Bench:
    return Bench(clock=RealTimeClock(RATE_HZ), **more)  # type: ignore[arg-type]


class ReadyClock(MaxPaceClock):
    """Begins a tick when its plan is there, at any speed: what happens does not depend on the machine."""

    def set_speed(self, speed: float) -> float:
        return speed


def steady(**more: object) -> Bench:
    bench = Bench(clock=ReadyClock(lambda: bench.loop.planning.wait_ready()), **more)  # type: ignore[arg-type]
    return bench


def gaps_s(bench: Bench) -> list[float]:
    """Time from each tick to the next, without their lateness, s."""
    due_ns = [tick.time_ns - tick.lateness_ns for tick in bench.ticks]
    return [(later - earlier) * 1e-9 for earlier, later in pairwise(due_ns)]


def test_the_command_goes_through_half_and_quarter_speed_and_each_tick_records_its_own() -> None:
    bench = paced(commands={4: ["slow_motion"], 8: ["slow_motion"], 12: ["slow_motion"]}, longest=16)
    bench.run()
    assert [tick.speed for tick in bench.ticks] == [1.0] * 4 + [0.5] * 4 + [0.25] * 4 + [1.0] * 4
    for gap_s, tick in zip(gaps_s(bench), bench.ticks, strict=False):
        assert gap_s == pytest.approx(PERIOD_S / tick.speed, abs=0.4 * PERIOD_S)
    speeds = [event.detail["speed"] for event in bench.of(EventRecord) if event.name == "slow_motion"]
    assert speeds == [0.5, 0.25, 1.0]


def test_a_held_control_slows_for_as_long_as_it_is_held() -> None:
    def script(reading: int) -> DeviceSample:
        return DeviceSample(0, (0.0, 0.0), slow=4 <= reading < 8)

    bench = steady(script=script, longest=12)
    bench.run()
    assert [tick.speed for tick in bench.ticks] == [1.0] * 4 + [0.5] * 4 + [1.0] * 4


def test_a_lost_device_does_not_hold_slow_motion() -> None:
    old = DeviceSample(0, (0.0, 0.0), slow=True)
    assert not fresh(old, 10**9, 0.25).slow
    bench = steady(script=lambda reading: replace(old, connected=False), longest=4)
    bench.run()
    assert {tick.speed for tick in bench.ticks} == {1.0}


def test_actions_and_labels_are_those_of_full_speed() -> None:
    def taught(commands: dict[int, list[str]]) -> Bench:
        bench = steady(script=hold(*range(3, 9)), commands=commands, longest=12)
        bench.run()
        return bench

    full, slow = taught({}), taught({1: ["slow_motion"]})
    assert [tick.speed for tick in slow.ticks[1:]] == [0.5] * 11
    for one, other in zip(full.ticks, slow.ticks, strict=True):
        assert np.array_equal(one.executed, other.executed), "one tick is one control step"
        assert (one.human_action is None) == (other.human_action is None)
    assert len(full.sent) == len(slow.sent) > 0
    for pair, same in zip(full.sent, slow.sent, strict=True):
        assert np.array_equal(pair.human, same.human)


def test_the_average_of_labels_counts_ticks() -> None:
    correction = CorrectionSettings(label_average_s=0.3)

    def labels(commands: dict[int, list[str]]) -> list[bytes]:
        bench = steady(script=hold(*range(3, 9)), commands=commands, longest=12, correction=correction)
        bench.run()
        return [pair.human.tobytes() for pair in bench.sent]

    assert labels({}) == labels({1: ["slow_motion"]})


def test_no_tick_is_late_by_the_slowed_period() -> None:
    now_ns = 0

    def sleep(seconds: float) -> None:
        nonlocal now_ns
        now_ns += round(seconds * 1e9)

    clock = RealTimeClock(10.0, lambda: now_ns, sleep)
    clock.start()
    assert clock.wait() == 0
    clock.set_speed(0.5)
    now_ns += 150 * MS  # too long at full speed
    assert not clock.finish()
    assert clock.wait() == 0
    assert now_ns == 300 * MS, "the tick lasted two periods"
    now_ns += 250 * MS
    assert clock.finish(), "an overrun is one of the slowed period"
    clock.wait()
    clock.set_speed(1.0)
    now_ns += 150 * MS
    assert clock.finish()


def test_without_real_time_there_is_no_slow_motion() -> None:
    clock = MaxPaceClock(lambda: None)
    assert clock.set_speed(0.25) == 1.0
    bench = Bench(commands={2: ["slow_motion"]}, longest=6)
    bench.run()
    assert {tick.speed for tick in bench.ticks} == {1.0}
    (event,) = [event for event in bench.of(EventRecord) if event.name == "slow_motion"]
    assert event.detail["speed"] == 1.0


# ---- what a person does counts in wall time


def test_a_reaction_takes_its_time_and_so_fewer_slow_ticks() -> None:
    bench = steady(
        script=hold(*range(10, 30)), commands={8: ["slow_motion"], 16: ["slow_motion"]}, longest=24, reaction=4
    )
    bench.run()
    behind = {tick.tick: tick.tick - tick.stimulus for tick in bench.ticks}
    assert [behind[tick] for tick in (5, 6, 7, 8)] == [4, 4, 4, 4]
    assert [behind[tick] for tick in (9, 10, 11, 15)] == [3, 2, 2, 2], "the ticks before the change were short"
    assert [behind[tick] for tick in (17, 18, 23)] == [1, 1, 1]


@pytest.mark.parametrize(("speed", "behind"), [(1.0, 5), (0.5, 2), (0.25, 1)])
def test_ticks_within_a_reaction(speed: float, behind: int) -> None:
    bench = Bench()
    tempo = Tempo(RealTimeClock(10.0), bench.hand)
    while tempo.speed != speed:
        tempo.choose_next()
    for _ in range(20):
        tempo.passed()
    assert tempo.ticks_behind(5) == behind
    assert tempo.ticks_behind(0) == 0


def test_touch_mode_releases_after_wall_time() -> None:
    gate = Gate(GateSettings(mode="touch", release_s=0.3), person=False)
    pushed, rest = (DeviceSample(0, motion) for motion in (HAND, (0.0, 0.0)))
    for at_ms, sample, state in ((0, pushed, "correcting"), (200, rest, "correcting"), (400, rest, "autonomous")):
        assert gate.step(replace(sample, time_ns=at_ms * MS), at_ms * MS).state == state  # ticks of 0.2 s


@pytest.mark.parametrize("speed", [1.0, 0.5, 0.25])
def test_a_short_press_is_in_force_at_one_slow_tick_at_least(speed: float) -> None:
    tap_ns, period_ns = 150 * MS, round(100 * MS / speed)
    keys, struck = HeldControls(tap_ns), StruckControls(100 * MS, 50 * MS, tap_ns)
    buttons, push = Presses({"south": "gripper"}, tap_ns), PulseStretch(tap_ns)
    keys.speed = struck.speed = push.speed = speed
    buttons.slowed(speed)
    keys.press("w", 0)
    keys.release("w")
    struck.press("w", 0)
    buttons.feed("south", True, 0)
    buttons.feed("south", False, 1)
    push.stretched({"x": 1.0}, None, lambda raw: raw["x"], 0)
    assert keys.active("w", period_ns)
    assert struck.active("w", period_ns)
    assert "gripper" in buttons.bound(period_ns)
    assert push.stretched({"x": 0.0}, None, lambda raw: raw["x"], period_ns) == {"x": 1.0}
    assert not keys.active("w", 2 * period_ns)


def test_a_key_bound_to_slow_motion_reaches_the_loop() -> None:
    profile = load_profile("keyboard")
    profile = profile.model_copy(update={"keys": {**profile.keys, "left alt": "slow"}})
    feed = EventFeed()
    device = KeyboardDevice(feed, profile, clock=lambda: 10**9, axes=("x", "y"))
    feed.put(InputEvent(10**9, "key_down", "left alt"))
    assert device.read(0.0).slow
    feed.put(InputEvent(10**9, "key_up", "left alt"))
    device._clock = lambda: 2 * 10**9
    feed.put(InputEvent(2 * 10**9, "alive"))
    assert not device.read(0.0).slow


# ---- recorded and shown


def test_a_recorded_tick_knows_its_speed_and_an_old_one_ran_at_full_speed() -> None:
    bench = steady(commands={1: ["slow_motion"]}, longest=3)
    bench.run()
    topic = BY_NAME["tick"]
    written = topic.dumps(bench.ticks[2])
    assert topic.loads(written).speed == 0.5
    old = json.loads(written)
    del old["speed"]
    read: TickRecord = topic.loads(json.dumps(old).encode())
    assert read.speed == 1.0


@pytest.mark.parametrize(("speed", "words"), [(1.0, ""), (0.5, "half speed"), (0.25, "quarter speed")])
def test_the_window_says_the_speed(speed: float, words: str) -> None:
    state = CockpitState("Push-T", EMPTY_SCENE, speed=speed)
    shown = status_text.beside_badge(state)
    assert shown.startswith(words)
    assert ("speed" in shown) == bool(words)


def test_a_replay_shows_slow_motion_and_takes_it_for_no_slow_machine() -> None:
    bench = paced(commands={1: ["slow_motion"]}, longest=6)
    bench.run()
    settings, views = SessionSettings(device="oracle", loop=LoopSettings(rate_hz=RATE_HZ)), Slot[LoopView]()
    feed = CockpitFeed(settings, PushT(), views, FixedStatus())
    view = bench.view.latest()
    assert view is not None
    for record in bench.records:
        feed.add(record)
    views.publish(replace(view, record=bench.ticks[-1]))
    state = feed.state()
    assert state is not None
    assert state.speed == 0.5
    assert state.target_hz == RATE_HZ / 2
    assert state.loop_hz == pytest.approx(RATE_HZ / 2, rel=0.3)
    assert state.message == "Now at half speed"
