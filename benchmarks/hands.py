"""Hands of a simulated person: turn wanted motion into a gamepad's sticks and buttons, or a 3D mouse's reports.

They move at a limited rate, tremble, and are quantised as the hardware is. A practised hand knows the response of the
device's profile and inverts it. Directions are those of the picture; which way a control turns the robot's hand is
written here, not read from the profile, so a mirrored profile or mapping shows. Called by the person's thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import cos, exp, radians, sin, sqrt
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from benchmarks.person import Wish
from benchmarks.virtual_gamepad import (
    DOWN,
    LEFT_TRIGGER,
    LEFT_X,
    LEFT_Y,
    RIGHT_SHOULDER,
    RIGHT_TRIGGER,
    RIGHT_X,
    RIGHT_Y,
    UP,
    A,
    VirtualPad,
)
from benchmarks.virtual_spacemouse import VirtualSpaceMouse
from hitl_clic.devices.hardware.spacemouse_reports import FULL
from hitl_clic.devices.mapping.shaping import Profile

Floats = NDArray[np.float64]

AXES = ("x", "y", "z", "rx", "ry", "rz")
"""Axes of a profile for motion along and about the picture's right, depth and up."""
RATE = 8.0
"""Deflection per second; from rest to full in an eighth of a second."""
TREMOR, TREMOR_S = 0.02, 0.1
"""Standard deviation of the tremor, as a share of full, and its time constant, seconds."""
COUPLING = 0.1
"""Rotation of a cap by a push across it, as a share of the push."""
LEAST_PUSH = 0.16
"""A hand that drives with a cap keeps at least this much pressure on it."""
_PRESS_S, _PAUSE_S = 0.06, 0.06
"""Length of a press of the gripper button, and the least pause after it."""


class Hands(Protocol):
    """Hands on one device."""

    def move(self, wish: Wish, dt_s: float) -> None:
        """Act on a wish for `dt_s` seconds, and pass the new state to the device."""


def seen_from(azimuth_deg: float) -> Floats:
    """Right, away and up of a picture, [3, 3] as rows in the world; a right-handed triple.

    Args:
        azimuth_deg: of the camera, as in MuJoCo: 90 looks along the world's y.
    """
    turn = radians(azimuth_deg)
    return np.array([[sin(turn), -cos(turn), 0.0], [cos(turn), sin(turn), 0.0], [0.0, 0.0, 1.0]])


class Fingers:
    """A hand's deflections: limited rate, and tremor while they push.

    Args:
        size: number of deflections. seed: of the tremor.
    """

    def __init__(self, size: int, seed: int) -> None:
        self._at, self._tremor = np.zeros(size), np.zeros(size)
        self._random = np.random.default_rng(seed)

    def move(self, wanted: Floats, dt_s: float) -> Floats:
        """The deflections [size] after `dt_s` seconds on the way to the wanted ones."""
        self._at = self._at + np.clip(wanted - self._at, -RATE * dt_s, RATE * dt_s)
        if not self._at.any():  # released: the spring centres it
            return self._at
        keep = exp(-dt_s / TREMOR_S)
        noise = self._random.standard_normal(self._at.size)
        self._tremor = keep * self._tremor + TREMOR * sqrt(1.0 - keep * keep) * noise
        return np.clip(self._at + self._tremor, -1.0, 1.0)


class Thumb:
    """Presses the button that closes and opens the gripper in turn, until its command is the wanted one."""

    def __init__(self) -> None:
        self._command = 0
        """As the window shows it: 1 closed, -1 open, 0 by the robot."""
        self._since_s = _PRESS_S + _PAUSE_S
        """Seconds since the last press began."""
        self._episode = -1

    def press(self, wish: Wish, engaged: bool, dt_s: float) -> bool:
        """Whether the button is down now."""
        if not engaged or wish.episode != self._episode:  # the command ends with the correction
            self._command, self._episode = 0, wish.episode
        self._since_s += dt_s
        now = self._command or wish.seen_grip
        if engaged and wish.grip and now != wish.grip and self._since_s >= _PRESS_S + _PAUSE_S:
            self._since_s = 0.0
            self._command = -1 if self._command > 0 else 1
        return self._since_s < _PRESS_S


