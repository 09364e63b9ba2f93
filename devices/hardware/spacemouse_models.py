"""The supported 3D mice: USB ids, names, report formats and buttons. Pure data; any thread.

The numbers come from pyspacemouse's device list; three ids come from spacenavd's.
`tests/devices/test_spacemouse_libraries.py` compares the table with the first.
A user adds models in a file, see `spacemouse_own`.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

Bits = Mapping[str, tuple[int, int]]
"""Button name to (byte, bit) in the button report. Byte 0 is the report number."""


@dataclass(frozen=True, slots=True)
class Model:
    """One model.

    Attributes:
        name: display name.
        combined: report 1 holds all six axes (13 bytes). Otherwise it holds translation and report 2 rotation (7 each).
        buttons: the position of each button.
        receiver: a wireless receiver, which stays connected while its mouse is off, asleep or out of range.
    """

    name: str
    combined: bool
    buttons: Bits
    receiver: bool = False


_TWO: Bits = {"left": (1, 0), "right": (1, 1)}
_PRO: Bits = {
    "menu": (1, 0),
    "fit": (1, 1),
    "top": (1, 2),
    "rear": (1, 4),
    "front": (1, 5),
    "roll cw": (2, 0),
    "1": (2, 4),
    "2": (2, 5),
    "3": (2, 6),
    "4": (2, 7),
    "esc": (3, 6),
    "alt": (3, 7),
    "shift": (4, 0),
    "ctrl": (4, 1),
    "rotation": (4, 2),
}
_ENTERPRISE: Bits = {
    "menu": (1, 0),
    "fit": (1, 1),
    "top": (1, 2),
    "right": (1, 4),
    "front": (1, 5),
    "roll cw": (2, 0),
    "iso 1": (2, 2),
    **{str(number + 1): (2, 4 + number) for number in range(4)},
    **{str(number + 5): (3, number) for number in range(6)},
    "esc": (3, 6),
    "alt": (3, 7),
    "shift": (4, 0),
    "ctrl": (4, 1),
    "lock": (4, 2),
}
_EXPLORER: Bits = {
    "1": (1, 0),
    "2": (1, 1),
    "t": (1, 2),
    "l": (1, 3),
    "r": (1, 4),
    "f": (1, 5),
    "esc": (1, 6),
    "alt": (1, 7),
    "shift": (2, 0),
    "ctrl": (2, 1),
    "fit": (2, 2),
    "panel": (2, 3),
    "plus": (2, 4),
    "minus": (2, 5),
    "2d": (2, 6),
}
_PILOT: Bits = {
    **{str(number + 1): (1, number) for number in range(6)},
    "t": (1, 6),
    "l": (1, 7),
    "r": (2, 0),
    "f": (2, 1),
    "esc": (2, 2),
    "alt": (2, 3),
    "shift": (2, 4),
    "ctrl": (2, 5),
    "fit": (2, 6),
    "panel": (2, 7),
    "zoom minus": (3, 0),
    "zoom plus": (3, 1),
    "dom": (3, 2),
    "lock 3d": (3, 3),
    "config": (3, 4),
}
_PILOT_PRO: Bits = {
    "menu": (1, 0),
    "fit": (1, 1),
    "top": (1, 2),
    "rear": (1, 4),
    "front": (1, 5),
    "roll cw": (2, 0),
    "iso": (2, 2),
    "3": (2, 6),
    "4": (2, 7),
    "5": (3, 0),
    "1": (3, 1),
    "2": (3, 2),
    "esc": (3, 6),
    "alt": (3, 7),
    "shift": (4, 0),
    "ctrl": (4, 1),
    "rotation": (4, 2),
    "pan zoom": (4, 3),
    "dominant": (4, 4),
    "plus": (4, 5),
    "minus": (4, 6),
}

_PAIRED: Bits = {**_TWO, **{name: bit for name, bit in _PRO.items() if name not in ("menu", "fit")}}
"""Buttons of whatever mouse is paired with a universal receiver, which does not say which one it is.

A Pro sends its keys "menu" and "fit" where a two-button mouse sends left and right. So these two have one name here,
and the preset binds "menu" as "left" and "fit" as "right".
"""

MODELS: Mapping[tuple[int, int], Model] = {
    (0x046D, 0xC625): Model("SpacePilot", False, _PILOT),
    (0x046D, 0xC626): Model("SpaceNavigator", False, _TWO),
    (0x046D, 0xC627): Model("SpaceExplorer", False, _EXPLORER),
    (0x046D, 0xC629): Model("SpacePilot Pro", False, _PILOT_PRO),
    (0x046D, 0xC62B): Model("SpaceMouse Pro", False, _PRO),
    (0x256F, 0xC62E): Model("SpaceMouse Wireless", True, _TWO),
    (0x256F, 0xC631): Model("SpaceMouse Pro Wireless (cable)", True, _PRO),
    (0x256F, 0xC633): Model("SpaceMouse Enterprise", True, _ENTERPRISE),
    (0x256F, 0xC635): Model("SpaceMouse Compact", False, _TWO),
    (0x256F, 0xC636): Model("SpaceMouse Module", False, _TWO),
    (0x256F, 0xC638): Model("SpaceMouse Pro Wireless (Bluetooth)", True, _PRO),
    (0x256F, 0xC63A): Model("SpaceMouse Wireless (new)", True, _TWO),
    # no list names its buttons; every other model reports its first two here
    (0x256F, 0xC641): Model("SpaceMouse USB", False, _TWO),
    # receivers last: a mouse that is also connected by cable is read by cable
    (0x256F, 0xC62F): Model("SpaceMouse Wireless (receiver)", True, _TWO, receiver=True),
    (0x256F, 0xC632): Model("SpaceMouse Pro Wireless", True, _PRO, receiver=True),
    (0x256F, 0xC652): Model("3Dconnexion Universal Receiver", True, _PAIRED, receiver=True),
}
"""Known models by (vendor id, product id), in search order."""
