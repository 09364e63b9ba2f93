"""Virtual gamepads through SDL's own interface, in the SDL library that pygame has loaded."""

from __future__ import annotations

import ctypes
from pathlib import Path
from typing import ClassVar

import pytest

pygame = pytest.importorskip("pygame")

GAMECONTROLLER, UNKNOWN, WHEEL, FLIGHT_STICK = 1, 0, 2, 5
REST = -32768
RIGHT_SHOULDER, LEFT_SHOULDER, A, B = 10, 9, 0, 1
LEFT_TRIGGER, RIGHT_TRIGGER = 4, 5


class Description(ctypes.Structure):
    """SDL_VirtualJoystickDesc, version 1."""

    _fields_: ClassVar = [
        *((name, ctypes.c_uint16) for name in ("version", "type", "axes", "buttons", "hats")),
        *((name, ctypes.c_uint16) for name in ("vendor", "product", "padding")),
        *((name, ctypes.c_uint32) for name in ("button_mask", "axis_mask")),
        ("name", ctypes.c_char_p),
        ("user", ctypes.c_void_p),
        *((name, ctypes.c_void_p) for name in ("update", "player", "rumble", "triggers", "led", "effect")),
    ]


class VirtualPads:
    """SDL's virtual joysticks; skips the test where this SDL has none."""

    def __init__(self) -> None:
        places = Path(pygame.__file__).parent
        found = [
            *places.parent.glob("pygame.libs/libSDL2-2*"),
            *places.glob(".dylibs/libSDL2-2*"),
            *places.glob("SDL2.dll"),
        ]
        if not found:
            pytest.skip("pygame's SDL2 library was not found")
        self.sdl = ctypes.CDLL(str(found[0]))
        if not hasattr(self.sdl, "SDL_JoystickAttachVirtual"):
            pytest.skip("this SDL2 has no virtual joysticks")
        self.sdl.SDL_JoystickFromInstanceID.restype = ctypes.c_void_p
        self.sdl.SDL_JoystickOpen.restype = ctypes.c_void_p
        self.sdl.SDL_JoystickInstanceID.argtypes = [ctypes.c_void_p]
        self.sdl.SDL_JoystickSetVirtualAxis.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_int16]
        self.sdl.SDL_JoystickSetVirtualButton.argtypes = [ctypes.c_void_p, ctypes.c_int, ctypes.c_uint8]
        self.attached: list[VirtualPad] = []

    def attach(
        self, kind: int = GAMECONTROLLER, name: bytes | None = None, counts: tuple[int, int, int] = (6, 15, 1)
    ) -> VirtualPad:
        """Connect one. `name`: None is SDL's own. `counts`: of axes, buttons and hats."""
        pad = VirtualPad(self.sdl, kind, name, counts)
        self.attached.append(pad)
        return pad


class VirtualPad:
    """One virtual pad, opened here too, so that a test can move it before the device opens it."""

    def __init__(self, sdl: ctypes.CDLL, kind: int, name: bytes | None, counts: tuple[int, int, int]) -> None:
        self.sdl = sdl
        if name is None:
            index = sdl.SDL_JoystickAttachVirtual(kind, *counts)
        else:
            index = sdl.SDL_JoystickAttachVirtualEx(ctypes.byref(Description(1, kind, *counts, name=name)))
        if index < 0:
            pytest.skip("SDL refuses a virtual joystick here")
        self.handle = ctypes.c_void_p(sdl.SDL_JoystickOpen(index))
        self.id = sdl.SDL_JoystickInstanceID(self.handle)
        self.there = True

    def axis(self, number: int, value: float) -> None:
        """Deflect: -1 to 1."""
        self.sdl.SDL_JoystickSetVirtualAxis(self.handle, number, max(REST, round(value * 32767)))

    def button(self, number: int, down: bool = True) -> None:
        """Press or release."""
        self.sdl.SDL_JoystickSetVirtualButton(self.handle, number, int(down))

    def unplug(self) -> None:
        """Disconnect it in its present state."""
        if not self.there:
            return
        self.there = False
        for index in range(self.sdl.SDL_NumJoysticks()):
            if self.sdl.SDL_JoystickGetDeviceInstanceID(index) == self.id:
                self.sdl.SDL_JoystickDetachVirtual(index)
                return
