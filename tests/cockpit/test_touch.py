"""Fingers and pens as the mouse. Events of SDL itself go through pygame's queue to the window and to the devices."""

from __future__ import annotations

import ctypes
import os
import time
from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pygame
import pytest
import zmq

from hitl_clic.cockpit.window import messages
from hitl_clic.cockpit.window.key_reading import KeyUse
from hitl_clic.cockpit.window.keyboard import Keyboard
from hitl_clic.cockpit.window.keymap import Keymap
from hitl_clic.cockpit.window.window import Window
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.events import EventFeed, InputEvent
from hitl_clic.devices.hardware.mouse import MouseDevice
from hitl_clic.devices.hardware.pointer import PointerDevice
from hitl_clic.devices.hardware.window import WindowDevice
from hitl_clic.devices.mapping.shaping import load_profile
from hitl_clic.types.scene import Scene

SIZE = (960, 540)
MOUSE_MOTION, MOUSE_DOWN, MOUSE_UP = 0x400, 0x401, 0x402
FINGER_DOWN, FINGER_UP, FINGER_MOTION = 0x700, 0x701, 0x702
TOUCH_MOUSE = 0xFFFFFFFF
"""SDL_TOUCH_MOUSEID: the mouse of events that SDL makes from a finger."""
MOUSE_TOUCH = -1
"""SDL_MOUSE_TOUCHID: the touch device of events that SDL makes from a mouse."""


class _Finger(ctypes.Structure):
    """SDL_TouchFingerEvent."""

    _fields_ = (
        ("type", ctypes.c_uint32),
        ("timestamp", ctypes.c_uint32),
        ("touch", ctypes.c_int64),
        ("finger", ctypes.c_int64),
        *((name, ctypes.c_float) for name in ("x", "y", "dx", "dy", "pressure")),
        ("window", ctypes.c_uint32),
        ("padding", ctypes.c_uint8 * 16),
    )


class _Button(ctypes.Structure):
    """SDL_MouseButtonEvent."""

    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("type", "timestamp", "window", "which")),
        *((name, ctypes.c_uint8) for name in ("button", "state", "clicks", "unused")),
        ("x", ctypes.c_int32),
        ("y", ctypes.c_int32),
        ("padding", ctypes.c_uint8 * 32),
    )


class _Motion(ctypes.Structure):
    """SDL_MouseMotionEvent."""

    _fields_ = (
        *((name, ctypes.c_uint32) for name in ("type", "timestamp", "window", "which", "state")),
        *((name, ctypes.c_int32) for name in ("x", "y", "dx", "dy")),
        ("padding", ctypes.c_uint8 * 24),
    )


class _Socket:
    """Takes the window's messages to a feed."""

    def __init__(self, feed: EventFeed) -> None:
        self.feed, self.seen = feed, list[InputEvent]()

    def send(self, message: bytes, flags: int = 0) -> None:
        read = messages.FROM_WINDOW.unpack(message)
        if isinstance(read, InputEvent):
            self.seen.append(read)
            self.feed.put(read)


