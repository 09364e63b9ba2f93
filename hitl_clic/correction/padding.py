"""Corrections as they are learnt: those of fewer than H steps filled up to a whole chunk ([CC] section 4 says only
"padded"), and how much of a relative one counts.

Pure numpy, any thread. `method.md` section 4 names the four ways; `PADDINGS` is their table.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
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
    """What was really executed afterwards (the teacher's actions, and the robot's that the teacher let pass).

    If the episode ended before the chunk did, its last executed action is held.
    """
    missing = len(robot) - len(known)
    tail = followed[:missing]
    if len(tail) < missing:
        last = tail[-1:] if len(tail) else known[-1:]
        tail = np.concatenate([tail, np.repeat(last, missing - len(tail), axis=0)])
    return tail


PADDINGS: Mapping[str, Pad] = {"hold": _hold, "robot": _robot, "hindsight": _hindsight, "mask": _robot}
"""`mask` keeps the robot's tail as a placeholder: the mask takes it out of every distance."""


def counted(taught: Array, relative: bool, padding: str) -> Array:
    """The coordinates of a pair's chunks that bound its desired space, 1 or 0, of the shape of `taught`.

    Taught coordinates do; untaught axes of a taught step never do. The steps behind, which were padded, do if the
    padding stands for something: not with `mask`, and not for relative corrections, whose teacher said nothing of them.

    Args:
        taught: 1 on taught axes of taught steps, float32 [H, dim_a]; a step without any is a padded one.
    """
    if relative or padding == "mask":
        return taught
    padded = ~taught.any(axis=1, keepdims=True)
    return np.where(padded, np.float32(1), taught)


def shortened(robot: Array, human: Array, taught: Array, length: float) -> Array:
    """The human chunk of a relative correction, each step `length` from the robot's at most, which keeps its direction.

    Args:
        robot, human: float32 [H, dim_a]. taught: 1 on taught axes of taught steps, [H, dim_a]; an axis that was only
            obeyed meanwhile, as a gripper's, makes no push longer.
    """
    apart = human - robot
    far = np.linalg.norm(apart * taught, axis=1, keepdims=True)
    return np.where(far > length, robot + apart * (length / np.maximum(far, 1e-12)), human).astype(np.float32)


def pad_chunk(known: Array, robot: Array, followed: Array, padding: str) -> Array:
    """The human chunk a^h[t:t+H].

    Args:
        known: taught actions, float32 [k, dim_a], 1 <= k <= H.
        robot: robot chunk for the same state, float32 [H, dim_a].
        followed: actions executed after the known ones, float32 [n, dim_a], n >= 0 (`hindsight` reads it).
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
