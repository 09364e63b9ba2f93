"""What fingers make of the way a scripted teacher wants to go: keys pressed, kept, and at times the wrong ones.

Pure; called by the oracle's reader thread. Every draw comes from a given generator.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_SHARE = float(np.tan(np.pi / 8))
"""Share of the greatest axis above which another is pressed too: in a plane, the nearest of eight directions."""


def nearest_keys(way: Vector, speeds: Sequence[float] = (1.0,)) -> Vector:
    """The keys nearest to a way, all at the one of the speeds that comes nearest to its length; none for no way.

    Returns:
        -speed, 0 or speed on each axis.
    """
    size = np.abs(way)
    greatest = float(size.max(initial=0.0))
    keys = np.where((size > _SHARE * greatest) & (size > 0.0), np.sign(way), 0.0)
    return min((speed * keys for speed in speeds), key=lambda motion: float(np.linalg.norm(motion - way)))


def nearest_relative_keys(robot: Vector, wanted: Vector, reach: float, speeds: Sequence[float] = (1.0,)) -> Vector:
    """The keys, all at one of the speeds, that bring a robot nearest to what is wanted; none where none would help.

    Args:
        robot: what it does, in [-1, 1]. wanted: what it should. reach: by how much a key at speed 1 changes that.

    Returns:
        -speed, 0 or speed on each axis.
    """

    def best(speed: float) -> tuple[float, Vector]:
        keys = speed * np.array([0.0, -1.0, 1.0])  # of equals the first: nothing
        apart = np.abs(np.clip(robot[:, None] + reach * keys, -1.0, 1.0) - wanted[:, None]).round(9)
        return float(np.linalg.norm(apart.min(axis=1))), keys[np.argmin(apart, axis=1)]

    return min(map(best, speeds), key=lambda found: found[0])[1]


class KeypressModel:
    """Presses keys, and keeps each press for some ticks; with no key down a new press may begin at any time.

    Args:
        keep: ticks for which a press is kept, at least 1. wrong: share of presses that are of random keys.
    """

    def __init__(self, keep: int, wrong: float) -> None:
        self._keep, self._wrong = keep, wrong
        self._until_step = -1
        self._press: Vector = np.zeros(0)

    def release_all(self) -> None:
        """All keys up."""
        self._until_step = -1

    def press(self, step: int, keys: Vector, generator: np.random.Generator) -> Vector:
        """The keys that are down at a step of the episode, when these are wanted; both with their speed, [axes]."""
        if step >= self._until_step and not keys.any():
            return keys
        if step >= self._until_step:
            wrong = self._wrong > 0.0 and generator.random() < self._wrong
            speed = float(np.abs(keys).max())
            self._press = speed * nearest_keys(generator.standard_normal(keys.size)) if wrong else keys
            self._until_step = step + self._keep
        return self._press
