"""What every task does to an action before using it. Pure; any thread."""

from __future__ import annotations

import numpy as np

from hitl_clic.tasks.task import Array


def checked_action(action: Array, size: int) -> Array:
    """The action as a fresh float32 [size] clipped to [-1, 1].

    Raises:
        ValueError: the shape is wrong or a number is NaN or infinite.
    """
    numbers = np.array(action, dtype=np.float32)
    if numbers.shape != (size,):
        raise ValueError(f"action must have shape ({size},), got {numbers.shape}")
    if not np.isfinite(numbers).all():
        raise ValueError(f"action holds a number that is not finite: {numbers}")
    return np.clip(numbers, -1.0, 1.0)
