"""Presses of 100 ms and pushes of 50 ms at a 20 Hz loop, in real time: each is recorded and gives a pair."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from fake_hid import COMPACT, FakeTransport, moved
from loop_bench import Bench
from real_time import TooBusyError, when_calm
from virtual_pads import RIGHT_SHOULDER, VirtualPads

from hitl_clic.control.clock import RealTimeClock
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.gamepad import gamepad
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.hardware.keyboard import KeyboardDevice
from hitl_clic.devices.hardware.spacemouse import ReportSource
from hitl_clic.devices.mapping.shaping import load_profile
from hitl_clic.session.reader import Session
from hitl_clic.session.recorder import Recorder
from hitl_clic.types.records import TickRecord

pytestmark = pytest.mark.realtime

RATE_HZ, PRESSES = 20.0, 10
TAP_S = 1.5 / RATE_HZ
"""The `tap_hold_s` of sessions: a shorter press counts as held for 1.5 ticks."""
LATE_NS = 15_000_000
"""A tick later than this shows that the machine is too busy to judge."""
KEYS = {"a": (-1.0, 0.0), "d": (1.0, 0.0), "w": (0.0, -1.0), "s": (0.0, 1.0)}


@dataclass(frozen=True)
class Press:
    """Start and end of a press (perf_counter, ns), and its direction."""

    from_ns: int
    to_ns: int
    direction: tuple[float, float]


class Operator(threading.Thread):
    """Presses briefly at random phases of the tick, each time in a new direction."""

    press_s = 0.1
    separate_engage = False
    """Whether the engage control is separate from motion, so that a tick may see it without motion."""

    def __init__(self, seed: int, done: threading.Event) -> None:
        super().__init__(daemon=True)
        self.rng, self.done, self.presses = np.random.default_rng(seed), done, list[Press]()

    def run(self) -> None:
        self.rest(0.3)
        key = "a"
        for _ in range(PRESSES):
            key = str(self.rng.choice([other for other in KEYS if other != key]))
            begun = time.perf_counter_ns()
            self.press(key)
            self.hold(self.press_s)
            self.release(key)
            self.presses.append(Press(begun, time.perf_counter_ns(), KEYS[key]))
            self.rest(0.2 + float(self.rng.uniform(0, 1 / RATE_HZ)))
        self.done.set()

    def hold(self, seconds: float) -> None:
        time.sleep(seconds)

    def rest(self, seconds: float) -> None:
        time.sleep(seconds)

    def press(self, key: str) -> None:
        raise NotImplementedError

    def release(self, key: str) -> None:
        raise NotImplementedError


class Typing(Operator):
    """At the keyboard: Space and a direction key together."""

    def __init__(self, seed: int, done: threading.Event) -> None:
        super().__init__(seed, done)
        self.feed = EventFeed()
        self.device: Device = KeyboardDevice(
            self.feed, load_profile("keyboard"), stale_after_s=10.0, tap_hold_s=TAP_S, axes=("x", "y")
        )

    def send(self, kind: str, *names: str) -> None:
        for name in names:
            self.feed.put(InputEvent(time.perf_counter_ns(), kind, name))  # type: ignore[arg-type]

    def press(self, key: str) -> None:
        self.send("key_down", "space", key)

    def release(self, key: str) -> None:
        self.send("key_up", "space", key)

    def rest(self, seconds: float) -> None:
        self.send("alive", "")
        time.sleep(seconds)


class Pushing(Operator):
    """On the cap of a 3D mouse, which engages while deflected and reports every 8 ms."""

    def __init__(self, seed: int, done: threading.Event) -> None:
        super().__init__(seed, done)
        self.transport = FakeTransport(COMPACT)
        self.device: Device = HandheldDevice(
            "spacemouse", ReportSource(self.transport), load_profile("spacemouse"), tap_hold_s=TAP_S, axes=("x", "y")
        )
        self.reports: list[bytes] = []

    def press(self, key: str) -> None:
        x, y = KEYS[key]
        self.reports = moved(COMPACT, round(350 * x), round(350 * y), 0, 0, 0, 0)  # its y is towards the operator

    def hold(self, seconds: float) -> None:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self.transport.put(*self.reports)
            time.sleep(0.008)

    def release(self, key: str) -> None:
        self.transport.put(*moved(COMPACT, 0, 0, 0, 0, 0, 0))


class Nudging(Pushing):
    """The same for 50 ms."""

    press_s = 0.05


class Bursting(Nudging):
    """All reports of those 50 ms, and the return to rest, arrive at once, as with a delayed reader."""

    def hold(self, seconds: float) -> None:
        self.transport.put(*self.reports * round(seconds / 0.008), *moved(COMPACT, 0, 0, 0, 0, 0, 0))


class Flicking(Operator):
    """A stick of a virtual gamepad together with the shoulder button, for 50 ms."""

    press_s, separate_engage = 0.05, True

    def __init__(self, seed: int, done: threading.Event) -> None:
        super().__init__(seed, done)
        self.pad = VirtualPads().attach()
        self.device: Device = gamepad(load_profile("gamepad"), tap_hold_s=TAP_S, axes=("x", "y"))

    def press(self, key: str) -> None:
        for axis, value in enumerate(KEYS[key]):
            self.pad.axis(axis, value)
        self.pad.button(RIGHT_SHOULDER)

    def release(self, key: str) -> None:
        self.pad.button(RIGHT_SHOULDER, False)
        for axis in range(2):
            self.pad.axis(axis, 0.0)


@pytest.mark.parametrize("kind", [Typing, Pushing, Nudging, Bursting, Flicking])
def test_no_short_press_is_lost(
    kind: type[Typing | Pushing | Flicking], tmp_path_factory: pytest.TempPathFactory
) -> None:
    when_calm(lambda: short_presses(kind, tmp_path_factory.mktemp("session")))


def short_presses(kind: type[Typing | Pushing | Flicking], tmp_path: Path) -> None:
    done = threading.Event()
    operator = kind(7, done)
    recorder = Recorder(tmp_path / "session.mcap")
    bench = Bench(
        device=operator.device,
        clock=RealTimeClock(RATE_HZ),
        longest=100_000,
        listener=recorder.put,
        asks=lambda: ["quit"] if done.is_set() else [],
    )
    recorder.start()
    operator.device.start()
    operator.start()
    try:
        bench.run()
    finally:
        operator.device.close()
        recorder.close()
        if isinstance(operator, Flicking):
            operator.pad.unplug()
    recorded = Session.open(tmp_path)
    assert recorder.dropped == 0

    stretches = [
        list(ticks)
        for driven, ticks in groupby(recorded.ticks, key=direction_of)
        if driven is not None and (any(driven) or not kind.separate_engage)
    ]
    excused = [press for press in operator.presses if asleep(recorded.ticks, press)]
    if len(excused) > PRESSES // 2:
        raise TooBusyError(f"the loop was late at {len(excused)} of {PRESSES} presses")
    found = [direction_of(ticks[0]) for ticks in stretches]
    begun = {tick.tick for ticks in stretches for tick in ticks[:1]}
    for press in operator.presses:
        if press in excused:
            continue
        seen = [
            ticks
            for ticks in stretches
            if ticks[0].time_ns >= press.from_ns - 10**6 and direction_of(ticks[0]) == press.direction
        ]
        late_ns = seen[0][0].time_ns - press.from_ns if seen else 10**12
        assert late_ns < press.to_ns - press.from_ns + TAP_S * 1e9 + LATE_NS, (
            f"the press {press.direction} is not in the recording"
        )
        assert any(pair.tick in {tick.tick for tick in seen[0]} for pair in recorded.pairs), "and is a pair"
    if not excused:
        assert found == [press.direction for press in operator.presses], "each once, in their order"
        assert begun <= {pair.tick for pair in recorded.pairs}, "corrected from the first tick"
    assert [pair.id for pair in recorded.pairs] == [pair.id for pair in bench.sent], "and what is recorded is sent"


def direction_of(tick: TickRecord) -> tuple[float, float] | None:
    """The direction of the correction at a tick."""
    if tick.human_action is None:
        return None
    x, y = np.round(tick.human_action)
    return float(x), float(y)


def asleep(ticks: list[TickRecord], press: Press) -> bool:
    """Whether the machine delayed threads around a press; then the press proves nothing about the device."""
    around = [tick for tick in ticks if press.from_ns - 10**8 <= tick.time_ns <= press.to_ns + 10**8]
    begun = [tick for tick in around if press.from_ns <= tick.time_ns <= press.to_ns]
    due = int((press.to_ns - press.from_ns) * 1e-9 * RATE_HZ)
    return len(begun) < due or any(tick.lateness_ns > LATE_NS or tick.overrun for tick in around)
