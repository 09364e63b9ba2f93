"""What hands mean, out of what they do: the mean of a short while.

Keys know eight directions, so that a person goes to and fro between them, and every press outlasts its reason. Each
motion by itself is off by tens of degrees; where a few of them lead is less so. Pure numpy; actor's main thread.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hitl_clic.types.records import Array


def meant(actions: Array, taught: Array, ticks: int, commands: Sequence[int] = ()) -> Array:
    """Each action as the mean of itself and of those that follow it, `ticks` in all or as many as there are.

    Args:
        actions: of successive ticks of one correction, float32 [n, dim_a].
        taught: 1 where an axis was taught, [n, dim_a]. The mean of an axis is over the ticks that taught it; an axis
            that a tick does not teach stays as it was there.
        ticks: 1 leaves everything as it was.
        commands: axes that are switched, not steered, as a gripper; never averaged.

    Returns:
        float32 [n, dim_a].
    """
    steered = np.array(taught, np.float64)
    steered[:, list(commands)] = 0.0
    means = np.array(actions, np.float32)
    for first in range(len(actions)):
        weights = steered[first : first + ticks]
        total = (weights * actions[first : first + ticks]).sum(axis=0)
        means[first] = np.where(steered[first] > 0, total / np.maximum(weights.sum(axis=0), 1.0), actions[first])
    return means
