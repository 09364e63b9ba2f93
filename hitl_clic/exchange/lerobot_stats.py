"""Statistics of a dataset's columns, as LeRobot computes them: of each episode, and of all. Pure numpy; any thread."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from hitl_clic.exchange.episode import Column

Stats = Mapping[str, NDArray[np.float64]]
"""min, max, mean, std, count, and the quantiles q01 to q99 of one column."""
_QUANTILES = {"q01": 0.01, "q10": 0.1, "q50": 0.5, "q90": 0.9, "q99": 0.99}


def stats_of(column: Column) -> Stats:
    """The statistics over the rows of a column of numbers, [T, ...]; those of single numbers have shape [1]."""
    rows = column.astype(np.float64)
    rows = rows[:, None] if rows.ndim == 1 else rows
    return {
        "min": rows.min(axis=0),
        "max": rows.max(axis=0),
        "mean": rows.mean(axis=0),
        "std": rows.std(axis=0),
        "count": np.array([len(rows)], np.int64),
        **{name: np.quantile(rows, share, axis=0) for name, share in _QUANTILES.items()},
    }


def merged(one: Stats, other: Stats) -> Stats:
    """The statistics of the rows of both. Quantiles are averages weighted by rows, as in LeRobot."""
    n, m = one["count"], other["count"]
    share = m / (n + m)
    mean = one["mean"] + (other["mean"] - one["mean"]) * share
    variance = (
        one["std"] ** 2 * (1 - share)
        + other["std"] ** 2 * share
        + (other["mean"] - one["mean"]) ** 2 * share * (1 - share)
    )
    return {
        "min": np.minimum(one["min"], other["min"]),
        "max": np.maximum(one["max"], other["max"]),
        "mean": mean,
        "std": np.sqrt(variance),
        "count": n + m,
        **{name: one[name] * (1 - share) + other[name] * share for name in _QUANTILES},
    }
