"""What a person can order, the gate's events, and who drives. Pure data.

Window, devices and terminal use these names for their keys and buttons, and settings and profiles bind them.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal, get_args

Event = Literal["engage", "release", "pause", "resume", "stop", "clear_stop", "ask"]
GateCommand = Literal[
    "pause",
    "resume",
    "stop",
    "clear_stop",
    "ask",
    "discard",
    "toggle_correction_mode",
    "next_command_frame",
    "next_correction_axes",
]
Switch = Literal["correction_mode", "command_frame", "correction_axes"]
Driver = Literal["robot", "human", "nobody"]

COMMANDS: Mapping[str, str] = MappingProxyType(
    {
        "stop": "Emergency stop, until you clear it",
        "clear_stop": "Clear the emergency stop",
        "pause": "Pause or continue",
        "resume": "Continue after a pause",
        "success": "End the episode: success",
        "failure": "End the episode: failure",
        "reset": "Start again, and withdraw what you taught in this episode",
        "reset_keep": "Start again, and keep what you taught in this episode",
        "discard": "Discard your last correction",
        "toggle_correction_mode": "Switch between relative and absolute corrections",
        "next_command_frame": "Switch the command frame: world, gripper, camera",
        "next_correction_axes": "Correct only some axes, or all",
        "slow_motion": "Slow motion: half speed, a quarter, full again",
        "quit": "End the session",
    }
)
"""Each command that a person can give, and a sentence for key maps and help."""

GATE_COMMANDS: tuple[GateCommand, ...] = get_args(GateCommand)
"""What `Gate.step` accepts as commands. A second "pause" resumes. "ask" comes from the robot: it waits for help.

"discard" also ends the correction that it discards.
"""

SWITCHES: Mapping[str, Switch] = MappingProxyType(
    {
        "toggle_correction_mode": "correction_mode",
        "next_command_frame": "command_frame",
        "next_correction_axes": "correction_axes",
    }
)
"""Commands that change how a correction is read. Each selects the next choice, and after the last the first."""

ENDINGS: Mapping[str, bool | None] = MappingProxyType(
    {"success": True, "failure": False, "reset": None, "reset_keep": None, "quit": None}
)
"""Commands that end an episode, and whether it is a success; None: the episode does not count."""

WITHDRAWALS = ("discard", "reset")
"""Commands that withdraw pairs. Their events say how many ("pairs"), and the ids of the complete ("first", "last")."""