class Screen:
    """A window without its loop, and a device that reads its events."""

    def __init__(self, sdl: ctypes.CDLL, device: type[WindowDevice]) -> None:
        self.sdl, self.feed = sdl, EventFeed()
        self.socket = _Socket(self.feed)
        surface = pygame.display.set_mode(SIZE)
        pygame.event.clear()
        self.window = Window(
            surface,
            cast("zmq.Socket[bytes]", self.socket),
            time.perf_counter_ns,
            None,
            Keyboard(Keymap({}), KeyUse()),
            None,
            welcome=False,
        )
        self.board = self.window._painter.layout.board
        scene = Scene((100.0, 100.0), (), (50.0, 50.0), 10.0)
        if device is MouseDevice:
            self.device: WindowDevice = MouseDevice(self.feed, load_profile("mouse"), tap_hold_s=0.0, axes=("x", "y"))
        else:
            self.device = PointerDevice(self.feed, load_profile("pointer"), lambda: scene, tap_hold_s=0.0)

    def finger(self, kind: int, x: float, y: float, finger: int = 1, touch: int = 7) -> DeviceSample:
        """Put a finger at a share of the scene."""
        pixel = self.board.x + x * self.board.width, self.board.y + y * self.board.height
        return self.at(kind, pixel[0] / SIZE[0], pixel[1] / SIZE[1], finger, touch)

    def at(self, kind: int, x: float, y: float, finger: int = 1, touch: int = 7) -> DeviceSample:
        """Put a finger at a share of the window."""
        return self.push(_Finger(kind, 0, touch, finger, x, y, 0.0, 0.0, 1.0))

    def button(self, kind: int, x: int, y: int, which: int, button: int = 1) -> DeviceSample:
        return self.push(_Button(kind, 0, 0, which, button, int(kind == MOUSE_DOWN), 1, 0, x, y))

    def motion(self, x: int, y: int, which: int) -> DeviceSample:
        return self.push(_Motion(MOUSE_MOTION, 0, 0, which, 0, x, y, 0, 0))

    def push(self, event: ctypes.Structure) -> DeviceSample:
        """Give SDL the event, and let window and device take what came."""
        assert self.sdl.SDL_PushEvent(ctypes.byref(event)) == 1
        for found in pygame.event.get():
            self.window._handle(found)
        return self.read()

    def read(self) -> DeviceSample:
        return self.device.read(0.0)

    def kinds(self) -> list[str]:
        return [f"{event.kind} {event.name}".strip() for event in self.socket.seen]


@pytest.fixture
def sdl(monkeypatch: pytest.MonkeyPatch) -> Iterator[ctypes.CDLL]:
    places = Path(pygame.__file__).parent
    found = [
        *places.parent.glob("pygame.libs/libSDL2-2*"),
        *places.glob(".dylibs/libSDL2-2*"),
        *places.glob("SDL2.dll"),
    ]
    if not found:
        pytest.skip("pygame's SDL2 library was not found")
    monkeypatch.setenv("SDL_VIDEODRIVER", os.environ.get("SDL_VIDEODRIVER", "dummy"))
    pygame.display.init()
    pygame.font.init()
    yield ctypes.CDLL(str(found[0]))
    pygame.display.quit()


@pytest.fixture
def screen(sdl: ctypes.CDLL) -> Screen:
    return Screen(sdl, MouseDevice)


def test_a_finger_drags_as_the_left_button(screen: Screen) -> None:
    sample = screen.finger(FINGER_DOWN, 0.5, 0.5)
    assert (sample.engage, any(sample.motion)) == (True, False)
    sample = screen.finger(FINGER_MOTION, 0.7, 0.5)
    assert sample.motion == pytest.approx((1.0, 0.0), abs=0.02)
    sample = screen.finger(FINGER_MOTION, 0.5, 0.7)
    assert sample.motion == pytest.approx((0.0, 1.0), abs=0.02)
    sample = screen.finger(FINGER_UP, 0.5, 0.7)
    assert (sample.engage, any(sample.motion)) == (False, False)
    assert screen.kinds() == ["button_down left", "motion", "motion", "button_up left"]


def test_the_pointer_follows_a_finger(sdl: ctypes.CDLL) -> None:
    screen = Screen(sdl, PointerDevice)
    sample = screen.finger(FINGER_DOWN, 0.9, 0.5)
    assert (sample.engage, sample.motion) == (True, pytest.approx((1.0, 0.0), abs=0.02))
    assert screen.finger(FINGER_MOTION, 0.5, 0.1).motion == pytest.approx((0.0, -1.0), abs=0.02)
    assert not screen.finger(FINGER_UP, 0.5, 0.1).engage


