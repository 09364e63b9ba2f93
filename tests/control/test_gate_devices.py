"""What the gate makes of a device that is lost in mid-motion: the same for every device, by each policy."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace

import numpy as np
import pytest
from fake_hid import COMPACT, FakeTransport, moved, pressed

from hitl_clic.control.arbitration import DeviceFeedback
from hitl_clic.control.gate import Gate, GateOutput, GateSettings
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.handheld import HandheldDevice, Reading
from hitl_clic.devices.hardware.keyboard import KeyboardDevice
from hitl_clic.devices.hardware.mouse import MouseDevice
from hitl_clic.devices.hardware.spacemouse import ReportSource
from hitl_clic.devices.mapping.shaping import load_profile
from hitl_clic.devices.teacher.channel import TeacherChannel, TeacherView
from hitl_clic.devices.teacher.oracle import Oracle, OracleSettings
from hitl_clic.devices.teacher.playback import PlaybackDevice, Step
from hitl_clic.devices.teacher.scripted import ScriptedDevice
from hitl_clic.types.records import Array

MS = 1_000_000
NOW_NS = 10**10


def clock() -> int:
    """Stands still: how busy the machine is must not matter."""
    return NOW_NS


@dataclass(frozen=True)
class Rig:
    """A device that is pushed; `lose` takes it away, `stop` presses its emergency stop, if it has one."""

    device: Device
    lose: Callable[[], None]
    stop: Callable[[], None] | None = None


def at_the_window(kind: type[KeyboardDevice] | type[MouseDevice]) -> Rig:
    feed = EventFeed()

    def say(event: str, name: str = "", place: tuple[float, float] = (0.0, 0.0)) -> None:
        feed.put(InputEvent(NOW_NS, event, name, place))  # type: ignore[arg-type]

    device = kind(feed, load_profile(kind.name), axes=("x", "y"), tap_hold_s=0.0, clock=clock)
    if kind is MouseDevice:
        say("button_down", "left", (0.5, 0.5))
        say("motion", "", (0.9, 0.5))
    else:
        say("key_down", "space")
        say("key_down", "d")
    return Rig(device, lambda: say("closed"), lambda: say("key_down", "escape"))


def spacemouse_rig() -> Rig:
    transport = FakeTransport(COMPACT)
    device = HandheldDevice(
        "spacemouse", ReportSource(transport, clock), load_profile("spacemouse"), clock=clock, axes=("x", "y")
    )
    transport.put(*moved(COMPACT, 350, 0, 0, 0, 0, 0))
    return Rig(device, lambda: transport.plug(False), lambda: transport.put(pressed(COMPACT, "left", "right")))


class Pad:
    """What a pad's source says, without SDL, which has tests of its own."""

    def __init__(self) -> None:
        self.there, self.changes = True, (("right shoulder", True),)

    def open(self) -> None:
        if not self.there:
            raise OSError("no gamepad is connected")

    def read(self, timeout_s: float) -> Reading:
        if not self.there:
            raise OSError("the gamepad was unplugged")
        changes, self.changes = self.changes, ()
        return Reading(NOW_NS, {"left x": 1.0}, changes)

    def rumble(self) -> None: ...

    def close(self) -> None: ...


def gamepad_rig() -> Rig:
    pad = Pad()
    device = HandheldDevice("gamepad", pad, load_profile("gamepad"), clock=clock, axes=("x", "y"))

    def stop() -> None:
        pad.changes = (("b", True),)

    return Rig(device, lambda: setattr(pad, "there", False), stop)


def oracle_rig() -> Rig:
    class Right:
        def action(self, observation: Array) -> Array:
            return np.array([1.0, 0.0], np.float32)

        def reset(self) -> None: ...

    channel = TeacherChannel()
    still = np.zeros(2, np.float32)
    device = ScriptedDevice(Right(), Oracle(OracleSettings(), execute=4, axes=("x", "y")), channel)
    channel.show(TeacherView(0, 0, 0, still, still[None], 0))

    def lose() -> None:  # its reader thread has ended, as when its teacher fails
        device._publish(device.lost())
        device.read = lambda timeout_s: device.latest()  # type: ignore[method-assign]

    return Rig(device, lose)


def playback_rig() -> Rig:
    passed_ns = [0]
    steps = [Step(0.0, (1.0, 0.0), True), Step(1.0, (0.0, 0.0), connected=False), Step(2.0, (0.0, 0.0))]
    device = PlaybackDevice(("x", "y"), steps, clock=lambda: NOW_NS + passed_ns[0])
    device.read(0.0)

    def lose() -> None:
        passed_ns[0] = 10**9

    return Rig(device, lose)


RIGS: Mapping[str, Callable[[], Rig]] = {
    "keyboard": lambda: at_the_window(KeyboardDevice),
    "mouse": lambda: at_the_window(MouseDevice),
    "spacemouse": spacemouse_rig,
    "gamepad": gamepad_rig,
    "oracle": oracle_rig,
    "playback": playback_rig,
}


def read(device: Device) -> DeviceSample:
    for _ in range(3):  # the first reading may only open the source
        sample = device.read(0.001)
    return sample


