"""What a device says at one instant. Immutable; crosses threads by reference."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DeviceSample:
    """One shaped reading of a device.

    Attributes:
        time_ns: `time.perf_counter_ns()` when the underlying input was taken or last confirmed, nanoseconds.
        motion: commanded motion, one number in [-1, 1] per name in `Device.axes`; all zero when not touched.
        engage: the dead-man control (or, for the oracle, "I want to correct now") is held.
        stop: the emergency-stop control is held.
        connected: False once the hardware (or its source) is gone; `motion` is then all zero.
        answers_tick: for teachers that answer a particular tick: its number; -1 for free-running devices.
    """

    time_ns: int
    motion: tuple[float, ...]
    engage: bool = False
    stop: bool = False
    connected: bool = True
    answers_tick: int = -1

    def age_s(self, now_ns: int) -> float:
        """Seconds since the reading was taken, never negative."""
        return max(0, now_ns - self.time_ns) * 1e-9
