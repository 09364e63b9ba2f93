"""Plays recorded corrections as a device, at their recorded times. Runs in its reader thread; reads no files."""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample


@dataclass(frozen=True, slots=True)
class Step:
    """One recorded sample, in force until the next.

    Attributes:
        at_s: seconds from the first step. motion: one number in [-1, 1] per axis.
        engage, teaches: see `DeviceSample`. connected: whether the recorded device was connected.
    """

    at_s: float
    motion: tuple[float, ...]
    engage: bool = False
    teaches: tuple[bool, ...] | None = None
    connected: bool = True


class PlaybackDevice(Device):
    """Plays recorded steps from its first reading; at rest after the last."""

    name = "playback"
    person = False

    def __init__(
        self,
        axes: Sequence[str],
        steps: Sequence[Step],
        rate_hz: float = 100.0,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        """
        Args:
            axes: names of the motion axes. steps: in order of time; the last one only ends the one before.
            rate_hz: samples per second. clock: monotonic nanoseconds.

        Raises:
            ValueError: there are no steps, they are out of order, or they do not fit the axes.
        """
        super().__init__(rate_hz)
        self.axes = tuple(axes)
        if not steps:
            raise ValueError("there is nothing to play: the recording has no steps")
        self._times_s = [step.at_s for step in steps]
        if self._times_s != sorted(self._times_s):
            raise ValueError("recorded steps are not in the order of their times")
        if any(len(step.motion) != len(self.axes) for step in steps):
            raise ValueError(f"recorded steps do not fit the axes {', '.join(self.axes)}")
        self._steps = tuple(steps)
        self._clock = clock
        self._began_ns = -1
        self.ended = False
        """Whether the last step is over."""

    def read(self, timeout_s: float) -> DeviceSample:
        """Wait, then return the present step, stamped now."""
        self._closing.wait(timeout_s)
        now_ns = self._clock()
        if self._began_ns < 0:
            self._began_ns = now_ns
        at_s = (now_ns - self._began_ns) * 1e-9 + self._times_s[0]
        self.ended = at_s >= self._times_s[-1]
        step = self._steps[max(0, bisect_right(self._times_s, at_s) - 1)]
        nothing = (0.0,) * len(self.axes)
        if self.ended:
            return DeviceSample(now_ns, nothing)
        if not step.connected:
            return DeviceSample(now_ns, nothing, connected=False)
        return DeviceSample(now_ns, step.motion, engage=step.engage, teaches=step.teaches)
