"""The image height at which drawing keeps up with a wanted rate. Pure arithmetic; used by one thread."""

from __future__ import annotations

_DRAW_SHARE = 0.75
"""Largest share of the time between two images that drawing may take. Showing them takes the rest."""
_SPARE_SHARE = 0.5
"""Images grow when drawing takes less than this share of its allowed time."""
_SHRINK, _GROW = 0.9, 1.05
_SMALLEST = 0.5
"""Smallest height, as a share of the largest."""
_WINDOW = 8
"""Images in the mean of the drawing time, and images drawn before the height changes again."""


class AdaptiveHeight:
    """Adapts the image height to the measured drawing time.

    Args:
        highest: largest height, pixels.
        images_per_s: rate to keep, images per second. 0: always the largest height.
    """

    def __init__(self, highest: int, images_per_s: float) -> None:
        self.height = highest
        """Height of the next image, pixels."""
        self._highest, self._lowest = highest, round(highest * _SMALLEST)
        self._allowed_s = _DRAW_SHARE / images_per_s if images_per_s > 0 else float("inf")
        self._mean_s = 0.0
        self._count = 0

    def add(self, drawing_s: float) -> None:
        """Add the time that an image of the present height took, s. It includes the wait for the processor."""
        self._count += 1
        self._mean_s += (drawing_s - self._mean_s) / min(self._count, _WINDOW)
        if self._count < _WINDOW:
            return
        if self._mean_s > self._allowed_s:
            height = max(self._lowest, round(self.height * _SHRINK))
        elif self._mean_s < _SPARE_SHARE * self._allowed_s:
            height = min(self._highest, round(self.height * _GROW))
        else:
            return
        if height != self.height:
            self.height, self._count, self._mean_s = height, 0, 0.0
