"""Completes labels of fewer than H steps ([CC] section 4 says only "padded"), and makes the final mask of a pair.

Pure numpy, any thread. `method.md` section 4 describes the four paddings; `PADDINGS` is their table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Literal

import numpy as np

from hitl_clic.types.records import Array, CorrectionMode

Padding = Literal["hold", "robot", "hindsight", "mask"]
Pad = Callable[[Array, Array, Array], Array]


def _hold(known: Array, robot: Array, followed: Array) -> Array:
    """Repeat the last taught action."""
    del followed
    return np.repeat(known[-1:], len(robot) - len(known), axis=0)


def _robot(known: Array, robot: Array, followed: Array) -> Array:
    """Keep the robot's planned tail."""
    del followed
    return robot[len(known) :]


def _hindsight(known: Array, robot: Array, followed: Array) -> Array:
    """What was done afterwards, by the teacher or by the robot.

    If the episode ended before the chunk did, the last action is repeated.
    """
    missing = len(robot) - len(known)
    tail = followed[:missing]
    if len(tail) < missing:
        last = tail[-1:] if len(tail) else known[-1:]
        tail = np.concatenate([tail, np.repeat(last, missing - len(tail), axis=0)])
    return tail


PADDINGS: Mapping[Padding, Pad] = {"hold": _hold, "robot": _robot, "hindsight": _hindsight, "mask": _robot}
"""`mask` keeps the robot's tail as a placeholder; the mask takes it out of every distance."""


def final_mask(taught: Array, mode: CorrectionMode, padding: Padding) -> Array:
    """The mask of a pair: 1 on the coordinates that bound its desired set, else 0.

    Taught axes of taught steps count. Other axes of a taught step do not. Padded steps count if the padding stands for
    an action: not with `mask`, and not in relative corrections, which say nothing about later steps.

    The function is idempotent: the mask of a final pair comes back equal. So it also upgrades the pairs of old
    recordings, whose mask holds the taught coordinates only.

    Args:
        taught: 1 on taught axes of taught steps, float32 [H, dim_a]; a row of zeros is a padded step.

    Returns:
        float32 [H, dim_a].
    """
    if mode == "relative" or padding == "mask":
        return taught
    padded = ~taught.any(axis=1, keepdims=True)
    return np.where(padded, np.float32(1), taught)


def pad_chunk(known: Array, robot: Array, followed: Array, padding: Padding) -> Array:
    """The human chunk a^h[t:t+H].

    Args:
        known: taught actions, float32 [k, dim_a], 1 <= k <= H.
        robot: robot chunk for the same state, float32 [H, dim_a].
        followed: actions after the known ones, float32 [n, dim_a], n >= 0 (`hindsight` reads it).
        padding: a key of `PADDINGS`.

    Returns:
        float32 [H, dim_a].

    Raises:
        ValueError: unknown padding, or no or more known steps than H.
    """
    if padding not in PADDINGS:
        raise ValueError(f"padding is {padding!r}; allowed are {', '.join(PADDINGS)}")
    if not 1 <= len(known) <= len(robot):
        raise ValueError(f"{len(known)} taught steps do not fit a chunk of {len(robot)}")
    if len(known) == len(robot):
        return np.array(known, dtype=np.float32)
    return np.concatenate([known, PADDINGS[padding](known, robot, followed)]).astype(np.float32)