class GamepadHands:
    """Left stick: sideways and away. Right stick: up, and turn about the vertical. Triggers: roll. D-pad: tilt."""

    def __init__(self, pad: VirtualPad, profile: Profile, picture: Floats, seed: int) -> None:
        self._pad, self._profile, self._picture = pad, profile, picture
        self._fingers, self._thumb = Fingers(5, seed), Thumb()
        self.move(Wish(), 0.0)

    def move(self, wish: Wish, dt_s: float) -> None:
        right, away, up, about_right, about_away, about_up = _in_picture(wish, self._picture)
        wanted = [
            deflection(self._profile, axis, motion)
            for axis, motion in (("x", right), ("y", away), ("z", up), ("ry", about_away), ("rz", -about_up))
        ]
        sideways, ahead, lift, roll, turn = self._fingers.move(np.array(wanted), dt_s)
        pad = self._pad
        pad.axis(LEFT_X, sideways)
        pad.axis(LEFT_Y, -ahead)  # SDL: away is negative
        pad.axis(RIGHT_Y, -lift)
        pad.axis(RIGHT_X, turn)  # to the right turns clockwise, seen from above
        pad.axis(RIGHT_TRIGGER, 2.0 * max(0.0, roll) - 1.0)  # the right one rolls clockwise, seen by the operator
        pad.axis(LEFT_TRIGGER, 2.0 * max(0.0, -roll) - 1.0)
        pad.button(UP, about_right < -0.5)  # up tilts the top away
        pad.button(DOWN, about_right > 0.5)
        pad.button(RIGHT_SHOULDER, wish.engage)
        pad.button(A, self._thumb.press(wish, wish.engage, dt_s))


class SpaceMouseHands:
    """The cap moves as the robot's hand should; a cap that is let go ends the correction. Left button: gripper."""

    def __init__(self, mouse: VirtualSpaceMouse, profile: Profile, picture: Floats, seed: int) -> None:
        self._mouse, self._profile, self._picture = mouse, profile, picture
        self._fingers, self._thumb = Fingers(6, seed), Thumb()
        self._sent: tuple[int, ...] = (0,) * 6
        self._pressed = False

    def move(self, wish: Wish, dt_s: float) -> None:
        motions = _in_picture(wish, self._picture)
        wanted = np.array([deflection(self._profile, axis, motion) for axis, motion in zip(AXES, motions, strict=True)])
        strongest = int(np.abs(wanted[:3]).argmax()) if wanted[:3].any() else 2
        if wish.engage and abs(wanted[strongest]) < LEAST_PUSH:
            wanted[strongest] = LEAST_PUSH if wanted[strongest] > 0.0 else -LEAST_PUSH  # downwards if nowhere
        across, away, up, about_right, about_away, about_up = self._fingers.move(wanted, dt_s)
        about_right -= COUPLING * away
        about_away += COUPLING * across
        # the hardware's directions: right, towards the operator, down
        cap = (across, -away, -up, about_right, -about_away, -about_up)
        raw = tuple(round(FULL * float(np.clip(value, -1.0, 1.0))) for value in cap)
        if any(raw) or any(self._sent):  # at rest it is silent
            self._mouse.cap(raw)
        self._sent = raw
        pressed = self._thumb.press(wish, any(raw), dt_s)
        if pressed != self._pressed:
            self._mouse.buttons(*(["left"] if pressed else []))
        self._pressed = pressed


def deflection(profile: Profile, axis: str, motion: float) -> float:
    """The deflection that gives a motion, both from -1 to 1: the inverse of the profile's response."""
    setting = profile.axes[axis]
    size = min(1.0, abs(motion) / setting.scale)
    if size < 1e-3:
        return 0.0
    deadzone = profile.deadzone if setting.deadzone is None else setting.deadzone
    exponent = profile.exponent if setting.exponent is None else setting.exponent
    return float(np.copysign(deadzone + (1.0 - deadzone) * size ** (1.0 / exponent), motion))


def _in_picture(wish: Wish, picture: Floats) -> Sequence[float]:
    """Motion along right, away and up, and right-handed rotation about them; zero unless the person drives."""
    if not wish.engage:
        return (0.0,) * 6
    motion = np.asarray(wish.motion)
    return [float(value) for value in (*(picture @ motion[:3]), *(picture @ motion[3:]))]
