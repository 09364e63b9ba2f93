"""What keys and buttons are called, and what they can be bound to besides motion. Pure data; any thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from types import MappingProxyType

KEY_NAMES: frozenset[str] = frozenset(
    {
        *(f"f{number}" for number in range(1, 16)),
        *(f"{side} {key}" for side in ("left", "right") for key in ("shift", "ctrl", "alt", "meta")),
        *(f"[{key}]" for key in "0123456789./*-+"),  # the number pad
        *("left", "right", "up", "down", "home", "end", "page up", "page down", "insert", "delete"),
        *("space", "tab", "return", "backspace", "escape", "enter", "caps lock", "menu", "alt gr"),
    }
)
"""Keys as the window names them; a key that writes a character has that, in lower case, for its name."""

MOUSE_BUTTONS: frozenset[str] = frozenset(
    {"left", "middle", "right", "back", "forward", "wheel up", "wheel down", "wheel left", "wheel right"}
)
"""Buttons of a mouse; a notch of its wheel is a short press."""

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "engage": "You drive, instead of the robot",
        "stop": "Emergency stop",
        "precise": "Hold: small, precise motion",
        "coarse": "Hold: full speed",
        "turn": "Hold: turn instead of move",
        "mode": "Change between moving and turning",
        "arm": "Drive the next arm",
        "arm 1": "Drive the first arm",
        "arm 2": "Drive the second arm",
        "gripper": "Shut the gripper; once more: open it",
    }
)
"""What a control can do besides moving: its name in a profile, and a sentence for people."""


def is_key(name: str) -> bool:
    """Whether a key can have this name."""
    return name in KEY_NAMES or (len(name) == 1 and name.isprintable() and name == name.lower() and name != " ")


def suggestion(name: str, known: Collection[str]) -> str:
    """What an unknown name may have been meant for."""
    close = get_close_matches(name.lower(), known, n=3)
    return f"did you mean {' or '.join(map(repr, close))}?" if close else f"known are {', '.join(sorted(known))}"


def key_label(name: str) -> str:
    """A key as people call it: "W", "Left Shift"."""
    return name.title()


def button_label(name: str) -> str:
    """A button as people call it: "left button", "wheel up", "cap", "left and right buttons together"."""
    if "+" in name:
        return f"{name.replace('+', ' and ')} buttons together"
    return name if name == "cap" or name.startswith("wheel") else f"{name} button"
