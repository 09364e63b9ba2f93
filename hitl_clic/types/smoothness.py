"""Smoothness of actions within chunks and at the seams between chunks. Pure; one thread at a time."""

from __future__ import annotations

import numpy as np

from hitl_clic.types.records import Array


class Smoothness:
    """Mean step ||a_t - a_(t-1)|| and jerk ||a_t - 2 a_(t-1) + a_(t-2)||, units of action.

    A value counts as "at seam" if its actions come from different chunks, else as "inside".
    """

    def __init__(self) -> None:
        self._last: Array | None = None
        self._chunk = -1
        self._change: Array | None = None
        self._change_at_seam = False
        self._sums = dict.fromkeys(("step_inside", "step_at_seam", "jerk_inside", "jerk_at_seam"), (0.0, 0))

    def add(self, action: Array, chunk: int) -> None:
        """Add the next action, [dim_a], with the number of its chunk."""
        if self._last is None:
            self._change = None
        else:
            change, at_seam = action - self._last, chunk != self._chunk
            self._count("step", change, at_seam)
            if self._change is not None:
                self._count("jerk", change - self._change, at_seam or self._change_at_seam)
            self._change, self._change_at_seam = change, at_seam
        self._last, self._chunk = action, chunk

    def break_sequence(self) -> None:
        """Start a new sequence (new episode, or the human drove)."""
        self._last = None

    def figures(self) -> dict[str, float]:
        """The means `step_inside`, `step_at_seam`, `jerk_inside` and `jerk_at_seam`; NaN without values."""
        return {name: total / count if count else float("nan") for name, (total, count) in self._sums.items()}

    def _count(self, what: str, difference: Array, at_seam: bool) -> None:
        name = f"{what}_at_seam" if at_seam else f"{what}_inside"
        total, count = self._sums[name]
        self._sums[name] = total + float(np.sqrt(difference @ difference)), count + 1
