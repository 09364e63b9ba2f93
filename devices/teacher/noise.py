"""How a simulated teacher errs: in direction, in size, or by a tremor. Pure numpy, every draw from a given generator.

The three models of the simulated feedback in [CL], applied in this order to d = a* - a^r, the way from the robot's
action to the teacher's.
"""

from __future__ import annotations

from typing import Literal

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float64]

ABSOLUTE_TREMOR = 0.04
"""Greatest standard deviation of the tremor on an absolute action, in units of action."""


def turn(d: Vector, degrees: float, generator: np.random.Generator) -> Vector:
    """Turn d by an angle towards a random orthogonal direction; its length stays.

    Args:
        d: float64 [n]. With n = 1, or of length 0, there is nowhere to turn and d is returned.
        degrees: the angle. generator: source of all draws.
    """
    length = float(np.linalg.norm(d))
    if d.size < 2 or length == 0.0:
        return d
    aside = generator.standard_normal(d.size)
    aside -= d * (aside @ d) / length**2
    aside *= length / float(np.linalg.norm(aside))  # zero only with probability zero
    angle = np.deg2rad(degrees)
    return d * np.cos(angle) + aside * np.sin(angle)


def weaken(d: Vector, largest: float, generator: np.random.Generator) -> Vector:
    """Scale d by u ~ U(0.001, largest)."""
    return d * generator.uniform(0.001, largest)


def tremble(d: Vector, kind: Literal["absolute", "relative"], generator: np.random.Generator) -> Vector:
    """Add N(0, s^2) per coordinate, s = |d| / 2, for absolute actions at most `ABSOLUTE_TREMOR`."""
    deviation = float(np.linalg.norm(d)) / 2.0
    if kind == "absolute":
        deviation = min(deviation, ABSOLUTE_TREMOR)
    return d + generator.normal(0.0, deviation, d.size)
