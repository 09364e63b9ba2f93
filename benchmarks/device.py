"""Age of the device sample that a tick uses, with a 3D mouse at 100 Hz and occasional bursts of old reports.

    python -m benchmarks.device [--seconds 10] [--rate-hz 20]

Device thread, slot and clock are those of a session; the transport is a fake. Each report carries a mark, which tells
the tick when the report was sent. So an old report is found whatever its time stamp says. No random numbers.
"""

from __future__ import annotations

import collections
import struct
import sys
import threading
import time
from typing import Any

from benchmarks.figure import parser, percentiles, tell
from hitl_clic.control.clock import RealTimeClock
from hitl_clic.devices.hardware.spacemouse import ReportSource, spacemouse
from hitl_clic.devices.hardware.spacemouse_models import MODELS, Model
from hitl_clic.devices.hardware.spacemouse_reports import FULL
from hitl_clic.devices.mapping.shaping import AxisSetting, Profile

DEVICE_HZ = 100.0
BURST = 500
BURST_EVERY = 20
"""Reports between two bursts."""
_MARKS = 300
_WIRELESS = MODELS[0x256F, 0xC62E]
_PLAIN = Profile(name="plain", axes={"right": AxisSetting()}, buttons={"cap": "engage"})


class Flood(threading.Thread):
    """A fake transport: one report every 10 ms, and a burst of 500 old reports before every 20th.

    Attributes:
        sent_ns: when the newest report of each mark was sent. model, interface: as of every transport.
    """

    model = _WIRELESS
    interface = "flood"

    def __init__(self) -> None:
        super().__init__(daemon=True)
        self.sent_ns = [0] * _MARKS
        self._queue: collections.deque[bytes] = collections.deque()
        self._news = threading.Condition()
        self._done = threading.Event()

    def run(self) -> None:
        clock, number = RealTimeClock(DEVICE_HZ), 0
        clock.start()
        while not self._done.is_set():
            clock.wait()
            mark, number = number % _MARKS, number + 1
            old = [_report((mark - 1) % _MARKS)] * (0 if number % BURST_EVERY else BURST)
            self.sent_ns[mark] = time.perf_counter_ns()
            self.put([*old, _report(mark)])
            clock.finish()

    def put(self, reports: list[bytes]) -> None:
        """Add reports to the queue."""
        with self._news:
            self._queue.extend(reports)
            self._news.notify()

    def open(self) -> Model:
        return _WIRELESS

    def read(self, timeout_s: float) -> bytes:
        with self._news:
            if timeout_s > 0:
                self._news.wait_for(lambda: self._queue, timeout_s)
            return self._queue.popleft() if self._queue else b""

    def close(self) -> None:
        self._done.set()


def _report(mark: int) -> bytes:
    return bytes([1]) + struct.pack("<6h", mark + 1, 0, 0, 0, 0, 0)


def measure(seconds: float, rate_hz: float = 20.0) -> dict[str, Any]:
    """Tick for `seconds` and measure ages in milliseconds, from the sending of a report to its use in a tick.

    With a report every 10 ms, the newest report is 0 to 10 ms old. `behind_ms` is the time since a newer report was
    sent, 0 if there is none. `lost` counts ticks without a sample, because the device thread had to wait too long.

    Raises:
        RuntimeError: no tick had a sample.
    """
    flood = Flood()
    device = spacemouse(_PLAIN, ReportSource(flood))
    clock = RealTimeClock(rate_hz)
    ages: list[float] = []
    behinds: list[float] = []
    lates: list[float] = []
    switch = sys.getswitchinterval()
    sys.setswitchinterval(0.0005)  # as in a session
    device.start()
    flood.start()
    try:
        while not device.latest().engage:
            time.sleep(0.01)
        clock.start()
        for _ in range(round(seconds * rate_hz)):
            lates.append(clock.wait() * 1e-6)
            sample = device.latest()
            now_ns = time.perf_counter_ns()
            clock.finish()
            if not sample.engage:
                continue
            mark = round(sample.motion[0] * FULL) - 1
            sent_ns, newer_ns = flood.sent_ns[mark], flood.sent_ns[(mark + 1) % _MARKS]
            ages.append((now_ns - sent_ns) * 1e-6)
            behinds.append(max(0, now_ns - newer_ns) * 1e-6 if newer_ns > sent_ns else 0.0)
    finally:
        sys.setswitchinterval(switch)
        flood.close()
        device.close()
    levels = (50, 99, 100)
    if not ages:
        raise RuntimeError("the device was lost at every tick: this machine is too busy to measure")
    return {
        "device_hz": DEVICE_HZ,
        "tick_hz": rate_hz,
        "burst": BURST,
        "ticks": len(lates),
        "lost": len(lates) - len(ages),
        "age_ms": percentiles(ages, *levels),
        "behind_ms": percentiles(behinds, *levels),
        "tick_lateness_ms": percentiles(lates, *levels),
        "older_than_10_ms_share": round(sum(age > 10.0 for age in ages) / len(ages), 4),
        "burst_cpu_ms": percentiles(_burst_cpu_ms(), *levels),
    }


def _burst_cpu_ms(bursts: int = 50) -> list[float]:
    """CPU time in milliseconds to read one burst: the least delay that a burst causes."""
    flood, times = Flood(), []
    device = spacemouse(_PLAIN, ReportSource(flood))
    device.read(0.0)
    for number in range(bursts):
        flood.put([_report(0)] * BURST + [_report(number + 1)])
        begun = time.thread_time()
        device.read(0.0)
        times.append((time.thread_time() - begun) * 1e3)
    return times


if __name__ == "__main__":
    options = parser("Age of the sample a tick uses, with a 3D mouse whose queue is flooded.")
    options.add_argument("--rate-hz", type=float, default=20.0, help="ticks per second (default 20)")
    given = options.parse_args()
    tell("device", measure(given.seconds, given.rate_hz))
