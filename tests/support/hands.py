"""A person's hand at each kind of device, through the device's own event path: window events, SDL, HID reports.

A device is read once for each tick, without a thread, so that a test says what happens at which tick.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from fake_hid import PRO, FakeTransport, moved, pressed

from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.gamepad import PadSource, controllers
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.hardware.keyboard import KeyboardDevice
from hitl_clic.devices.hardware.mouse import MouseDevice
from hitl_clic.devices.hardware.spacemouse import ReportSource
from hitl_clic.devices.mapping.shaping import Profile, checked_profile, load_profile

PLANE = ("x", "y")
SDL_BUTTONS = (
    *("a", "b", "x", "y", "back", "guide", "start", "left stick", "right stick", "left shoulder", "right shoulder"),
    *("up", "down", "left", "right"),
)


class Hand:
    """What a person does with a device. `keep` sends what held hardware goes on to send; it is called at every tick."""

    device: Device

    def push(self) -> None:
        """Take hold and push to the right, as far as it goes."""
        raise NotImplementedError

    def hold(self) -> None:
        """Take hold without a push."""
        raise NotImplementedError

    def release(self) -> None:
        """Let go of everything."""
        raise NotImplementedError

    def lose(self) -> None:
        """Take the device away while it is held."""
        raise NotImplementedError

    def find(self) -> None:
        """The device is back, held as before."""
        raise NotImplementedError

    def down(self, *controls: str) -> None:
        """Press keys or buttons."""
        raise NotImplementedError

    def up(self, *controls: str) -> None:
        """Release them."""
        raise NotImplementedError

    def keep(self) -> None: ...


class AtTheWindow(Hand):
    """A hand at keyboard or mouse."""

    def __init__(self, kind: type[KeyboardDevice] | type[MouseDevice], profile: Profile | None, axes: tuple[str, ...]):
        self.feed = EventFeed()
        self.device = kind(self.feed, profile or load_profile(kind.name), axes=axes, tap_hold_s=0.0)
        self.clock = self.device._clock
        self.mouse = kind is MouseDevice
        self.held: list[str] = []

    def say(self, kind: str, name: str = "", place: tuple[float, float] = (0.5, 0.5)) -> None:
        self.feed.put(InputEvent(self.clock(), kind, name, place))  # type: ignore[arg-type]

    def hold(self) -> None:
        if self.mouse:
            self.say("button_down", "left")
        else:
            self.down("space")

    def push(self) -> None:
        self.hold()
        if self.mouse:
            self.say("motion", "", (0.9, 0.5))
        else:
            self.down("d")

    def release(self) -> None:
        self.up(*self.held)
        if self.mouse:
            self.say("button_up", "left")

    def lose(self) -> None:
        self.say("focus_lost")

    def find(self) -> None:
        """The window regains focus. Its system then presses the keys that are held; a mouse says that it moves."""
        self.say("focus_gained")
        if self.mouse:
            self.say("motion", "", (0.95, 0.5))
        for key in self.held:
            self.say("key_down", key)

    def down(self, *controls: str) -> None:
        for key in controls:
            self.held.append(key)
            self.say("key_down", key)

    def up(self, *controls: str) -> None:
        for key in controls:
            self.say("key_up", key)
            self.held.remove(key)

    def keep(self) -> None:
        self.say("alive")


class AtTheCap(Hand):
    """A hand at a 3D mouse with many buttons."""

    def __init__(self, profile: Profile | None, axes: tuple[str, ...]) -> None:
        self.transport = FakeTransport(PRO)
        source = ReportSource(self.transport)
        # ticks follow each other at once here, so a push ends at once too
        profile = (profile or load_profile("spacemouse")).model_copy(update={"release_after_s": 0.0})
        self.device = HandheldDevice("spacemouse", source, profile, tap_hold_s=0.0, retry_s=0.0, axes=axes)
        self.raw = (0, 0, 0, 0, 0, 0)
        self.held: set[str] = set()

    def hold(self) -> None:
        self.down("ctrl")

    def push(self) -> None:
        self.raw = (350, 0, 0, 0, 0, 0)

    def release(self) -> None:
        self.raw = (0, 0, 0, 0, 0, 0)
        self.up(*self.held)

    def lose(self) -> None:
        self.transport.plug(False)

    def find(self) -> None:
        self.transport.plug(True)
        self.transport.put(pressed(PRO, *self.held))

    def down(self, *controls: str) -> None:
        self.held |= set(controls)
        self.transport.put(pressed(PRO, *self.held))

    def up(self, *controls: str) -> None:
        self.held -= set(controls)
        self.transport.put(pressed(PRO, *self.held))

    def keep(self) -> None:
        self.transport.put(*moved(PRO, *self.raw))


class AtThePad(Hand):
    """A hand at a virtual pad of SDL's."""

    def __init__(self, profile: Profile | None, axes: tuple[str, ...]) -> None:
        from virtual_pads import VirtualPads

        self.pads = VirtualPads()
        self.pad = self.pads.attach()
        self.device = HandheldDevice(
            "gamepad", PadSource(), profile or load_profile("gamepad"), tap_hold_s=0.0, retry_s=0.0, axes=axes
        )
        self.held: set[str] = set()
        self.pushed = False

    def hold(self) -> None:
        self.down("right shoulder")

    def push(self) -> None:
        self.pushed = True
        self.pad.axis(0, 1.0)
        self.hold()

    def release(self) -> None:
        self.pushed = False
        self.pad.axis(0, 0.0)
        self.up(*self.held)

    def lose(self) -> None:
        self.pad.unplug()

    def find(self) -> None:
        self.pad = self.pads.attach()
        self.pad.axis(0, float(self.pushed))
        for name in self.held:
            self.pad.button(SDL_BUTTONS.index(name))

    def down(self, *controls: str) -> None:
        for name in controls:
            self.held.add(name)
            self.pad.button(SDL_BUTTONS.index(name))

    def up(self, *controls: str) -> None:
        for name in controls:
            self.held.discard(name)
            self.pad.button(SDL_BUTTONS.index(name), False)

    def end(self) -> None:
        for pad in self.pads.attached:
            pad.unplug()
        controllers().update()


