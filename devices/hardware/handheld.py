"""Base of SpaceMouse and gamepad: turns a source of raw axes and buttons into samples through a profile.

All of it, including the source's `open`, `read` and `close`, runs in the device's reader thread, because some
libraries need a single thread. That thread also reopens a lost source; the control loop must never do so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hitl_clic.devices.core.inputs import Inputs
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.held_controls import HeldControls
from hitl_clic.devices.hardware.pulse_stretch import PulseStretch, Raw
from hitl_clic.devices.mapping.command_mapper import Command
from hitl_clic.devices.mapping.mapped_device import MappedDevice
from hitl_clic.devices.mapping.shaping import Profile, count_non_finite

CAP = "cap"
"""A virtual button that counts as held while the cap commands motion: a sprung cap is its own dead-man control."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest state of a source.

    Attributes:
        time_ns: `perf_counter_ns` when the state was reported or last confirmed.
        axes: deflection by raw axis, 1 at full.
        changes: buttons pressed (True) and released (False) since the last reading, oldest first.
        alive: False if the hardware fell silent while deflected; the reading must then be ignored.
        reports: hardware reports in this reading; 1 for polled hardware.
        peak: of the reported states, the one furthest from the end of the last reading; None for polled hardware and
            where there was no report.
    """

    time_ns: int
    axes: Mapping[str, float]
    changes: tuple[tuple[str, bool], ...] = ()
    alive: bool = True
    reports: int = 1
    peak: Mapping[str, float] | None = None


class Source(Protocol):
    """Hardware, or its stand-in in a test. Called from one thread."""

    def open(self) -> None:
        """Find and open the hardware. Raises OSError with a sentence if there is none."""

    def read(self, timeout_s: float) -> Reading:
        """Wait at most `timeout_s`, drain all reports and return the state. Raises OSError when unplugged."""

    def rumble(self) -> None:
        """Rumble briefly, if the hardware has a motor."""

    def close(self) -> None:
        """Close the hardware. Safe to call twice and after an unplug."""


class HandheldDevice(MappedDevice):
    """A device with its own hardware; `CommandMapper` maps its deflections and buttons to the task's axes.

    A profile may bind buttons joined by "+", which must be held together ("left+right").
    """

    def __init__(
        self,
        name: str,
        source: Source,
        profile: Profile,
        rate_hz: float = 100.0,
        tap_hold_s: float = 0.12,
        retry_s: float = 0.5,
        clock: Callable[[], int] = time.perf_counter_ns,
        axes: Sequence[str] = (),
    ) -> None:
        """
        Args:
            name: in messages and recordings.
            source: the hardware, used by this device's reader thread alone.
            profile: axes, bindings and response.
            rate_hz: lowest rate of samples; a source that waits for its hardware makes one at once.
            tap_hold_s: seconds that a shorter press or push counts as held; longer than one tick.
            retry_s: seconds between two attempts to open the source.
            clock: monotonic nanoseconds.
            axes: the task's axis names; empty: the profile's.

        Raises:
            ValueError: the profile has none of these axes.
        """
        super().__init__(rate_hz, profile, axes)
        self.name = name
        self._source = source
        self._retry_ns = round(retry_s * 1e9)
        self._clock = clock
        self._buttons = HeldControls(round(tap_hold_s * 1e9))
        self._stretch = PulseStretch(round(tap_hold_s * 1e9))
        self._stop_parts = {part for name in profile.controls_for("stop")[1] for part in name.split("+")}
        self._opened = False
        self._retry_at_ns = clock()
        self._rumble_pending = False

    def read(self, timeout_s: float) -> DeviceSample:
        """Drain the source and return its state. Every `retry_s`, try to reopen a lost source."""
        if not self._opened and not self._open():
            self._closing.wait(timeout_s)
            return self._disconnected()
        try:
            reading = self._source.read(timeout_s)
            if self._rumble_pending:
                self._rumble_pending = False
                self._source.rumble()
        except OSError as error:
            self._disconnect(str(error))
            return self._disconnected()
        now_ns = self._clock()
        self._apply_pending()
        for button, pressed in reading.changes:
            if not pressed:
                self._buttons.release(button)
            elif self._buttons.press(button, now_ns):
                self._mapper.press(self._profile.buttons.get(button, ""))
        self.inputs = Inputs(reading.axes, self._buttons.names(now_ns), reading.reports)
        self.trouble = "" if reading.alive else f"the {self.name} fell silent in mid-motion"
        if not reading.alive:
            self._release_all()
            return self._disconnected()
        return self._sample(reading, now_ns)

    def robot_stopped(self) -> None:
        """Rumble at the next reading."""
        self._rumble_pending = True

    def release(self) -> None:
        """Close the source."""
        self._source.close()

    def _sample(self, reading: Reading, now_ns: int) -> DeviceSample:
        self.non_finite_readings += count_non_finite(reading.axes)
        held = self._held(now_ns)

        def size(raw: Raw) -> float:
            return _largest_push(self._mapper.command(raw, held))

        command = self._command(self._stretch.stretched(reading.axes, reading.peak, size, now_ns), held)
        if CAP in self._profile.buttons and _largest_push(command):
            # not stretched: zero motion after the release would be recorded as a correction to stand still
            held.add(self._profile.buttons[CAP])
        return DeviceSample(reading.time_ns, engage="engage" in held, stop="stop" in held, **command._asdict())

    def _command(self, axes: Raw, held: set[str]) -> Command:
        """The command of deflections and held controls."""
        raw = dict(axes)
        for end in held:  # buttons bound to an end of a raw axis deflect it; opposite ones cancel
            if end[0] in "+-":
                raw[end[1:]] = raw.get(end[1:], 0.0) + (1.0 if end[0] == "+" else -1.0)
        return self._mapper.command(raw, held)

    def _held(self, now_ns: int) -> set[str]:
        """The bindings of all held buttons."""
        return {
            binding
            for name, binding in self._profile.buttons.items()
            if all(self._buttons.active(part, now_ns) for part in name.split("+"))
        }

    def _open(self) -> bool:
        now_ns = self._clock()
        if now_ns < self._retry_at_ns:
            return False
        try:
            self._source.open()
        except OSError as error:
            self._disconnect(str(error))
            return False
        self._opened, self.trouble = True, ""
        return True

    def _disconnect(self, why: str) -> None:
        self.trouble = why
        self._opened = False
        self._retry_at_ns = self._clock() + self._retry_ns
        self._source.close()
        self._release_all()

    def _release_all(self) -> None:
        """Release all controls, except a recent press of the emergency stop, which must not be lost."""
        self._buttons.clear(keep_taps_of=self._stop_parts)
        self._stretch.reset()
        self._mapper.release_grippers()

    def _disconnected(self) -> DeviceSample:
        self.inputs = Inputs(reports=0)
        stop = "stop" in self._held(self._clock())
        return DeviceSample(self._clock(), (0.0,) * len(self.axes), stop=stop, connected=False)


def _largest_push(command: Command) -> float:
    """The largest motion among axes that need a push; a gripper command that persists does not count."""
    lasting = command.lasting or (False,) * len(command.motion)
    return max((abs(v) for v, lasts in zip(command.motion, lasting, strict=True) if not lasts), default=0.0)
