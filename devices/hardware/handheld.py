"""Base of SpaceMouse and gamepad: turns a source of raw axes and buttons into samples through a profile.

All of it, including the source's `open`, `read` and `close`, runs in the device's reader thread, because some
libraries need a single thread. That thread also reopens a lost source; the control loop must never do so.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from hitl_clic.devices.core.inputs import Inputs
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.held_controls import HeldControls
from hitl_clic.devices.hardware.presses import Presses
from hitl_clic.devices.hardware.pulse_stretch import PulseStretch, Raw
from hitl_clic.devices.mapping.command_mapper import Command
from hitl_clic.devices.mapping.mapped_device import MappedDevice
from hitl_clic.devices.mapping.push import Push
from hitl_clic.devices.mapping.rest import RestOffsets
from hitl_clic.devices.mapping.shaping import Profile, count_non_finite

CAP = "cap"
"""A virtual button that counts as held while the cap is pushed: a sprung cap is its own dead-man control."""


@dataclass(frozen=True, slots=True)
class Reading:
    """The newest state of a source.

    Attributes:
        time_ns: `perf_counter_ns` when the state was reported or last confirmed.
        axes: deflection by raw axis, 1 at full.
        changes: buttons pressed (True) and released (False) since the last reading, oldest first.
        alive: False if the hardware is silent where it should report; the reading must then be ignored.
        reports: hardware reports in this reading; 1 for polled hardware.
        peak: of the reported states, the one furthest from the end of the last reading; None for polled hardware and
            where there was no report.
        why: of a reading that is not alive, as a sentence. origin: the interface that is read, in words.
        note: what a person should know about a source that is alive, as a sentence; empty if nothing.
        opening: this is the state that was found at opening, so what is down was pressed before.
    """

    time_ns: int
    axes: Mapping[str, float]
    changes: tuple[tuple[str, bool], ...] = ()
    alive: bool = True
    reports: int = 1
    peak: Mapping[str, float] | None = None
    why: str = ""
    origin: str = ""
    note: str = ""
    opening: bool = False


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

    A profile may bind chords ("left+right") and long presses ("left long") too, see `presses`. Motion is zero until the
    device is pushed, see `push.Push`, and what it reads at rest is learnt, see `rest`.
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
        self._shown = HeldControls(round(tap_hold_s * 1e9))
        """Buttons that are down, bound or not; for display."""
        self._presses = Presses(profile.buttons, round(tap_hold_s * 1e9))
        self._stretch = PulseStretch(round(tap_hold_s * 1e9))
        self._push = Push(profile)
        self._rest = RestOffsets(profile.rest_limit, profile.zeros)
        self._opened, self._note = False, ""
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
        self._note_buttons(reading, now_ns)
        self.inputs = Inputs(
            reading.axes,
            self._shown.names(now_ns),
            reading.reports,
            rest=self._rest.offsets,
            origin=reading.origin,
        )
        self.trouble = "" if reading.alive else reading.why or f"the {self.name} fell silent in mid-motion"
        self._note = reading.note if reading.alive else ""
        if not reading.alive:
            self._release_all()
            return self._disconnected(reading.origin)
        return self._sample(reading, now_ns)

    def status_text(self) -> str:
        """Mode, arm and gripper, what is wrong with the rest of the device, and what its source says."""
        return " · ".join(filter(None, (super().status_text(), self._rest.drift(), self._note)))

    def robot_stopped(self) -> None:
        """Rumble at the next reading."""
        self._rumble_pending = True

    def slowed(self, speed: float) -> None:
        self._presses.slowed(speed)
        self._stretch.speed = speed

    def release(self) -> None:
        """Close the source."""
        self._source.close()

    def _note_buttons(self, reading: Reading, now_ns: int) -> None:
        """Note what was pressed and released since the last reading, in order."""
        pressed = self._presses.elapse(now_ns)
        for button, down in reading.changes:
            if down:
                self._shown.press(button, now_ns)
            else:
                self._shown.release(button)
            pressed += self._presses.feed(button, down, now_ns)
        if reading.opening:
            self._presses.pass_over()
            return
        for binding in pressed:
            self._mapper.press(binding)

    def _sample(self, reading: Reading, now_ns: int) -> DeviceSample:
        self.non_finite_readings += count_non_finite(reading.axes)
        held = self._presses.bound(now_ns)

        def size(raw: Raw) -> float:
            return self._push.counted(self._mapper.push(self._deflected(raw, held), held))

        axes = self._rest.apply(reading.axes)
        peak = None if reading.peak is None else self._rest.apply(reading.peak)
        raw = self._deflected(self._stretch.stretched(axes, peak, size, now_ns), held)
        phase = self._push.step(self._mapper.push(raw, held), now_ns)
        self._rest.learn(reading.axes, phase, now_ns)
        command = self._mapper.command(raw, held)
        if phase != "pushed":
            command = _without_motion(command)
        if CAP in self._profile.buttons and phase != "rest":
            binding = self._profile.buttons[CAP]
            if binding not in held and phase == "ending":
                command = _lasting_alone(command)
            held.add(binding)
        return DeviceSample(reading.time_ns, engage="engage" in held, stop="stop" in held, **command._asdict())

    def _deflected(self, axes: Raw, held: Collection[str]) -> Raw:
        """Deflections with those of the held buttons: a button bound to an end of a raw axis deflects it."""
        raw = dict(axes)
        for end in held:  # opposite ones cancel
            if end[0] in "+-":
                raw[end[1:]] = raw.get(end[1:], 0.0) + (1.0 if end[0] == "+" else -1.0)
        return raw

    def _apply_pending(self) -> None:
        before = self._profile
        super()._apply_pending()
        if self._profile is not before:
            self._presses.bind(self._profile.buttons)
            self._push.tune(self._profile)
            self._rest.tune(self._profile.rest_limit, self._profile.zeros)

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
        self._rest.reset()
        return True

    def _disconnect(self, why: str) -> None:
        self.trouble, self._note = why, ""
        self._opened = False
        self._retry_at_ns = self._clock() + self._retry_ns
        self._source.close()
        self._release_all()

    def _release_all(self) -> None:
        """Release all controls, except a recent press of the emergency stop, which must not be lost."""
        self._shown.clear()
        self._presses.clear()
        self._stretch.reset()
        self._push.reset()
        self._mapper.release_grippers()

    def _disconnected(self, origin: str = "") -> DeviceSample:
        self.inputs = Inputs(reports=0, origin=origin)
        stop = "stop" in self._presses.bound(self._clock())
        return DeviceSample(self._clock(), (0.0,) * len(self.axes), stop=stop, connected=False)


def _lasting(command: Command) -> tuple[bool, ...]:
    return command.lasting or (False,) * len(command.motion)


def _without_motion(command: Command) -> Command:
    """The command of a device that nobody pushes: of its motion, only what lasts after a press."""
    kept = zip(command.motion, _lasting(command), strict=True)
    return command._replace(motion=tuple(value if lasts else 0.0 for value, lasts in kept))


def _lasting_alone(command: Command) -> Command:
    """The command while a push ends: the robot moves as it would, and nothing but what lasts is taught."""
    return command._replace(teaches=_lasting(command))
