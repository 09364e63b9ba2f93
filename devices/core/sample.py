"""One reading of a device. Immutable; passed between threads by reference."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace


@dataclass(frozen=True, slots=True)
class DeviceSample:
    """One shaped reading of a device.

    Attributes:
        time_ns: `time.perf_counter_ns()` when the underlying input was taken or last confirmed, nanoseconds.
        motion: commanded motion, one number in [-1, 1] per name in `Device.axes`; all zero when not touched.
        engage: the dead-man control (for the scripted teacher: it wants to correct now) is held.
        stop: the emergency-stop control is held.
        connected: False once the hardware (or its source) is gone; `motion` is then all zero.
        teaches: for each axis, whether the correction covers it; the robot keeps the others. None: all axes.
        lasting: for each axis, whether its motion persists after a press, as a gripper command does. Such a motion
            does not show that the operator pushes now. None: no axis.
        slow: the control of slow motion is held.
        still: the control that teaches standing still is held; it also engages, and `motion` is then zero.
    """

    time_ns: int
    motion: tuple[float, ...]
    engage: bool = False
    stop: bool = False
    connected: bool = True
    teaches: tuple[bool, ...] | None = None
    lasting: tuple[bool, ...] | None = None
    still: bool = False
    slow: bool = False

    def age_s(self, now_ns: int) -> float:
        """Seconds since the reading was taken, never negative."""
        return max(0, now_ns - self.time_ns) * 1e-9


def fresh(sample: DeviceSample, now_ns: int, limit_s: float) -> DeviceSample:
    """The sample, with its motion set to zero if it is older than `limit_s` seconds, disconnected or not finite.

    An emergency stop stays in force at any age.
    """
    sound = sample.connected and all(map(math.isfinite, sample.motion))
    if sound and sample.age_s(now_ns) <= limit_s:
        return sample
    return replace(sample, motion=(0.0,) * len(sample.motion), engage=False, still=False, slow=False, connected=False)