Seen = tuple[str, str, bool, bool]


def seen(output: GateOutput, pushed: tuple[float, ...]) -> Seen:
    """State, driver, whether it counts as lost, and whether the last motion goes on; else there must be none."""
    assert output.motion in (pushed, (0.0, 0.0))
    return output.state, output.driver, output.stale, output.motion == pushed


EXPECTED: Mapping[str, tuple[Seen, Seen]] = {
    "policy": (("autonomous", "robot", True, False),) * 2,
    "pause": (("paused", "nobody", True, False),) * 2,
    "zero": (("correcting", "human", True, False),) * 2,
    "hold": (("correcting", "human", True, True), ("autonomous", "robot", True, False)),
}
"""In the very tick of the loss, and 200 ms after it."""


@pytest.mark.parametrize("policy", EXPECTED)
@pytest.mark.parametrize("how", ["lost", "silent"])
@pytest.mark.parametrize("name", RIGS)
def test_lost_input_leads_to_the_same_with_every_device(name: str, how: str, policy: str) -> None:
    rig = RIGS[name]()
    gate = Gate(GateSettings(on_stale=policy, stale_after_s=0.25))  # type: ignore[arg-type]
    sample = read(rig.device)
    now_ns = NOW_NS
    pushing = gate.step(replace(sample, time_ns=now_ns), now_ns)
    assert (pushing.driver, pushing.motion[0]) == ("human", pytest.approx(1.0))
    if how == "lost":
        rig.lose()
        sample = read(rig.device)
        assert not sample.connected
        assert not any(sample.motion), "zero at once, whatever the gate makes of it"
    old = replace(sample, time_ns=now_ns - 251 * MS) if how == "silent" else replace(sample, time_ns=now_ns)
    first = seen(gate.step(old, now_ns), pushing.motion)
    now_ns += 200 * MS
    later = replace(old, time_ns=now_ns - 451 * MS if how == "silent" else now_ns)
    assert (first, seen(gate.step(later, now_ns), pushing.motion)) == EXPECTED[policy]


@pytest.mark.parametrize("policy", EXPECTED)
@pytest.mark.parametrize("name", ["keyboard", "mouse", "spacemouse", "gamepad"])
def test_a_stop_wins_on_every_device_that_has_one(name: str, policy: str) -> None:
    rig = RIGS[name]()
    assert rig.stop is not None
    gate = Gate(GateSettings(on_stale=policy))  # type: ignore[arg-type]
    sample = read(rig.device)
    now_ns = NOW_NS
    assert gate.step(replace(sample, time_ns=now_ns), now_ns).driver == "human"
    rig.stop()
    pressed_stop = rig.device.read(0.001)
    for age_ns in (0, 10**9):  # also when it is heard too late
        heard = Gate(GateSettings(on_stale=policy))  # type: ignore[arg-type]
        heard.step(replace(sample, time_ns=now_ns), now_ns)
        output = heard.step(replace(pressed_stop, time_ns=now_ns - age_ns), now_ns)
        assert (output.state, output.driver, output.motion) == ("stopped", "nobody", (0.0, 0.0))


def test_a_held_motion_goes_on_when_the_device_is_back_in_time() -> None:
    """A gap of 150 ms in a wireless link, at 20 Hz: the teacher drives through it, and only what was heard teaches."""
    gate = Gate(GateSettings(on_stale="hold", stale_hold_s=0.2))
    driven = []
    for tick in range(10):
        now_ns = 10**9 + tick * 50 * MS
        there = not 3 <= tick < 6
        sample = DeviceSample(now_ns, (0.7, 0.0) if there else (0.0, 0.0), engage=there, connected=there)
        output = gate.step(sample, now_ns)
        driven.append((output.driver, output.motion, output.stale))
    assert driven == [("human", (0.7, 0.0), 3 <= tick < 6) for tick in range(10)]


@pytest.mark.parametrize("mode", ["hold", "toggle"])
def test_a_gripper_command_ends_at_once_unless_the_human_drives(mode: str) -> None:
    feed, gate = EventFeed(), Gate(GateSettings(mode=mode))  # type: ignore[arg-type]
    device = KeyboardDevice(feed, load_profile("keyboard"), axes=("x", "y", "gripper"), tap_hold_s=0.0, clock=clock)
    feedback = DeviceFeedback(device)

    def tick(*events: tuple[str, str]) -> GateOutput:
        for event, key in events:
            feed.put(InputEvent(NOW_NS, event, key))  # type: ignore[arg-type]
        output = gate.step(device.read(0.0), NOW_NS)
        feedback.update(output)
        return output

    tick()
    pressed = tick(("key_down", "g"), ("key_up", "g"))
    assert any(pressed.lasting or ())
    assert pressed.driver == "robot"
    tick()
    taken = tick(("key_down", "space"), ("key_down", "d"))
    assert taken.driver == "human"
    assert not any(taken.lasting or ()), "nobody pressed in this correction"
    gripped = tick(("key_down", "g"), ("key_up", "g"))
    assert (gripped.driver, gripped.motion[2]) == ("human", 1.0)
    assert tick().motion[2] == 1.0, "within a correction it lasts"
