"""What SpaceMouse and gamepad share: a source of raw axes and named buttons becomes samples through a profile.

Everything here runs in the device's own reader thread, the source's `open`, `read` and `close` included, so a library
that wants one thread has it. A source that is gone is looked for again, in that thread, and never by a tick.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from typing import Protocol

from devices.device import Device
from devices.held import Held
from devices.sample import DeviceSample
from devices.shaping import Profile, broken, shape

GRIPPER = "gripper"
"""The raw axis made of the buttons that shut (1) and open (-1) the gripper, and the motion axis it drives."""
DEFLECTION = "deflection"
"""Counts as a held button while anything is deflected beyond its deadzone: a spring-loaded cap is its own dead-man."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest state of a source.

    Attributes:
        time_ns: `perf_counter_ns` when the state was reported or last confirmed.
        axes: deflection by raw axis, 1 at full.
        changes: buttons pressed (True) and released (False) since the last reading, oldest first.
        alive: False while the source is there but has fallen silent in mid-motion; nothing of it may be acted upon.
    """

    time_ns: int
    axes: Mapping[str, float]
    changes: tuple[tuple[str, bool], ...] = ()
    alive: bool = True


class Source(Protocol):
    """Hardware, or what stands for it in a test. One thread calls all of it."""

    def open(self) -> None:
        """Find the hardware and open it. Raises OSError, with a sentence for a person, when there is none."""

    def read(self, timeout_s: float) -> Reading:
        """Wait at most `timeout_s` for news, drain everything, return the state. Raises OSError when it is gone."""

    def buzz(self) -> None:
        """Let the hand feel something for a moment, where the hardware can."""

    def close(self) -> None:
        """Give the hardware back. Safe to call twice, and after a loss."""


class HandheldDevice(Device):
    """A hand's motion on named axes, with dead-man, stop, precise and gripper buttons as the profile binds them.

    Names of buttons may be joined by "+": both must be held ("left+right"). The gripper is taught only once a button
    has said so, and until the hand lets go of everything: before that the robot keeps its own.
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
    ) -> None:
        """
        Args:
            name: of the device, for people and recordings.
            source: the hardware; this device's reader thread is the only one to use it.
            profile: axes, bindings and response.
            rate_hz: least rate of new samples; a source that waits for its hardware makes one at once.
            tap_hold_s: seconds a shorter press or nudge counts as held; set it a little over one tick of the loop.
            retry_s: seconds between two attempts to open a source that is gone.
            clock: nanoseconds, monotonic (tests hand in their own).
        """
        super().__init__(rate_hz)
        self.name = name
        self.axes = profile.axis_names
        self.broken_readings = 0
        """Raw readings that were not finite numbers and were taken as zero."""
        self._source, self._profile = source, profile
        self._retry_ns = round(retry_s * 1e9)
        self._clock = clock
        self._buttons = Held(round(tap_hold_s * 1e9))
        self._stop_parts = {part for name in profile.stop_buttons for part in name.split("+")}
        self._gripper_at = tuple((setting.source or axis) == GRIPPER for axis, setting in profile.axes.items())
        self._gripper = 0.0
        self._deflected = False
        self._opened = False
        self._retry_at_ns = clock()
        self._buzzes = False

    def read(self, timeout_s: float) -> DeviceSample:
        """Drain the source and return the state after it; a source that is gone is looked for now and then."""
        if not self._opened and not self._open():
            self._closing.wait(timeout_s)
            return self._gone()
        try:
            reading = self._source.read(timeout_s)
            if self._buzzes:
                self._buzzes = False
                self._source.buzz()
        except OSError as error:
            self._lose(str(error))
            return self._gone()
        now_ns = self._clock()
        for button, pressed in reading.changes:
            self._hear(button, pressed, now_ns)
        self.trouble = "" if reading.alive else f"the {self.name} fell silent in mid-motion"
        if not reading.alive:
            self._let_go()
            return self._gone()
        return self._sample(reading, now_ns)

    def stopped(self) -> None:
        """Buzz, at the next reading."""
        self._buzzes = True

    def release(self) -> None:
        """Close the source."""
        self._source.close()

    def _sample(self, reading: Reading, now_ns: int) -> DeviceSample:
        profile = self._profile
        raw = {**reading.axes, GRIPPER: 0.0}
        self.broken_readings += broken(raw)
        gain = profile.precise_scale if self._held(profile.precise_buttons, now_ns) else 1.0
        moved = [value * gain for value in shape(raw, profile)]
        self._deflected = any(moved)
        engage = self._held(profile.engage_buttons, now_ns)
        grip = self._grip(now_ns)
        if grip:
            self._gripper = grip
        elif not engage and not self._deflected:
            self._gripper = 0.0
        teaches = None
        if any(self._gripper_at):
            shut = shape({GRIPPER: self._gripper}, profile)
            moved = [shut[i] if of_gripper else moved[i] for i, of_gripper in enumerate(self._gripper_at)]
            if not self._gripper:
                teaches = tuple(not of_gripper for of_gripper in self._gripper_at)
        stop = self._held(profile.stop_buttons, now_ns)
        return DeviceSample(reading.time_ns, tuple(moved), engage=engage, stop=stop, teaches=teaches)

    def _grip(self, now_ns: int) -> float:
        """1 while the gripper is told to shut, -1 to open, 0 for neither or both."""
        shut, opened = self._profile.shut_buttons, self._profile.open_buttons
        return float(self._held(shut, now_ns)) - float(self._held(opened, now_ns))

    def _held(self, names: Collection[str], now_ns: int) -> bool:
        return any(all(self._active(part, now_ns) for part in name.split("+")) for name in names)

    def _active(self, button: str, now_ns: int) -> bool:
        # no tap of a deflection is drawn out: what followed it would be a lesson to stand still
        return self._deflected if button == DEFLECTION else self._buttons.active(button, now_ns)

    def _hear(self, button: str, pressed: bool, now_ns: int) -> None:
        if pressed:
            self._buttons.press(button, now_ns)
        else:
            self._buttons.release(button)

    def _open(self) -> bool:
        now_ns = self._clock()
        if now_ns < self._retry_at_ns:
            return False
        try:
            self._source.open()
        except OSError as error:
            self._lose(str(error))
            return False
        self._opened, self.trouble = True, ""
        return True

    def _lose(self, why: str) -> None:
        self.trouble = why
        self._opened = False
        self._retry_at_ns = self._clock() + self._retry_ns
        self._source.close()
        self._let_go()

    def _let_go(self) -> None:
        """Forget what is held, but not the tap of a stop: once pressed it must be heard."""
        self._buttons.clear(keep_taps_of=self._stop_parts)
        self._gripper, self._deflected = 0.0, False

    def _gone(self) -> DeviceSample:
        stop = self._held(self._profile.stop_buttons, self._clock())
        return DeviceSample(self._clock(), (0.0,) * len(self.axes), stop=stop, connected=False)
