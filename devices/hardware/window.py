"""What keyboard and mouse share: both hear a window's events. Runs in the device's reader thread; never draws."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from hitl_clic.devices.core.controls import meant
from hitl_clic.devices.core.inputs import Inputs
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.held import Held
from hitl_clic.devices.mapping.mapped_device import MappedDevice
from hitl_clic.devices.mapping.shaping import Profile, broken


class WindowDevice(MappedDevice):
    """A device made of a window's events.

    The state is what the events say: keys are held from their "down" to their "up" event, and forgotten when the
    window loses the focus, is closed, or events were dropped (a lost "up" would be a stuck key). A sample carries the
    time of the newest event; when none came for `stale_after_s` nothing moves until the window speaks again.

    Each bound key or button is full deflection of its raw axis; opposite ones cancel. What deflections and presses
    mean over the axes of a task is the `Pilot`'s.
    """

    buttons: ClassVar[Collection[str]] = ()
    """Names of the buttons that a profile can bind, besides keys."""

    def __init__(
        self,
        feed: EventFeed,
        profile: Profile,
        rate_hz: float = 100.0,
        stale_after_s: float = 0.25,
        tap_hold_s: float = 0.12,
        clock: Callable[[], int] = time.perf_counter_ns,
        axes: Sequence[str] = (),
    ) -> None:
        """
        Args:
            feed: where the window's events arrive; this device is its only reader.
            profile: axes, bindings and response.
            rate_hz: least rate of new samples; an event makes one at once.
            stale_after_s: seconds without any event after which the input counts as gone.
            tap_hold_s: seconds a shorter press counts as held; set it well over one tick of the loop.
            clock: nanoseconds, monotonic, the same for the window (tests hand in their own).
            axes: the task's, as its actions name them; empty for those that the profile names.

        Raises:
            ValueError: the profile has none of these axes, or binds a button that there is not.
        """
        super().__init__(rate_hz, profile, axes)
        for button in profile.buttons:
            if button not in self.buttons:
                raise ValueError(
                    f"device profile {profile.name!r}: the {self.name} has no button {button!r}"
                    f"{'; ' + meant(button, self.buttons) if self.buttons else ''}"
                )
        self._feed = feed
        self._stale_after_ns = round(stale_after_s * 1e9)
        self._clock = clock
        self._keys = Held(round(tap_hold_s * 1e9))
        self._buttons = Held(round(tap_hold_s * 1e9))
        self._open = True
        self._heard_ns = clock()
        self._dropped = feed.dropped

    def read(self, timeout_s: float) -> DeviceSample:
        """Take all waiting events and return the state after them."""
        events = self._feed.drain(timeout_s)
        now_ns = self._clock()
        if self._feed.dropped != self._dropped:
            self._dropped = self._feed.dropped
            self._forget()
        self._heed()
        for event in events:
            self._hear(event, now_ns)
        held = self._held(now_ns)
        idle = DeviceSample(self._heard_ns, (0.0,) * len(self.axes), stop="stop" in held, connected=self._open)
        raw = self.raw(now_ns, held)
        down = self._keys.names(now_ns) + self._buttons.names(now_ns)
        self.inputs = Inputs(raw, down, len(events), self._dropped)
        if not self._open or now_ns - self._heard_ns > self._stale_after_ns:
            return idle
        self.broken_readings += broken(raw)
        command = self._pilot.command(raw, held)
        return replace(idle, engage="engage" in held, **command._asdict())

    def raw(self, now_ns: int, held: Collection[str]) -> Mapping[str, float]:
        """Present deflection by raw axis, -1, 0 or 1; `held` are the bindings of all controls that are held."""
        del now_ns
        axes = {target[1:] for target in held if target[0] in "+-"}
        return {axis: float((f"+{axis}" in held) - (f"-{axis}" in held)) for axis in axes}

    def moved(self, event: InputEvent) -> None:
        """A pointer or button event, after the buttons were brought up to date; the keyboard does not care."""

    def _held(self, now_ns: int) -> set[str]:
        """The bindings of all controls that are held."""
        keys = {binding for key, binding in self._profile.keys.items() if self._keys.active(key, now_ns)}
        return keys | {
            binding for button, binding in self._profile.buttons.items() if self._buttons.active(button, now_ns)
        }

    def _hear(self, event: InputEvent, now_ns: int) -> None:
        self._heard_ns = max(self._heard_ns, min(event.time_ns, now_ns))
        self._open = event.kind != "closed"
        match event.kind:
            case "key_down":
                if self._keys.press(event.name, now_ns):
                    self._pilot.press(self._profile.keys.get(event.name, ""))
            case "key_up":
                self._keys.release(event.name)
            case "button_down" | "wheel":
                if self._buttons.press(event.name, now_ns):
                    self._pilot.press(self._profile.buttons.get(event.name, ""))
                if event.kind == "wheel":  # a notch has no end of its own
                    self._buttons.release(event.name)
                else:
                    self.moved(event)
            case "button_up":
                self.moved(event)
                self._buttons.release(event.name)
            case "motion":
                self.moved(event)
            case "focus_lost" | "closed":
                self._forget()
            case "focus_gained" | "alive":
                pass  # they confirm the state, which the time stamp has recorded

    def _forget(self) -> None:
        keys, buttons = self._profile.bound("stop")
        self._keys.clear(keep_taps_of=keys)
        self._buttons.clear(keep_taps_of=buttons)
        self._pilot.released()
