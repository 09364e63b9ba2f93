"""Each device in the simulator: what a hand does, and where the robot's hand goes and turns, in the world.

The truth is right-handed and the same in every command frame. To push the device in a direction moves the robot's hand
in the direction that stands for it. To turn the device about a direction, by the right hand's rule, turns the robot's
hand about the same direction, by the same rule.

Real event paths: HID bytes, a virtual pad of SDL, window events. The gate, the loop's label and the simulator follow.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from functools import cache

import numpy as np
import pytest
from fake_hid import COMPACT, FakeTransport, moved, pressed
from shared_tasks import shared_task
from virtual_pads import RIGHT_SHOULDER, VirtualPads

from hitl_clic.control.gate import Gate, GateSettings
from hitl_clic.correction.mapping import human_action
from hitl_clic.correction.settings import CorrectionSettings
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.gamepad import PadSource, connected_pads
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.hardware.keyboard import KeyboardDevice
from hitl_clic.devices.hardware.mouse import MouseDevice
from hitl_clic.devices.hardware.presses import LONG_S
from hitl_clic.devices.hardware.spacemouse import ReportSource
from hitl_clic.devices.mapping.shaping import load_profile
from hitl_clic.runner.device_registry import bind_device
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.robosuite.task import RobosuiteTask
from hitl_clic.tasks.rotations import rotation_vector
from hitl_clic.types.records import CommandFrame

MS = 1_000_000
STEPS = 6
FRAMES: tuple[CommandFrame, ...] = ("world", "camera", "gripper")
DIRECTIONS = ("right", "away", "up")
ARMS = (("lift", 0), ("two_arm_lift", 0), ("two_arm_lift", 1))


@cache
def task(name: str) -> tuple[RobosuiteTask, bytes]:
    """A task and a state to start from; built once."""
    made = shared_task(name)
    assert isinstance(made, RobosuiteTask)
    made.reset(seed=0)
    return made, made.snapshot()


@cache
def motion_of(name: str, arm: int, action: tuple[float, ...]) -> tuple[tuple[float, ...], tuple[float, ...], float]:
    """What some steps of an action do to a hand: its motion and rotation vector in the world, and its finger."""
    made, start = task(name)
    made.restore(start)
    before = made.engine.hand(arm)
    for _ in range(STEPS):
        made.step(np.array(action, np.float32))
    after = made.engine.hand(arm)
    made.restore(start)
    turn = rotation_vector(after.rotation @ before.rotation.T)
    return tuple(after.position - before.position), tuple(turn), after.finger - before.finger


def direction(name: str, arm: int, frame: CommandFrame, which: str) -> np.ndarray:
    """The direction in the world that stands for the device's right, away or up."""
    made, _ = task(name)
    axes = np.eye(3) if frame == "world" else made.axes_of(frame)[arm]  # type: ignore[index]
    # the axes are named x, y and z; a profile's y is towards the person
    return {"right": axes[:, 0], "away": -axes[:, 1], "up": axes[:, 2]}[which]


# ---- devices: every one is pushed or turned the same way, by its own event path


class Rig:
    """A device of a task, whose gestures are functions of a direction and a way, 1 or -1."""

    device: Device
    now_ns = 10**10

    def clock(self) -> int:
        return self.now_ns

    def read(self, ms: int = 10) -> DeviceSample:
        self.now_ns += ms * MS
        return self.device.read(0.0)

    def next_arm(self) -> None: ...

    def push(self, which: str, way: int) -> None: ...

    def turn(self, which: str, way: int) -> None: ...

    def grip(self) -> None: ...


class Cap(Rig):
    """The 3D mouse. Its hardware's own axes are right, towards the person and down."""

    def __init__(self, axes: tuple[str, ...]) -> None:
        self.transport = FakeTransport(COMPACT)
        source = ReportSource(self.transport, self.clock)
        self.device = HandheldDevice("spacemouse", source, load_profile("spacemouse"), clock=self.clock, axes=axes)
        self.device.read(0.0)
        self.transport.put(*moved(COMPACT, *[0] * 6))
        self.read()

    def next_arm(self) -> None:
        self.transport.put(pressed(COMPACT, "left"))
        self.read()
        self.read(round(LONG_S * 1e3))
        self.transport.put(pressed(COMPACT))
        self.read(200)

    def push(self, which: str, way: int) -> None:
        self._deflect(0, which, way)

    def turn(self, which: str, way: int) -> None:
        self._deflect(3, which, way)

    def grip(self) -> None:
        self.transport.put(pressed(COMPACT, "left"), pressed(COMPACT), *moved(COMPACT, 350, 0, 0, 0, 0, 0))

    def _deflect(self, first: int, which: str, way: int) -> None:
        raw = [0] * 6
        raw[first + DIRECTIONS.index(which)] = 350 * way * (1 if which == "right" else -1)
        self.transport.put(*moved(COMPACT, *raw))


