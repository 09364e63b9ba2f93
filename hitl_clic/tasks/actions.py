"""Checks and axis groups of actions, for every task. Pure; any thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from hitl_clic.devices.core.axes import GRIPPER, TURNS, base
from hitl_clic.tasks.task import Array

PLANE_GROUPS: Mapping[str, tuple[str, ...]] = {"sideways": ("x",), "vertical": ("y",)}
"""`ActionFrame.groups` of a planar task."""


def arm_groups(axes: Sequence[str]) -> dict[str, tuple[str, ...]]:
    """`ActionFrame.groups` of an arm task: the axes of each type, of all arms together."""
    kinds = {"moving": ("x", "y", "z"), "height": ("z",), "turning": TURNS, "gripper": (GRIPPER,)}
    groups = {name: tuple(axis for axis in axes if base(axis) in kind) for name, kind in kinds.items()}
    return {name: group for name, group in groups.items() if group}


def checked_action(action: Array, size: int) -> Array:
    """The action as a new float32 [size], clipped to [-1, 1].

    Raises:
        ValueError: the shape is wrong or a number is NaN or infinite.
    """
    numbers = np.array(action, dtype=np.float32)
    if numbers.shape != (size,):
        raise ValueError(f"action must have shape ({size},), got {numbers.shape}")
    if not np.isfinite(numbers).all():
        raise ValueError(f"action must hold finite numbers only, got {numbers}")
    return np.clip(numbers, -1.0, 1.0)
