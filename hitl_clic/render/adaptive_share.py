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
_GAIN = 0.75
"""A smaller size must take at most this share of the larger one's time. Smaller images must be scaled up, which takes
time too, and on a processor much of an image's time does not depend on its size."""
_RETRY = 300
"""Images drawn before a size that did not pay is tried again."""


class AdaptiveShare:
    """Adapts the size of images to the measured drawing time.

    Args:
        images_per_s: rate to keep, images per second. 0: always the full size.
    """

    def __init__(self, images_per_s: float) -> None:
        self._step = 0
        self._larger_s = float("inf")
        """Time that an image of the next larger size took."""
        self._until_retry = 0
        self._allowed_s = _DRAW_SHARE / images_per_s if images_per_s > 0 else float("inf")
        self._times_s: deque[float] = deque(maxlen=_WINDOW)

    @property
    def share(self) -> float:
        """Height of the next image, as a share of the height on the screen."""
        return SHARES[self._step]

    def add(self, drawing_s: float) -> None:
        """Add the time that an image of the present size took, s. It includes the wait for the processor."""
        self._times_s.append(drawing_s)
        self._until_retry -= 1
        if len(self._times_s) < _WINDOW:
            return
        took_s = median(self._times_s)
        if took_s > _GAIN * self._larger_s:
            self._until_retry = _RETRY
            self._change(-1)
        elif took_s > self._allowed_s and self._step < len(SHARES) - 1 and self._until_retry <= 0:
            self._change(1, took_s)
        elif self._step and took_s * (SHARES[self._step - 1] / self.share) ** 2 <= _SPARE_SHARE * self._allowed_s:
            self._change(-1)  # even if all of the time grows with the area, the larger image keeps up
        else:
            self._larger_s = float("inf")

    def _change(self, step: int, larger_s: float = float("inf")) -> None:
        self._step += step
        self._larger_s = larger_s
        self._times_s.clear()