class Stick(Rig):
    """The gamepad. SDL's y axes are positive towards the person."""

    def __init__(self, axes: tuple[str, ...], pads: VirtualPads) -> None:
        for old in pads.attached:
            old.unplug()
        self.pad = pads.attach()
        source = PadSource(clock=self.clock)
        self.device = HandheldDevice("gamepad", source, load_profile("gamepad"), clock=self.clock, axes=axes)
        for trigger in (4, 5):
            self.pad.axis(trigger, -1.0)
        self.read()
        self.pad.button(RIGHT_SHOULDER)
        self.read()

    def next_arm(self) -> None:
        for down in (True, False):
            self.pad.button(3, down)
            self.read(200)

    def push(self, which: str, way: int) -> None:
        self.pad.axis({"right": 0, "away": 1, "up": 3}[which], way * (1.0 if which == "right" else -1.0))

    def turn(self, which: str, way: int) -> None:
        match which:
            case "right":  # the d-pad tips away or towards; up takes the hand's top away, against the rule
                self.pad.button(12 if way > 0 else 11)
            case "away":  # the triggers tip sideways; the right one to the right
                self.pad.axis(5 if way > 0 else 4, 1.0)
            case "up":  # the right stick twists; to the left is anticlockwise from above
                self.pad.axis(2, -way)

    def grip(self) -> None:
        self.pad.button(0)


class Keys(Rig):
    """The keyboard: the keys that move the hand also tip it, while ctrl is held."""

    kind: type[KeyboardDevice] | type[MouseDevice] = KeyboardDevice

    def __init__(self, axes: tuple[str, ...]) -> None:
        self.feed = EventFeed()
        self.device = self.kind(self.feed, load_profile(self.kind.name), clock=self.clock, axes=axes)

    def say(self, kind: str, name: str = "", place: tuple[float, float] = (0.0, 0.0)) -> None:
        self.feed.put(InputEvent(self.now_ns, kind, name, place))  # type: ignore[arg-type]

    def next_arm(self) -> None:
        for kind in ("key_down", "key_up"):
            self.say(kind, "x")
        self.read()

    def push(self, which: str, way: int) -> None:
        self.say("key_down", "space")
        self.say("key_down", {"right": "ad", "away": "sw", "up": "qe"}[which][way > 0])

    def turn(self, which: str, way: int) -> None:
        self.say("key_down", "space")
        self.say("key_down", "left ctrl")
        # s tips towards the person, d to the right, and q twists to the left
        self.say("key_down", {"right": "ws", "away": "ad", "up": "eq"}[which][way > 0])

    def grip(self) -> None:
        self.say("key_down", "space")
        self.say("key_down", "g")


class Drag(Keys):
    """The mouse: a drag in the plane, the wheel for the rest."""

    kind = MouseDevice

    def next_arm(self) -> None:
        for kind in ("button_down", "button_up"):
            self.say(kind, "back")
        self.read()

    def push(self, which: str, way: int) -> None:
        self._drag(which, way, 1)

    def turn(self, which: str, way: int) -> None:
        self.say("key_down", "left ctrl")
        # a drag down tips towards the person, one to the right to the right; the wheel towards the person twists left
        match which:
            case "right":
                self._drag("away", -way, 1)
            case "away":
                self._drag("right", way, 1)
            case "up":
                self._drag("up", -way, 1)

    def grip(self) -> None:
        self._drag("right", 1, 0)
        self.say("button_down", "middle")

    def _drag(self, which: str, way: int, far: float) -> None:
        self.say("button_down", "left", (0.5, 0.5))
        place = {"right": (0.5 + 0.3 * way * far, 0.5), "away": (0.5, 0.5 - 0.3 * way * far), "up": (0.5, 0.5)}[which]
        self.say("motion", "", place)
        if which == "up":
            self.say("wheel", "wheel up" if way > 0 else "wheel down")


@pytest.fixture
def pads() -> Iterator[VirtualPads]:
    pytest.importorskip("robosuite", reason="needs the extra arms", exc_type=ImportError)
    connected_pads()
    virtual = VirtualPads()
    yield virtual
    for pad in virtual.attached:
        pad.unplug()


