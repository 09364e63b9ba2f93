"""Models a keyboard operator: turns wanted motion into key presses that last, some of them wrong.

Pure; called by the oracle's reader thread. Draws from a given generator.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

_SHARE = float(np.tan(np.pi / 8))
"""An axis above this share of the largest is pressed too; in a plane this gives the nearest of 8 directions."""


def nearest_keys(motion: Vector, speeds: Sequence[float] = (1.0,)) -> Vector:
    """The key presses, all at one of the speeds, that come nearest to a wanted motion.

    Args:
        motion: wanted, float64 [dim_a]; zero gives no keys.

    Returns:
        float64 [dim_a], each -speed, 0 or speed.
    """
    size = np.abs(motion)
    greatest = float(size.max(initial=0.0))
    keys = np.where((size > _SHARE * greatest) & (size > 0.0), np.sign(motion), 0.0)
    return min((speed * keys for speed in speeds), key=lambda press: float(np.linalg.norm(press - motion)))


def nearest_relative_keys(robot: Vector, wanted: Vector, reach: float, speeds: Sequence[float] = (1.0,)) -> Vector:
    """The key presses, all at one of the speeds, that bring the robot's action nearest to the wanted one.

    Args:
        robot: the robot's action, float64 [dim_a] in [-1, 1]. wanted: the wanted action, same shape.
        reach: change of the action by a key at speed 1.

    Returns:
        float64 [dim_a], each -speed, 0 or speed; zero if no key would help.
    """

    def best(speed: float) -> tuple[float, Vector]:
        keys = speed * np.array([0.0, -1.0, 1.0])  # argmin prefers the first: no key
        apart = np.abs(np.clip(robot[:, None] + reach * keys, -1.0, 1.0) - wanted[:, None]).round(9)
        return float(np.linalg.norm(apart.min(axis=1))), keys[np.argmin(apart, axis=1)]

    return min(map(best, speeds), key=lambda found: found[0])[1]


class KeypressModel:
    """Holds each key press for some ticks. With no key down, a press may start at any tick.

    Args:
        keep: least length of a press, ticks, at least 1. wrong: share of presses with random keys.
    """

    def __init__(self, keep: int, wrong: float) -> None:
        self._keep, self._wrong = keep, wrong
        self._until_step = -1
        self._press: Vector = np.zeros(0)

    def release_all(self) -> None:
        """Release all keys."""
        self._until_step = -1

    def press(self, step: int, keys: Vector, generator: np.random.Generator) -> Vector:
        """The keys that are down at a step of the episode, float64 [dim_a], when `keys` are wanted, same shape."""
        if step >= self._until_step and not keys.any():
            return keys
        if step >= self._until_step:
            wrong = self._wrong > 0.0 and generator.random() < self._wrong
            speed = float(np.abs(keys).max())
            self._press = speed * nearest_keys(generator.standard_normal(keys.size)) if wrong else keys
            self._until_step = step + self._keep
        return self._press
