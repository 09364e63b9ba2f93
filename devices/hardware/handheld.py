"""What SpaceMouse and gamepad share: a source of raw axes and named buttons becomes samples through a profile.

Everything here runs in the device's own reader thread, the source's `open`, `read` and `close` included, so a library
that wants one thread has it. A source that is gone is looked for again, in that thread, and never by a tick.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hitl_clic.devices.core.inputs import Inputs
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.held import Held
from hitl_clic.devices.hardware.pulse_stretch import PulseStretch, Raw
from hitl_clic.devices.mapping.command_mapper import Command
from hitl_clic.devices.mapping.mapped_device import MappedDevice
from hitl_clic.devices.mapping.shaping import Profile, broken

CAP = "cap"
"""Counts as a held button while it moves something: a cap that springs back is its own dead-man."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest state of a source.

    Attributes:
        time_ns: `perf_counter_ns` when the state was reported or last confirmed.
        axes: deflection by raw axis, 1 at full.
        changes: buttons pressed (True) and released (False) since the last reading, oldest first.
        alive: False while the source is there but has fallen silent in mid-motion; nothing of it may be acted upon.
        reports: how many reports of the hardware were taken in, where it sends reports; 1 where it is asked.
        passed: of the states taken in, the one furthest from where the last reading ended; None where there were none,
            or the hardware is asked, which tells of none in between.
    """

    time_ns: int
    axes: Mapping[str, float]
    changes: tuple[tuple[str, bool], ...] = ()
    alive: bool = True
    reports: int = 1
    passed: Mapping[str, float] | None = None


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


class HandheldDevice(MappedDevice):
    """A hand's motion on a task's axes; what deflections and buttons mean is the `Pilot`'s, by the profile.

    Names of buttons may be joined by "+": both must be held ("left+right").
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
            name: of the device, for people and recordings.
            source: the hardware; this device's reader thread is the only one to use it.
            profile: axes, bindings and response.
            rate_hz: least rate of new samples; a source that waits for its hardware makes one at once.
            tap_hold_s: seconds a shorter press or nudge counts as held; set it well over one tick of the loop.
            retry_s: seconds between two attempts to open a source that is gone.
            clock: nanoseconds, monotonic (tests hand in their own).
            axes: the task's, as its actions name them; empty for those that the profile names.

        Raises:
            ValueError: the profile has none of these axes.
        """
        super().__init__(rate_hz, profile, axes)
        self.name = name
        self._source = source
        self._retry_ns = round(retry_s * 1e9)
        self._clock = clock
        self._buttons = Held(round(tap_hold_s * 1e9))
        self._nudge = PulseStretch(round(tap_hold_s * 1e9))
        self._stop_parts = {part for name in profile.bound("stop")[1] for part in name.split("+")}
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
        self._heed()
        for button, pressed in reading.changes:
            if not pressed:
                self._buttons.release(button)
            elif self._buttons.press(button, now_ns):
                self._pilot.press(self._profile.buttons.get(button, ""))
        self.inputs = Inputs(reading.axes, self._buttons.names(now_ns), reading.reports)
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
        self.broken_readings += broken(reading.axes)
        held = self._held(now_ns)

        def pushed(raw: Raw) -> float:
            return _pushed(self._pilot.command(raw, held))

        command = self._command(self._nudge.felt(reading.axes, reading.passed, pushed, now_ns), held)
        if CAP in self._profile.buttons and _pushed(command):
            # beyond the motion its end is not drawn out as that of a tap is: that would be a lesson to stand still
            held.add(self._profile.buttons[CAP])
        return DeviceSample(reading.time_ns, engage="engage" in held, stop="stop" in held, **command._asdict())

    def _command(self, axes: Raw, held: set[str]) -> Command:
        """What deflections and held controls ask for."""
        raw = dict(axes)
        for end in held:  # buttons bound to an end of a raw axis deflect it; opposite ones cancel
            if end[0] in "+-":
                raw[end[1:]] = raw.get(end[1:], 0.0) + (1.0 if end[0] == "+" else -1.0)
        return self._pilot.command(raw, held)

    def _held(self, now_ns: int) -> set[str]:
        """The bindings of all buttons that are held."""
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
        self._nudge.forget()
        self._pilot.released()

    def _gone(self) -> DeviceSample:
        self.inputs = Inputs(reports=0)
        stop = "stop" in self._held(self._clock())
        return DeviceSample(self._clock(), (0.0,) * len(self.axes), stop=stop, connected=False)


def _pushed(command: Command) -> float:
    """The greatest motion that hands push for; what lasts by itself is none."""
    lasting = command.lasting or (False,) * len(command.motion)
    return max((abs(v) for v, lasts in zip(command.motion, lasting, strict=True) if not lasts), default=0.0)
