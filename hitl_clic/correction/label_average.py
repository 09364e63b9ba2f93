"""The label of a tick as the average of the next commands of its correction.

A keyboard offers eight directions, so operators zig-zag, and each press outlasts its reason. One command is off by tens
of degrees; the average of a few is off by less. Pure numpy; actor's main thread.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from hitl_clic.types.records import Array


def averaged(actions: Array, taught: Array, ticks: int, commands: Sequence[int] = ()) -> Array:
    """Each action as the mean of itself and the following ones, over `ticks` actions or as many as there are.

    Args:
        actions: of successive ticks of one correction, float32 [n, dim_a].
        taught: 1 where an axis was taught, [n, dim_a]. The mean of an axis is over the ticks that taught it. An axis
            that a tick does not teach keeps its value there.
        ticks: 1 leaves all actions unchanged.
        commands: axes that are switched and never averaged, such as a gripper.

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
