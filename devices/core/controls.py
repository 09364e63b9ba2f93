"""Names of keys and buttons, and the functions that they can be bound to. Pure data; any thread."""

from __future__ import annotations

from collections.abc import Collection, Mapping
from difflib import get_close_matches
from types import MappingProxyType

from hitl_clic.types.commands import COMMANDS

KEY_NAMES: frozenset[str] = frozenset(
    {
        *(f"f{number}" for number in range(1, 16)),
        *(f"{side} {key}" for side in ("left", "right") for key in ("shift", "ctrl", "alt", "meta")),
        *(f"[{key}]" for key in "0123456789./*-+"),  # the number pad
        *("left", "right", "up", "down", "home", "end", "page up", "page down", "insert", "delete"),
        *("space", "tab", "return", "backspace", "escape", "enter", "caps lock", "menu", "alt gr"),
    }
)
"""Keys as the window names them. A key that types a character has that character, in lower case, as its name."""

MOUSE_BUTTONS: frozenset[str] = frozenset(
    {"left", "middle", "right", "back", "forward", "wheel up", "wheel down", "wheel left", "wheel right"}
)
"""Mouse buttons. A notch of the wheel is a short press."""

TEACH_STILL = "teach still"
"""The function that stops the arm and teaches standing still. Holding without a push teaches nothing."""

FUNCTIONS: Mapping[str, str] = MappingProxyType(
    {
        "engage": "You drive, instead of the robot",
        "stop": "Emergency stop",
        "precise": "Hold: small, precise motion",
        "coarse": "Hold: full speed",
        "turn": "Hold: turn instead of move",
        "mode": "Switch between moving and turning",
        "arm": "Drive the next arm",
        "arm 1": "Drive the first arm",
        "arm 2": "Drive the second arm",
        "gripper": "Close the gripper; press again to open it",
        "slow": "Hold: half speed of everything",
        TEACH_STILL: "Hold: stand still, and teach that",
        **{name: sentence for name, sentence in COMMANDS.items() if name != "stop"},
    }
)
"""What a control can do besides motion: name in a profile, and a sentence for the key map.

The first ones act on the device itself; the commands go to the session, once for each press.
"""


def is_key(name: str) -> bool:
    """Whether a key can have this name."""
    return name in KEY_NAMES or (len(name) == 1 and name.isprintable() and name == name.lower() and name != " ")


def suggestion(name: str, known: Collection[str]) -> str:
    """For an error message: the known names that are closest to an unknown one, or else all."""
    close = get_close_matches(name.lower(), known, n=3)
    return f"did you mean {' or '.join(map(repr, close))}?" if close else f"known are {', '.join(sorted(known))}"


def key_label(name: str) -> str:
    """The label of a key: "W", "Left Shift"."""
    if len(name) == 1:  # "ß" has no capital letter, and "ς" has that of "σ", another key
        return name.upper() if name.upper().lower() == name else name
    return name.title()


def button_label(name: str) -> str:
    """The label of a button: "left button", "wheel up", "left button, long", "left and right buttons together"."""
    if name.endswith(" long"):
        return f"{button_label(name.removesuffix(' long'))}, long"
    if "+" in name:
        return f"{name.replace('+', ' and ')} buttons together"
    return name if name == "cap" or name.startswith("wheel") else f"{name} button"
