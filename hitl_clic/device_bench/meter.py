"""Figures of one device while it is tried out: rate, jitter, queue, age, and what each axis and button does.

`take` runs in the device's reader thread (`Device.watch`), `look` and what gives figures in the caller's. They share
counters under one lock, which nobody holds for long; a session has no meter.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from hitl_clic.devices.core.axes import TURNS, base
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.inputs import Inputs
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.mapping.profiles import Rest
from hitl_clic.devices.mapping.shaping import Profile, shape

PAUSE_NS = 250_000_000
"""A longer gap between reports is rest, not jitter: many devices are silent at rest."""
_WINDOW = 100_000
"""Number of newest intervals and ages that are kept: some minutes of the fastest device."""


@dataclass(slots=True)
class Range:
    """Lowest, highest and sum of the values so far."""

    low: float = 0.0
    high: float = 0.0
    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> None:
        self.low = min(self.low, value) if self.count else value
        self.high = max(self.high, value) if self.count else value
        self.total += value
        self.count += 1


@dataclass(frozen=True, slots=True)
class Figures:
    """The measurements.

    Attributes:
        readings, reports: counts. rate_hz: reports per second, without pauses; 0 before the second report.
        interval_p50_ms, interval_p99_ms: time between readings with reports. most_waiting: most reports in one reading.
        dropped: reports lost to a full queue. age_p50_ms, age_p99_ms: age of the newest sample, when it was read.
        losses: number of disconnections. pressed: buttons and keys that were pressed.
    """

    readings: int
    reports: int
    rate_hz: float
    interval_p50_ms: float
    interval_p99_ms: float
    most_waiting: int
    dropped: int
    age_p50_ms: float
    age_p99_ms: float
    losses: int
    pressed: tuple[str, ...]


class Meter:
    """Measures one device from its start.

    Args:
        device: not started. clock: nanoseconds, the same clock as its samples.

    Attributes:
        raw: range by raw axis. motion: range of each motion axis, in the order of `device.axes`.
    """

    def __init__(self, device: Device, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._device, self._clock = device, clock
        self._lock = threading.Lock()
        self._intervals_ns: deque[int] = deque(maxlen=_WINDOW)
        self._counts: deque[int] = deque(maxlen=_WINDOW)
        """Number of reports at the end of each interval."""
        self._ages_ns: deque[int] = deque(maxlen=_WINDOW)
        self._report_ns = -1
        self._readings = self._reports = self._most = self._dropped = self._losses = 0
        self._connected = False
        self._pressed: dict[str, None] = {}
        self.raw: dict[str, Range] = {}
        self.motion = [Range() for _ in device.axes]
        self.begun = threading.Event()
        """Set at the first reading, which may take seconds while hardware is searched."""
        device.on_reading = self.add_reading

    def add_reading(self, sample: DeviceSample, inputs: Inputs) -> None:
        """Count one reading (reader thread)."""
        now_ns = self._clock()
        with self._lock:
            self._readings += 1
            self.begun.set()
            self._reports += inputs.reports
            self._most = max(self._most, inputs.reports)
            self._dropped = max(self._dropped, inputs.dropped)
            self._losses += self._connected and not sample.connected
            self._connected = sample.connected
            self._pressed.update(dict.fromkeys(inputs.held))
            if inputs.reports:
                gap_ns = now_ns - self._report_ns
                if self._report_ns >= 0 and gap_ns <= PAUSE_NS:
                    self._intervals_ns.append(gap_ns)
                    self._counts.append(inputs.reports)
                self._report_ns = now_ns
            for name, value in inputs.raw.items():
                self.raw.setdefault(name, Range()).add(value)
            for values, value in zip(self.motion, sample.motion, strict=True):
                values.add(value)

    def newest_sample(self) -> DeviceSample:
        """The newest sample, as the control loop would read it; its age is counted."""
        sample = self._device.latest()
        self._ages_ns.append(max(0, self._clock() - sample.time_ns))
        return sample

    def figures(self, newest: int = _WINDOW) -> Figures:
        """The measurements; rates and times over the last `newest` entries."""
        with self._lock:
            intervals, counts = list(self._intervals_ns)[-newest:], list(self._counts)[-newest:]
            ages = list(self._ages_ns)[-newest:]
            span_s = sum(intervals) * 1e-9
            return Figures(
                readings=self._readings,
                reports=self._reports,
                rate_hz=sum(counts) / span_s if span_s > 0 else 0.0,
                interval_p50_ms=_percentile(intervals, 0.5) * 1e-6,
                interval_p99_ms=_percentile(intervals, 0.99) * 1e-6,
                most_waiting=self._most,
                dropped=self._dropped,
                age_p50_ms=_percentile(ages, 0.5) * 1e-6,
                age_p99_ms=_percentile(ages, 0.99) * 1e-6,
                losses=self._losses,
                pressed=tuple(self._pressed),
            )

    def rests(self) -> dict[str, Rest]:
        """Readings of each raw axis so far, for `calibrated`."""
        with self._lock:
            return {
                name: Rest(values.total / values.count, values.low, values.high) for name, values in self.raw.items()
            }


def _percentile(values: Sequence[int], share: float) -> float:
    """The value at a share of the sorted values; 0 if there are none."""
    return float(sorted(values)[min(len(values) - 1, int(share * len(values)))]) if values else 0.0


def shaped_deflections(raw: Mapping[str, float], profile: Profile) -> dict[str, float]:
    """Raw deflections after deadzone and curve, before scale and mode, by motion axis."""
    axes = {name: setting.model_copy(update={"scale": 1.0}) for name, setting in profile.axes.items()}
    unscaled = profile.model_copy(update={"axes": axes})
    moves = tuple(name for name in axes if base(name) not in TURNS)
    turns = tuple(name for name in axes if base(name) in TURNS)
    values: dict[str, float] = {}
    for names in (moves, turns):  # as in `CommandMapper`: a radial response is over each group
        values.update(zip(names, shape(raw, unscaled, names), strict=True))
    return values
