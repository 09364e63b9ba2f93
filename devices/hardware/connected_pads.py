"""The joysticks that SDL sees: their numbers, names and controls, and which of them a profile can use.

Called by the reader thread of a gamepad, and by the listing on the main thread. `SDL` must be held for every call of
SDL: two gamepads have a thread each. SDL renumbers its joysticks in `update` alone, so a number is good while `SDL` is
held.

SDL answers NULL where a joystick has no layout or is gone, and pygame then crashes the process. So the name is read
from the opened joystick alone, never from the layout.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from hitl_clic.devices.hardware.presses import LONG
from hitl_clic.devices.mapping.shaping import Profile

if TYPE_CHECKING:
    from pygame.joystick import JoystickType

SDL = threading.RLock()
"""Held during calls of SDL."""
IN_USE: set[int] = set()
"""SDL's instance ids of the joysticks that a device of this process reads. pygame shares one object per joystick."""

STICKS = {"left x": (0, 1.0), "left y": (1, -1.0), "right x": (2, 1.0), "right y": (3, -1.0)}
"""Raw axis of a pad with a layout to SDL's number and sign. Here y is positive away from the operator."""
TRIGGERS = {"left trigger": 4, "right trigger": 5}
BUTTONS = (
    *("a", "b", "x", "y", "back", "guide", "start", "left stick", "right stick", "left shoulder", "right shoulder"),
    *("up", "down", "left", "right"),
)
"""SDL's buttons of a pad with a layout by number, with the names of an Xbox pad."""
_MOST_NAMED = 4
"""Most missing controls that a sentence names."""


@dataclass(frozen=True, slots=True)
class ConnectedPad:
    """One joystick as SDL lists it.

    Attributes:
        number: SDL's, from 0; it changes when another joystick is unplugged. name: its own; never empty.
        has_layout: SDL knows which of its axes and buttons are sticks, triggers and shoulders.
        axes, buttons, hats: counts. instance: SDL's id while it stays plugged in. guid: of its model.
    """

    number: int
    name: str
    has_layout: bool
    axes: int
    buttons: int
    hats: int
    instance: int
    guid: str

    def __str__(self) -> str:
        return f"{self.number} {self.name!r}"

    @property
    def controls(self) -> frozenset[str]:
        """Names of its raw axes and buttons, as in `gamepad.PadSource`."""
        numbered = {f"{kind} {number}" for number in range(self.axes) for kind in ("axis", "trigger")}
        numbered |= {f"button {number}" for number in range(self.buttons)}
        numbered |= {f"hat {number} {way}" for number in range(self.hats) for way in "xy"}
        if self.has_layout:
            numbered |= {*STICKS, *TRIGGERS, *BUTTONS, "triggers", "d-pad x", "d-pad y"}
        return frozenset(numbered)

    def lacks(self, profile: Profile) -> str:
        """Why the profile cannot use it, as a clause; empty if it can: it can engage, and move one axis at least."""
        wanted = _bound(profile)
        missing = [name for name in wanted if name not in self.controls]
        engages = profile.controls_for("engage")[1]
        if _moves(profile, self.controls) and (not engages or any(_has(self.controls, name) for name in engages)):
            return ""
        more = f" and {len(missing) - _MOST_NAMED} more" if len(missing) > _MOST_NAMED else ""
        named = ", ".join(missing[:_MOST_NAMED]) + more
        layout = "" if self.has_layout else "SDL has no layout for it, so "
        return f"{layout}it lacks what profile {profile.name!r} binds ({named}); it has {self.numbered()}"

    def fits(self, profile: Profile) -> int:
        """How many of the controls that the profile binds it has."""
        return sum(name in self.controls for name in _bound(profile))

    def numbered(self) -> str:
        """Its controls by number, which a profile can bind."""
        kinds = (("axis", self.axes), ("button", self.buttons), ("hat", self.hats))
        spans = [f"{kind} 0" + (f" to {count - 1}" if count > 1 else "") for kind, count in kinds if count > 0]
        return ", ".join(spans) or "no axis and no button"


def connected_pads() -> list[ConnectedPad]:
    """All joysticks. Those that no device reads are opened for a moment. Raises OSError: SDL or pygame fails."""
    with SDL:
        pads = controllers()
        with sdl_errors("the gamepads cannot be listed"):
            pads.update()
            count = pads.get_count()
        found = []
        for number in range(count):
            try:
                found.append(_described(number))
            except OSError:
                continue  # it vanished, or its device file may not be read
        return found


def _described(number: int) -> ConnectedPad:
    pad = open_joystick(number)
    try:
        return ConnectedPad(
            number,
            _name(pad),
            bool(controllers().is_controller(number)),
            pad.get_numaxes(),
            pad.get_numbuttons(),
            pad.get_numhats(),
            pad.get_instance_id(),
            pad.get_guid(),
        )
    finally:
        if pad.get_instance_id() not in IN_USE:
            pad.quit()


def _name(pad: JoystickType) -> str:
    """Its own name. The pad must be open: of a closed one SDL gives NULL."""
    try:
        return pad.get_name().strip() or "joystick without a name"
    except UnicodeDecodeError:
        return "joystick with an unreadable name"