def test_mouse_events_that_sdl_makes_from_a_finger_do_not_count_twice(screen: Screen) -> None:
    screen.motion(400, 300, TOUCH_MOUSE)
    screen.button(MOUSE_DOWN, 400, 300, TOUCH_MOUSE)
    assert screen.kinds() == []
    screen.finger(FINGER_DOWN, 0.5, 0.5)
    screen.button(MOUSE_UP, 400, 300, TOUCH_MOUSE)
    assert screen.read().engage, "the finger is still down"
    assert screen.kinds() == ["button_down left"]


def test_touch_events_that_sdl_makes_from_a_mouse_do_not_count(screen: Screen) -> None:
    screen.finger(FINGER_DOWN, 0.5, 0.5, touch=MOUSE_TOUCH)
    screen.finger(FINGER_UP, 0.5, 0.5, touch=MOUSE_TOUCH)
    assert screen.kinds() == []


def test_a_second_finger_is_ignored(screen: Screen) -> None:
    screen.finger(FINGER_DOWN, 0.5, 0.5)
    screen.finger(FINGER_DOWN, 0.2, 0.2, finger=2)
    screen.finger(FINGER_MOTION, 0.9, 0.9, finger=2)
    sample = screen.finger(FINGER_MOTION, 0.7, 0.5)
    assert sample.motion == pytest.approx((1.0, 0.0), abs=0.02)
    assert screen.finger(FINGER_UP, 0.9, 0.9, finger=2).engage, "lifting it changes nothing either"
    assert not screen.finger(FINGER_UP, 0.7, 0.5).engage
    assert screen.finger(FINGER_DOWN, 0.5, 0.5, finger=3).engage, "the next first finger counts"


def test_the_same_number_on_another_screen_is_another_finger(screen: Screen) -> None:
    screen.finger(FINGER_DOWN, 0.5, 0.5, finger=1, touch=7)
    assert screen.finger(FINGER_UP, 0.5, 0.5, finger=1, touch=8).engage


@pytest.mark.parametrize("place", [(1.01, 0.5), (-0.01, 0.5), (0.5, 1.2), (0.5, -0.1)])
def test_a_finger_that_leaves_the_window_releases(screen: Screen, place: tuple[float, float]) -> None:
    assert screen.finger(FINGER_DOWN, 0.5, 0.5).engage
    assert not screen.at(FINGER_MOTION, *place).engage
    assert not screen.finger(FINGER_MOTION, 0.5, 0.5).engage, "and stays released until it is put down anew"
    assert not screen.finger(FINGER_UP, 0.5, 0.5).engage
    assert screen.finger(FINGER_DOWN, 0.5, 0.5).engage
    assert screen.kinds() == ["button_down left", "button_up left", "button_down left"]


def test_a_lost_focus_releases_until_the_finger_is_put_down_anew(screen: Screen) -> None:
    assert screen.finger(FINGER_DOWN, 0.5, 0.5).engage
    screen.window._handle(pygame.event.Event(pygame.WINDOWFOCUSLOST))
    assert not screen.read().engage
    screen.window._handle(pygame.event.Event(pygame.WINDOWFOCUSGAINED))
    sample = screen.finger(FINGER_MOTION, 0.9, 0.5)
    assert (sample.engage, any(sample.motion)) == (False, False)
    assert not screen.finger(FINGER_UP, 0.9, 0.5).engage
    assert screen.finger(FINGER_DOWN, 0.5, 0.5).engage


def test_a_pen_is_a_mouse(screen: Screen) -> None:
    """SDL 2 reports a pen as a mouse: its tip is the left button, its barrel button the right one."""
    x, y = screen.board.center
    assert screen.button(MOUSE_DOWN, x, y, which=3).engage
    sample = screen.motion(x + screen.board.width // 5, y, which=3)
    assert sample.motion == pytest.approx((1.0, 0.0), abs=0.02)
    assert screen.button(MOUSE_DOWN, x, y, which=3, button=3).stop
    assert not screen.button(MOUSE_UP, x, y, which=3).engage
