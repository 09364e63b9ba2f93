"""What fingers make of the way a scripted teacher wants to go: keys pressed, kept, and at times the wrong ones.

Pure; called by the oracle's reader thread. Every draw comes from a given generator.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_SHARE = float(np.tan(np.pi / 8))
"""Share of the greatest axis above which another is pressed too: in a plane, the nearest of eight directions."""


def pressed(way: Vector) -> Vector:
    """The keys nearest to a way: -1, 0 or 1 on each axis; none where there is no way to go."""
    size = np.abs(way)
    greatest = float(size.max(initial=0.0))
    return np.where((size > _SHARE * greatest) & (size > 0.0), np.sign(way), 0.0)


class Fingers:
    """Presses keys, and keeps each press for some ticks.

    Args:
        keep: ticks for which a press is kept, at least 1. wrong: share of presses that are of random keys.
    """

    def __init__(self, keep: int, wrong: float) -> None:
        self._keep, self._wrong = keep, wrong
        self._until_step = -1
        self._press: Vector = np.zeros(0)

    def lift(self) -> None:
        """All keys up."""
        self._until_step = -1

    def press(self, step: int, way: Vector, generator: np.random.Generator) -> Vector:
        """The keys that are down at a step of the episode, -1, 0 or 1 on each axis."""
        if step >= self._until_step:
            wrong = self._wrong > 0.0 and generator.random() < self._wrong
            self._press = pressed(generator.standard_normal(way.size) if wrong else way)
            self._until_step = step + self._keep
        return self._press