NAMES = ("keyboard", "mouse", "spacemouse", "gamepad")
FREE = {"keyboard": "k", "mouse": "middle", "spacemouse": "4", "gamepad": "guide"}
"""A control of each device that has nothing to do."""


def binding(name: str, control: str, does: str) -> Profile:
    profile = load_profile(name)
    kind = "keys" if name == "keyboard" else "buttons"
    return checked_profile(profile.model_dump() | {kind: getattr(profile, kind) | {control: does}}, name)


def press(hand: Hand, control: str) -> None:
    if control == "middle":
        hand.say("button_down", "middle")  # type: ignore[attr-defined]
    else:
        hand.down(control)


def release(hand: Hand, control: str) -> None:
    if control == "middle":
        hand.say("button_up", "middle")  # type: ignore[attr-defined]
    else:
        hand.up(control)


def given(hand: Hand) -> list[str]:
    """The commands of two readings."""
    hand.keep()
    hand.device.read(0.002)
    hand.keep()
    hand.device.read(0.002)
    return hand.device.take_commands()


@contextmanager
def hand_at(name: str, profile: Profile | None = None, axes: tuple[str, ...] = PLANE) -> Iterator[Hand]:
    """A hand at the device of this name, which lets go of it at the end."""
    match name:
        case "keyboard":
            hand: Hand = AtTheWindow(KeyboardDevice, profile, axes)
        case "mouse":
            hand = AtTheWindow(MouseDevice, profile, axes)
        case "spacemouse":
            hand = AtTheCap(profile, axes)
        case _:
            hand = AtThePad(profile, axes)
    try:
        yield hand
    finally:
        hand.device.release()
        if isinstance(hand, AtThePad):
            hand.end()


class InStep(Device):
    """A device that the loop reads itself: one reading for each tick, after the deeds of that tick."""

    def __init__(self, hand: Hand, *deeds: tuple[int, Callable[[], None]]) -> None:
        super().__init__(100.0)
        self.hand, self.inner, self.name, self.axes = hand, hand.device, hand.device.name, hand.device.axes
        self.deeds = deeds
        self.readings = 0

    def read(self, timeout_s: float) -> DeviceSample:
        raise NotImplementedError

    def latest(self) -> DeviceSample:
        for at, does in self.deeds:
            if at == self.readings:
                does()
        self.hand.keep()
        self.readings += 1
        for _ in range(2):  # the first reading after a loss may only open the source
            sample = self.inner.read(0.002)
        return sample

    def take_commands(self) -> list[str]:
        return self.inner.take_commands()

    def correction_ended(self) -> None:
        self.inner.correction_ended()

    def robot_stopped(self) -> None:
        self.inner.robot_stopped()