RIGS: Mapping[str, Callable[[tuple[str, ...], VirtualPads], Rig]] = {
    "spacemouse": lambda axes, pads: Cap(axes),
    "gamepad": Stick,
    "keyboard": lambda axes, pads: Keys(axes),
    "mouse": lambda axes, pads: Drag(axes),
}


def done(name: str, arm: int, kind: str, frame: CommandFrame, pads: VirtualPads, act: Callable[[Rig], None]):  # type: ignore[no-untyped-def]
    """What a gesture does to the hand of an arm, and the motion of the other arm."""
    made, _ = task(name)
    axes = made.action_frame.axes
    rig = RIGS[kind](axes, pads)
    for _ in range(arm):
        rig.next_arm()
    act(rig)
    sample = rig.read()
    gate = Gate(GateSettings(), CorrectionSettings(command_frame=frame))
    gate.command_frame = frame
    output = gate.step(sample, rig.now_ns)
    assert output.driver == "human"
    settings = SessionSettings(task=name, device=kind)
    still = np.zeros(len(axes), np.float32)
    label = human_action(
        still,
        output.motion,
        "absolute",
        2.0,
        bind_device(settings, rig.device, made),
        output.teaches,
        made.axes_of(frame),
    )
    action = tuple(round(float(value), 6) for value in label.action)
    if len(axes) > 7:
        other = 7 * (1 - arm)
        assert not any(action[other : other + 7]), "the other arm stays"
    return motion_of(name, arm, action)


@pytest.mark.parametrize("kind", RIGS)
@pytest.mark.parametrize(("name", "arm"), ARMS, ids=lambda value: str(value))
@pytest.mark.parametrize("frame", FRAMES)
def test_pushes_and_turns_are_right_handed(
    pads: VirtualPads, kind: str, name: str, arm: int, frame: CommandFrame
) -> None:
    """Each axis both ways: along and about right, away and up."""
    task(name)
    for which in DIRECTIONS:
        for way in (1, -1):
            goal = way * direction(name, arm, frame, which)
            where = f"{kind}, {name} arm {arm + 1}, {frame} frame, {way:+d} {which}"
            shift, turn, _ = done(name, arm, kind, frame, pads, lambda rig, w=which, s=way: rig.push(w, s))
            assert np.dot(shift, goal) > 0.02, f"push: {where}"
            assert np.dot(shift, goal) > 0.9 * np.linalg.norm(shift), f"push: {where}"
            assert np.linalg.norm(turn) < 0.1, f"a push turns nothing: {where}"
            shift, turn, _ = done(name, arm, kind, frame, pads, lambda rig, w=which, s=way: rig.turn(w, s))
            assert np.dot(turn, goal) > 0.2, f"turn: {where}"
            assert np.dot(turn, goal) > 0.9 * np.linalg.norm(turn), f"turn: {where}"


@pytest.mark.parametrize("kind", RIGS)
@pytest.mark.parametrize(("name", "arm"), ARMS, ids=lambda value: str(value))
def test_the_first_press_closes_the_gripper_of_the_driven_arm(
    pads: VirtualPads, kind: str, name: str, arm: int
) -> None:
    for frame in FRAMES:
        _, _, finger = done(name, arm, kind, frame, pads, lambda rig: rig.grip())
        assert finger < -0.005


@pytest.mark.parametrize("frame", ["world", "camera"])
def test_a_twist_to_the_left_is_to_the_left(pads: VirtualPads, frame: CommandFrame) -> None:
    """It was +0.76 with the camera's axes and -0.76 with the world's."""
    _, turn, _ = done("lift", 0, "spacemouse", frame, pads, lambda rig: rig.turn("up", 1))
    assert turn[2] > 0.2


def test_a_scripted_teacher_gives_actions_as_they_are() -> None:
    """Its axes are the world's own, right-handed already."""
    pytest.importorskip("robosuite", reason="needs the extra arms", exc_type=ImportError)
    made, _ = task("lift")

    class Script(Device):
        axes = made.action_frame.axes

        def read(self, timeout_s: float) -> DeviceSample:
            return self.idle()

    binding = bind_device(SessionSettings(task="lift", device="oracle"), Script(1.0), made)
    action = human_action(np.zeros(7), (0, 0, 0, 0.1, 0.2, 0.3, 0), "absolute", 2.0, binding).action
    assert action.tolist() == pytest.approx([0, 0, 0, 0.1, 0.2, 0.3, 0])
