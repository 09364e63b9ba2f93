"""What the names of a task's axes say: which arm they belong to, and whether they turn or grip. Pure; any thread."""

from __future__ import annotations

import string

TURNS = ("rx", "ry", "rz")
"""Axes about which a hand turns."""
GRIPPER = "gripper"
"""The axis whose sign shuts a gripper (above 0) or opens it."""


def base(axis: str) -> str:
    """The axis without the number of its arm: "rx2" is "rx"."""
    return axis.rstrip(string.digits)


def arm(axis: str) -> int:
    """The arm that an axis belongs to, from 0: "rx2" is the second one's; without a number it is the first one's."""
    number = axis[len(base(axis)) :]
    return int(number) - 1 if number else 0
