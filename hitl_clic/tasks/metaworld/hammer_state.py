"""The state of Hammer, and the 35 numbers of an observation.

Shared by environment, drawing and teacher. Pure numpy; any thread; never imports the simulator. World frame, m: x right
and y away as seen from the robot, z up, table top at 0. Hammer frame: origin in the handle, which lies along x; the
head is at +x and strikes along y.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from hitl_clic.tasks.task import Array

Floats = NDArray[np.float64]

OBSERVATION_SIZE = 35
INSTANT_SIZE = 18
"""Numbers of one instant: hand 3, opening 1, hammer 3 + quaternion 4, nail 3 + quaternion 4."""
HAND_SIZE = 4
"""The first of these, which an observation holds for the present instant only."""
OPENING = 0.1
"""Finger distance that counts as an opening of 1, m."""

HAND_LOW, HAND_HIGH = (-0.5, 0.4, 0.05), (0.5, 1.0, 0.5)
"""Workspace of the hand."""
HANDLE = (-0.16, 0.16, 0.02)
"""Ends of the handle along the hammer's x, and its radius."""
HEAD_X, HEAD_RADIUS, FACE = 0.16, 0.038, 0.072
"""Position of the head along the hammer's x, its radius, and the distance of its faces along y."""
NAIL = (0.24, 0.64, 0.11)
"""Initial position of the nail's head."""
NAIL_RADIUS, NAIL_FACE, NAIL_LENGTH = 0.03, 0.009, 0.117
"""Radius of the nail's head, distance from its centre to its face, and from its centre to the nail's tip."""
BLOCK_CENTRE, BLOCK_HALF = (0.24, 0.85, 0.11), (0.1, 0.1, 0.11)
"""The block around the nail."""
DRIVEN = 0.09
"""Motion along y, above which the nail counts as driven in (metaworld)."""
GOAL = (0.24, 0.74, 0.11)
"""The goal in Meta-World's observation: the nail's head, driven in by 10 cm."""


@dataclass(frozen=True, slots=True, eq=False)
class HammerState:
    """Positions, m.

    Attributes:
        hand: point between the fingers, [3]; the fingertips are 4.5 cm lower.
        opening: of the gripper, 0 closed to 1 open.
        hammer: origin of its frame, [3].
        rotation: of the hammer, [3, 3].
        nail: centre of the nail's head, [3].
    """

    hand: Floats
    opening: float
    hammer: Floats
    rotation: Floats
    nail: Floats

    def in_world(self, points: Floats) -> Floats:
        """Points [..., 3] of the hammer's frame, in the world."""
        return np.asarray(points @ self.rotation.T + self.hammer)


def rotation(quaternion: Floats) -> Floats:
    """The rotation [3, 3] of a quaternion (w, x, y, z) of any length; length 0 gives the identity."""
    length = float(np.linalg.norm(quaternion))
    w, x, y, z = (quaternion / length).tolist() if length > 1e-9 else (1.0, 0.0, 0.0, 0.0)
    return np.array(
        [
            [1 - 2 * (y * y + z * z), 2 * (x * y - w * z), 2 * (x * z + w * y)],
            [2 * (x * y + w * z), 1 - 2 * (x * x + z * z), 2 * (y * z - w * x)],
            [2 * (x * z - w * y), 2 * (y * z + w * x), 1 - 2 * (x * x + y * y)],
        ]
    )


def of_instant(numbers: Floats) -> HammerState:
    """The state from the 18 numbers of one instant."""
    return HammerState(
        hand=numbers[0:3],
        opening=float(numbers[3]),
        hammer=numbers[4:7],
        rotation=rotation(numbers[7:11]),
        nail=numbers[11:14],
    )


def decode(observation: Array) -> HammerState:
    """The present state in an observation, float32 [35].

    Raises:
        ValueError: wrong shape, or a number that is not finite.
    """
    numbers = np.asarray(observation, dtype=np.float64)
    if numbers.shape != (OBSERVATION_SIZE,):
        raise ValueError(f"Hammer observation must have shape ({OBSERVATION_SIZE},), got {numbers.shape}")
    if not np.isfinite(numbers).all():
        raise ValueError(f"Hammer observation holds a number that is not finite: {numbers}")
    return of_instant(numbers[:INSTANT_SIZE])
