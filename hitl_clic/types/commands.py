"""Commands to the gate, its events, and who drives. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal, get_args

Event = Literal["engage", "release", "pause", "resume", "stop", "clear_stop", "ask"]
Command = Literal[
    "pause",
    "resume",
    "stop",
    "clear_stop",
    "ask",
    "toggle_correction_mode",
    "next_command_frame",
    "next_correction_axes",
]
Switch = Literal["correction_mode", "command_frame", "correction_axes"]
Driver = Literal["robot", "human", "nobody"]

COMMANDS: tuple[Command, ...] = get_args(Command)
"""What `Gate.step` accepts as commands. A second "pause" resumes. "ask" comes from the robot: it waits for help."""

SWITCHES: Mapping[str, Switch] = {
    "toggle_correction_mode": "correction_mode",
    "next_command_frame": "command_frame",
    "next_correction_axes": "correction_axes",
}
"""Commands that change how a correction is read. Each selects the next choice, and after the last the first."""
