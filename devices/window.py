"""What keyboard and mouse share: both hear a window's events. Runs in the device's reader thread; never draws."""

from __future__ import annotations

import time
from abc import abstractmethod
from collections.abc import Callable, Mapping

from devices.device import Device
from devices.events import EventFeed, InputEvent
from devices.held import Held
from devices.sample import DeviceSample
from devices.shaping import Profile, broken, shape


class WindowDevice(Device):
    """A device made of a window's events.

    The state is what the events say: keys are held from their "down" to their "up" event, and forgotten when the
    window loses the focus, is closed, or events were dropped (a lost "up" would be a stuck key). A sample carries the
    time of the newest event; when none came for `stale_after_s` nothing moves until the window speaks again.
    """

    def __init__(
        self,
        feed: EventFeed,
        profile: Profile,
        rate_hz: float = 100.0,
        stale_after_s: float = 0.25,
        tap_hold_s: float = 0.12,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        """
        Args:
            feed: where the window's events arrive; this device is its only reader.
            profile: axes, bindings and response.
            rate_hz: least rate of new samples; an event makes one at once.
            stale_after_s: seconds without any event after which the input counts as gone.
            tap_hold_s: seconds a shorter press counts as held; set it a little over one tick of the loop.
            clock: nanoseconds, monotonic, the same for the window (tests hand in their own).
        """
        super().__init__(rate_hz)
        self.axes = profile.axis_names
        self.broken_readings = 0
        """Raw readings that were not finite numbers and were taken as zero."""
        self._feed = feed
        self._profile = profile
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
        for event in events:
            self._hear(event, now_ns)
        profile = self._profile
        stop = self._keys.any(profile.stop_keys, now_ns) or self._buttons.any(profile.stop_buttons, now_ns)
        live = self._open and now_ns - self._heard_ns <= self._stale_after_ns
        motion = (0.0,) * len(self.axes)
        if live:
            raw = self.raw(now_ns)
            self.broken_readings += broken(raw)
            gain = profile.precise_scale if self._keys.any(profile.precise_keys, now_ns) else 1.0
            motion = tuple(value * gain for value in shape(raw, profile))
        engage = live and (
            self._keys.any(profile.engage_keys, now_ns) or self._buttons.any(profile.engage_buttons, now_ns)
        )
        return DeviceSample(time_ns=self._heard_ns, motion=motion, engage=engage, stop=stop, connected=self._open)

    @abstractmethod
    def raw(self, now_ns: int) -> Mapping[str, float]:
        """Present deflection by raw axis name."""

    def moved(self, event: InputEvent) -> None:
        """A pointer or button event, after the buttons were brought up to date; the keyboard does not care."""

    def _hear(self, event: InputEvent, now_ns: int) -> None:
        self._heard_ns = max(self._heard_ns, min(event.time_ns, now_ns))
        self._open = event.kind != "closed"
        match event.kind:
            case "key_down":
                self._keys.press(event.name, now_ns)
            case "key_up":
                self._keys.release(event.name)
            case "button_down":
                self._buttons.press(event.name, now_ns)
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
        self._keys.clear(keep_taps_of=self._profile.stop_keys)
        self._buttons.clear(keep_taps_of=self._profile.stop_buttons)
