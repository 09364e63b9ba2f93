"""The size of images at which drawing keeps up with a wanted rate. Pure arithmetic; used by one thread."""

from __future__ import annotations

from collections import deque
from statistics import median

SHARES = (1.0, 0.75, 0.5)
"""Sizes of an image, as shares of its height on the screen. There are few, because each needs a backdrop."""
_DRAW_SHARE = 0.75
"""Largest share of the time between two images that drawing may take. Showing them takes the rest."""
_SPARE_SHARE = 0.9
"""An image grows if the larger one would take at most this share of its allowed time."""
_WINDOW = 8
"""Images in the median of the drawing time, and images drawn before the size changes again."""


class AdaptiveShare:
    """Adapts the size of images to the measured drawing time.

    Args:
        images_per_s: rate to keep, images per second. 0: always the full size.
    """

    def __init__(self, images_per_s: float) -> None:
        self._step = 0
        self._allowed_s = _DRAW_SHARE / images_per_s if images_per_s > 0 else float("inf")
        self._times_s: deque[float] = deque(maxlen=_WINDOW)

    @property
    def share(self) -> float:
        """Height of the next image, as a share of the height on the screen."""
        return SHARES[self._step]

    def add(self, drawing_s: float) -> None:
        """Add the time that an image of the present size took, s. It includes the wait for the processor."""
        self._times_s.append(drawing_s)
        if len(self._times_s) < _WINDOW:
            return
        took_s = median(self._times_s)
        if took_s > self._allowed_s:
            step = min(self._step + 1, len(SHARES) - 1)
        else:
            step = max(self._step - 1, 0)
            if took_s * (SHARES[step] / self.share) ** 2 > _SPARE_SHARE * self._allowed_s:
                return  # all of the time may grow with the area
        if step != self._step:
            self._step = step
            self._times_s.clear()
