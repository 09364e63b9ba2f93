"""Base of keyboard and mouse, which read window events. Runs in the device's reader thread; never draws."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import replace
from typing import ClassVar

from hitl_clic.devices.core.controls import suggestion
from hitl_clic.devices.core.inputs import Inputs
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.held_controls import HeldControls
from hitl_clic.devices.mapping.mapped_device import MappedDevice
from hitl_clic.devices.mapping.shaping import Profile, count_non_finite

HELD_NS = 50_000_000
"""Presses within this time of the focus are those of keys that were down before, or of the click that focused."""


class WindowDevice(MappedDevice):
    """A device whose input is window events.

    A key is held from its "down" to its "up" event. All keys are released when the window loses focus or closes, or
    when events were dropped, since a lost "up" would be a stuck key. Without focus the device counts as disconnected.
    With the focus, the system presses the keys that are down. These are held, but give no command until pressed anew.
    A sample has the time of the newest event. After `stale_after_s` without events it reports no motion.

    A bound key or button is a full deflection of its raw axis; opposite ones cancel. `CommandMapper` turns
    deflections into motion.
    """

    buttons: ClassVar[Collection[str]] = ()
    """Buttons that a profile can bind, besides keys."""

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
            feed: the window's events; this device is its only reader.
            profile: axes, bindings and response.
            rate_hz: lowest rate of samples; an event makes one at once.
            stale_after_s: seconds without events after which input is stale.
            tap_hold_s: seconds that a shorter press counts as held; longer than one tick.
            clock: monotonic nanoseconds, the same as the window's.
            axes: the task's axis names; empty: the profile's.

        Raises:
            ValueError: the profile has none of these axes, or binds an unknown button.
        """
        super().__init__(rate_hz, profile, axes)
        for button in profile.buttons:
            if button not in self.buttons:
                raise ValueError(
                    f"device profile {profile.name!r}: the {self.name} has no button {button!r}"
                    f"{'; ' + suggestion(button, self.buttons) if self.buttons else ''}"
                )
        self._feed = feed
        self._stale_after_ns = round(stale_after_s * 1e9)
        self._clock = clock
        self._keys = HeldControls(round(tap_hold_s * 1e9))
        self._buttons = HeldControls(round(tap_hold_s * 1e9))
        self._open = self._focused = True
        self._event_ns = clock()
        self._focused_ns: int | None = None
        self._dropped = feed.dropped

    def read(self, timeout_s: float) -> DeviceSample:
        """Apply all waiting events and return the state after them."""
        events = self._feed.drain(timeout_s)
        now_ns = self._clock()
        if self._feed.dropped != self._dropped:
            self._dropped = self._feed.dropped
            self._release_all()
        self._apply_pending()
        for event in events:
            self._receive(event, now_ns)
        held = self._held(now_ns)
        idle = DeviceSample(
            self._event_ns, (0.0,) * len(self.axes), stop="stop" in held, connected=self._open and self._focused
        )
        raw = self.raw(now_ns, held)
        down = self._keys.names(now_ns) + self._buttons.names(now_ns)
        self.inputs = Inputs(raw, down, len(events), self._dropped)
        self.trouble = "" if idle.connected else "the window is closed" if not self._open else "the window has no focus"
        if not idle.connected or now_ns - self._event_ns > self._stale_after_ns:
            return idle
        self.non_finite_readings += count_non_finite(raw)
        command = self._mapper.command(raw, held)
        return replace(idle, engage="engage" in held, **command._asdict())

    def slowed(self, speed: float) -> None:
        self._keys.speed = self._buttons.speed = speed

    def raw(self, now_ns: int, held: Collection[str]) -> Mapping[str, float]:
        """Present deflection by raw axis, -1, 0 or 1; `held`: the bindings of all held controls."""
        del now_ns
        axes = {target[1:] for target in held if target[0] in "+-"}
        return {axis: float((f"+{axis}" in held) - (f"-{axis}" in held)) for axis in axes}

    def on_pointer(self, event: InputEvent) -> None:
        """Handle a pointer or button event, while its button is still held."""

    def _held(self, now_ns: int) -> set[str]:
        """The bindings of all held controls."""
        keys = {binding for key, binding in self._profile.keys.items() if self._keys.active(key, now_ns)}
        return keys | {
            binding for button, binding in self._profile.buttons.items() if self._buttons.active(button, now_ns)
        }

    def _receive(self, event: InputEvent, now_ns: int) -> None:
        self._event_ns = max(self._event_ns, min(event.time_ns, now_ns))
        self._open = event.kind != "closed"
        if event.kind in ("focus_gained", "key_down", "button_down"):
            self._focused = True
        elif event.kind == "focus_lost":
            self._focused = False
        match event.kind:
            case "key_down":
                if self._keys.press(event.name, now_ns) and not self._was_down(event):
                    self._mapper.press(self._profile.keys.get(event.name, ""))
            case "key_up":
                self._keys.release(event.name)
            case "button_down" | "wheel":
                if self._buttons.press(event.name, now_ns) and not self._was_down(event):
                    self._mapper.press(self._profile.buttons.get(event.name, ""))
                if event.kind == "wheel":  # a wheel notch has no release event
                    self._buttons.release(event.name)
                else:
                    self.on_pointer(event)
            case "button_up":
                self.on_pointer(event)
                self._buttons.release(event.name)
            case "motion":
                self.on_pointer(event)
            case "focus_lost" | "closed":
                self._release_all()
            case "focus_gained":
                self._focused_ns = event.time_ns
            case "alive":
                pass  # it only renews the time stamp

    def _was_down(self, event: InputEvent) -> bool:
        """Whether a press was not made by a hand now, but found by the system when the window was focused."""
        return self._focused_ns is not None and event.time_ns - self._focused_ns <= HELD_NS

    def _release_all(self) -> None:
        keys, buttons = self._profile.controls_for("stop")
        self._keys.clear(keep_taps_of=keys)
        self._buttons.clear(keep_taps_of=buttons)
        self._mapper.release_grippers()
