"""Noise of a simulated teacher: in direction, in magnitude, and Gaussian. Pure; draws from a given generator.

The three models of simulated feedback in [CL], applied in this order to d = a* - a^r, where a* is the teacher's action
and a^r the robot's.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

MAX_ABSOLUTE_DEVIATION = 0.04
"""Largest standard deviation of the Gaussian noise on an absolute action, in units of action."""


def rotate(d: Vector, degrees: float, generator: np.random.Generator) -> Vector:
    """Rotate d by an angle in a random plane; its length stays.

    Args:
        d: float64 [n]. Returned unchanged if n = 1 or d = 0. degrees: the angle.
    """
    length = float(np.linalg.norm(d))
    if d.size < 2 or length == 0.0:
        return d
    orthogonal = generator.standard_normal(d.size)
    orthogonal -= d * (orthogonal @ d) / length**2
    orthogonal *= length / float(np.linalg.norm(orthogonal))  # zero only with probability zero
    angle = np.deg2rad(degrees)
    return d * np.cos(angle) + orthogonal * np.sin(angle)


def scale(d: Vector, largest: float, generator: np.random.Generator) -> Vector:
    """Scale d by u ~ U(0.001, largest)."""
    return d * generator.uniform(0.001, largest)


def add_gaussian(d: Vector, correction_mode: Literal["absolute", "relative"], generator: np.random.Generator) -> Vector:
    """Add N(0, s^2) per coordinate; s = |d| / 2, at most `MAX_ABSOLUTE_DEVIATION` for absolute actions."""
    deviation = float(np.linalg.norm(d)) / 2.0
    if correction_mode == "absolute":
        deviation = min(deviation, MAX_ABSOLUTE_DEVIATION)
    return d + generator.normal(0.0, deviation, d.size)
