"""Axis names: which arm an axis belongs to, and whether it is a rotation or a gripper. Pure; any thread."""

from __future__ import annotations

import string

TURNS = ("rx", "ry", "rz")
"""Rotation axes."""
GRIPPER = "gripper"
"""The gripper axis: above 0 closes, below 0 opens."""


def base(axis: str) -> str:
    """The axis name without its arm number: "rx2" gives "rx"."""
    return axis.rstrip(string.digits)


def arm(axis: str) -> int:
    """The arm of an axis, from 0: "rx" is 0, "rx2" is 1."""
    number = axis[len(base(axis)) :]
    return int(number) - 1 if number else 0
