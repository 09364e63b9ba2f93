"""A press of 100 ms at 20 Hz, in real time, and a nudge of 50 ms: begun at any moment, it is recorded and a pair."""

from __future__ import annotations

import threading
import time
from dataclasses import dataclass
from itertools import groupby
from pathlib import Path

import numpy as np
import pytest
from fake_hid import COMPACT, FakeTransport, moved
from real_time import TooBusyError, when_calm
from test_gamepad import RIGHT_SHOULDER, VirtualPads
from test_loop import Bench

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
"""As sessions set it: a shorter press counts for a tick and a half."""
LATE_NS = 15_000_000
"""A tick that begins so late tells of a machine that keeps threads waiting."""
KEYS = {"a": (-1.0, 0.0), "d": (1.0, 0.0), "w": (0.0, -1.0), "s": (0.0, 1.0)}


@dataclass(frozen=True)
class Press:
    """What the hand did: from when to when (perf_counter, ns), and in which direction."""

    from_ns: int
    to_ns: int
    way: tuple[float, float]


class KeypressModel(threading.Thread):
    """Presses for a moment now and then, at random phases of the tick, each time another way than before."""

    press_s = 0.1
    stands = False
    """Its control to drive is another than what moves, so that it may be heard without any motion."""

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
            self.released(key)
            self.presses.append(Press(begun, time.perf_counter_ns(), KEYS[key]))
            self.rest(0.2 + float(self.rng.uniform(0, 1 / RATE_HZ)))
        self.done.set()

    def hold(self, seconds: float) -> None:
        time.sleep(seconds)

    def rest(self, seconds: float) -> None:
        time.sleep(seconds)

    def press(self, key: str) -> None:
        raise NotImplementedError

    def released(self, key: str) -> None:
        raise NotImplementedError


class Typing(KeypressModel):
    """At the window's keyboard: Space and a direction at once."""

    def __init__(self, seed: int, done: threading.Event) -> None:
        super().__init__(seed, done)
        self.feed = EventFeed()
        self.device: Device = KeyboardDevice(
            self.feed, load_profile("keyboard"), stale_after_s=10.0, tap_hold_s=TAP_S, axes=("x", "y")
        )

    def say(self, kind: str, *names: str) -> None:
        for name in names:
            self.feed.put(InputEvent(time.perf_counter_ns(), kind, name))  # type: ignore[arg-type]

    def press(self, key: str) -> None:
        self.say("key_down", "space", key)

    def released(self, key: str) -> None:
        self.say("key_up", "space", key)

    def rest(self, seconds: float) -> None:
        self.say("alive", "")
        time.sleep(seconds)


class Pushing(KeypressModel):
    """On the cap of a 3D mouse, which drives while it is deflected and reports every 8 ms."""

    def __init__(self, seed: int, done: threading.Event) -> None:
        super().__init__(seed, done)
        self.transport = FakeTransport(COMPACT)
        self.device: Device = HandheldDevice(
            "spacemouse", ReportSource(self.transport), load_profile("spacemouse"), tap_hold_s=TAP_S, axes=("x", "y")
        )
        self.reports: list[bytes] = []

    def press(self, key: str) -> None:
        x, y = KEYS[key]
        self.reports = moved(COMPACT, round(350 * x), round(350 * y), 0, 0, 0, 0)  # its y is towards the person

    def hold(self, seconds: float) -> None:
        until = time.perf_counter() + seconds
        while time.perf_counter() < until:
            self.transport.put(*self.reports)
            time.sleep(0.008)

    def released(self, key: str) -> None:
        self.transport.put(*moved(COMPACT, 0, 0, 0, 0, 0, 0))


class Nudging(Pushing):
    """The same for 50 ms."""

    press_s = 0.05


class Bursting(Nudging):
    """What was reported in those 50 ms comes at once, the cap at rest again behind it: a reader that was held up."""

    def hold(self, seconds: float) -> None:
        self.transport.put(*self.reports * round(seconds / 0.008), *moved(COMPACT, 0, 0, 0, 0, 0, 0))


class Flicking(KeypressModel):
    """At a stick of SDL's virtual gamepad, and the shoulder button at once, for 50 ms."""

    press_s, stands = 0.05, True

    def __init__(self, seed: int, done: threading.Event) -> None:
        super().__init__(seed, done)
        self.pad = VirtualPads().attach()
        self.device: Device = gamepad(load_profile("gamepad"), tap_hold_s=TAP_S, axes=("x", "y"))

    def press(self, key: str) -> None:
        for axis, value in enumerate(KEYS[key]):
            self.pad.axis(axis, value)
        self.pad.button(RIGHT_SHOULDER)

    def released(self, key: str) -> None:
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
    hand = kind(7, done)
    recorder = Recorder(tmp_path / "session.mcap")
    bench = Bench(
        device=hand.device,
        clock=RealTimeClock(RATE_HZ),
        longest=100_000,
        listener=recorder.put,
        asks=lambda: ["quit"] if done.is_set() else [],
    )
    recorder.start()
    hand.device.start()
    hand.start()
    try:
        bench.run()
    finally:
        hand.device.close()
        recorder.close()
        if isinstance(hand, Flicking):
            hand.pad.unplug()
    recorded = Session.open(tmp_path)
    assert recorder.dropped == 0

    stretches = [
        list(ticks)
        for driven, ticks in groupby(recorded.ticks, key=way_of)
        if driven is not None and (any(driven) or not kind.stands)
    ]
    excused = [press for press in hand.presses if asleep(recorded.ticks, press)]
    if len(excused) > PRESSES // 2:
        raise TooBusyError(f"the loop was late at {len(excused)} of {PRESSES} presses")
    found = [way_of(ticks[0]) for ticks in stretches]
    begun = {tick.tick for ticks in stretches for tick in ticks[:1]}
    for press in hand.presses:
        if press in excused:
            continue
        seen = [
            ticks for ticks in stretches if ticks[0].time_ns >= press.from_ns - 10**6 and way_of(ticks[0]) == press.way
        ]
        late_ns = seen[0][0].time_ns - press.from_ns if seen else 10**12
        assert late_ns < press.to_ns - press.from_ns + TAP_S * 1e9 + LATE_NS, (
            f"the press {press.way} is not in the recording"
        )
        assert any(pair.tick in {tick.tick for tick in seen[0]} for pair in recorded.pairs), "and is a pair"
    if not excused:
        assert found == [press.way for press in hand.presses], "each once, in their order"
        assert begun <= {pair.tick for pair in recorded.pairs}, "taught from the first tick on"
    assert [pair.id for pair in recorded.pairs] == [pair.id for pair in bench.sent], "and what is recorded is sent"


def way_of(tick: TickRecord) -> tuple[float, float] | None:
    """The direction that was taught at a tick."""
    if tick.human_action is None:
        return None
    x, y = np.round(tick.human_action)
    return float(x), float(y)


def asleep(ticks: list[TickRecord], press: Press) -> bool:
    """Whether threads had to wait for this machine around a press, which is nothing that a device could do about."""
    around = [tick for tick in ticks if press.from_ns - 10**8 <= tick.time_ns <= press.to_ns + 10**8]
    begun = [tick for tick in around if press.from_ns <= tick.time_ns <= press.to_ns]
    due = int((press.to_ns - press.from_ns) * 1e-9 * RATE_HZ)
    return len(begun) < due or any(tick.lateness_ns > LATE_NS or tick.overrun for tick in around)
