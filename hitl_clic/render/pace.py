"""How large to draw so that pictures come quickly enough. Pure; one thread's."""

from __future__ import annotations

_SHARE = 0.75
"""Of the time between two pictures, how much drawing may take: the rest is for showing them."""
_EASY = 0.5
"""Of that, what drawing takes at most when there is room for a larger picture."""
_SHRINK, _GROW = 0.9, 1.05
_LEAST = 0.5
"""The smallest picture, as a share of the largest."""
_MEMORY = 8
"""Pictures that the mean goes back, and that are drawn before another size is tried."""


class Pace:
    """Finds the greatest height at which drawing keeps up, from how long it takes, whatever else the machine does.

    Args:
        highest: height of the largest picture, pixels. per_s: pictures a second to keep; 0: always the largest.
    """

    def __init__(self, highest: int, per_s: float) -> None:
        self.height = highest
        """Of the next picture, pixels."""
        self._highest, self._lowest = highest, round(highest * _LEAST)
        self._allowed_s = _SHARE / per_s if per_s > 0 else float("inf")
        self._mean_s = 0.0
        self._count = 0

    def took(self, seconds: float) -> None:
        """A picture of the present height took so long, waiting for the processor included."""
        self._count += 1
        self._mean_s += (seconds - self._mean_s) / min(self._count, _MEMORY)
        if self._count < _MEMORY:
            return
        if self._mean_s > self._allowed_s:
            height = max(self._lowest, round(self.height * _SHRINK))
        elif self._mean_s < _EASY * self._allowed_s:
            height = min(self._highest, round(self.height * _GROW))
        else:
            return
        if height != self.height:
            self.height, self._count, self._mean_s = height, 0, 0.0