def choose_pad(
    pads: Collection[ConnectedPad], profile: Profile | None, which: str = "", model: tuple[str, str] | None = None
) -> ConnectedPad:
    """The pad to use.

    Without `which` it is the one that has most of what the profile binds; of equals one with a layout, then the
    first. A pad that another device of this process reads is never chosen.

    Args:
        pads: the connected ones. profile: its bindings; None uses any pad.
        which: number, or name or a part of it; case does not matter. Empty: any.
        model: guid and name of the pad that was in use under this number before, which alone may return to it.

    Raises:
        OSError: a sentence that says why there is none.
    """
    if not pads:
        raise OSError("no gamepad is connected")
    free = [pad for pad in pads if pad.instance not in IN_USE]
    if which:
        return _checked(_by_name_or_number(pads, free, which, model), profile)
    usable = [pad for pad in free if profile is None or not pad.lacks(profile)]
    if not usable:
        raise OSError("; ".join(_why(pad, profile) for pad in pads))
    return max(usable, key=lambda pad: (pad.fits(profile) if profile else 0, pad.has_layout, -pad.number))


def _by_name_or_number(
    pads: Collection[ConnectedPad], free: Collection[ConnectedPad], which: str, model: tuple[str, str] | None
) -> ConnectedPad:
    known = ", ".join(map(str, pads))
    if which.isdecimal():
        found = [pad for pad in pads if pad.number == int(which)]
        if model is not None:  # numbers shift when a pad is unplugged; another model is not the same hand's
            same = [pad for pad in free if (pad.guid, pad.name) == model]
            found = [pad for pad in same if pad in found] or same[:1]
        if not found:
            raise OSError(f"gamepad {which} is not connected; connected: {known}")
    else:
        name = which.casefold()
        found = [pad for pad in pads if pad.name.casefold() == name]
        found = found or [pad for pad in pads if name in pad.name.casefold()]
        if not found:
            raise OSError(f"no connected gamepad is named {which!r}; connected: {known}")
        if len(found) > 1:
            raise OSError(f"{len(found)} gamepads are named {which!r}: choose one by its number; connected: {known}")
    if found[0] not in free:
        raise OSError(f"gamepad {found[0]} is read by another device of this session")
    return found[0]


def _checked(pad: ConnectedPad, profile: Profile | None) -> ConnectedPad:
    if profile is not None and pad.lacks(profile):
        raise OSError(_why(pad, profile))
    return pad


def _why(pad: ConnectedPad, profile: Profile | None) -> str:
    if pad.instance in IN_USE:
        return f"gamepad {pad} is read by another device of this session"
    return f"gamepad {pad} is not usable: {'' if profile is None else pad.lacks(profile)}"


def _bound(profile: Profile) -> list[str]:
    """The raw axes and single buttons that a profile binds."""
    axes = [profile.source(name) for name in profile.axes]
    parts = [part for name in profile.buttons for part in _parts(name)]
    return list(dict.fromkeys([*(axis for axis in axes if not _of_buttons(profile, axis)), *parts]))


def _of_buttons(profile: Profile, axis: str) -> bool:
    """Whether buttons push a raw axis, which is then no control by itself."""
    return not {f"+{axis}", f"-{axis}"}.isdisjoint(profile.buttons.values())


def _moves(profile: Profile, controls: Collection[str]) -> bool:
    ends = [name for name, binding in profile.buttons.items() if binding[:1] in ("+", "-")]
    sticks = (profile.source(name) for name in profile.axes)
    return any(name in controls for name in sticks) or any(_has(controls, name) for name in ends)


def _has(controls: Collection[str], button: str) -> bool:
    return all(part in controls for part in _parts(button))


def _parts(button: str) -> list[str]:
    """The single buttons of a chord or of a long press."""
    return button.removesuffix(LONG).split("+")


def open_joystick(number: int) -> JoystickType:
    """An opened joystick. Raises OSError: it vanished, or it may not be read."""
    import pygame

    with sdl_errors("the gamepad cannot be opened"):
        return pygame.joystick.Joystick(number)


@contextmanager
def sdl_errors(what: str) -> Iterator[None]:
    """Turns an error of SDL into an OSError that a device survives."""
    import pygame

    try:
        yield
    except pygame.error as error:
        raise OSError(f"{what}: {error}") from error


def controllers() -> Any:
    """pygame's module for pads with a layout, initialised. Raises OSError: SDL or pygame fails."""
    os.environ.setdefault("PYGAME_HIDE_SUPPORT_PROMPT", "1")
    os.environ.setdefault("SDL_JOYSTICK_ALLOW_BACKGROUND_EVENTS", "1")  # read pads without window focus
    os.environ.setdefault("SDL_JOYSTICK_THREAD", "1")  # Windows: read pads without a window's messages
    try:
        import pygame.joystick
        from pygame._sdl2 import controller
    except ImportError as error:
        raise OSError("Needs the package pygame, which belongs to the installation.") from error
    with sdl_errors("SDL cannot read joysticks"):
        if not controller.get_init():
            controller.init()
        if not pygame.joystick.get_init():
            pygame.joystick.init()
    return controller
