"""What can be asked of the gate, and who can drive. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Event = Literal["engage", "release", "pause", "resume", "stop", "clear_stop", "ask"]
Command = Literal["pause", "resume", "stop", "clear_stop", "ask", "toggle_kind", "next_frame", "next_axes"]
Switch = Literal["kind", "frame", "about"]
Driver = Literal["robot", "human", "nobody"]

COMMANDS: tuple[Command, ...] = get_args(Command)
"""What `Gate.step` accepts as commands; "pause" pauses, and given once more goes on again; "ask" is the robot's own: it
asks for help, and waits. The last three are those of `SWITCHES`."""

SWITCHES: Mapping[str, Switch] = {"toggle_kind": "kind", "next_frame": "frame", "next_axes": "about"}
"""Commands that change nobody's state, but how a correction is read: each takes the next of its choices, round and
round."""
