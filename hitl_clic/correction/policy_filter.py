"""The robot's part of a correction that is laid on it: steady, as a person can only foresee what does not jump.

Pure numpy; called by the loop in the actor's main thread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hitl_clic.types.records import Array


class PolicyFilter:
    """Follows what the robot would do, the slower the longer `seconds`, as long as a person pushes it.

    A robot that is pushed is where its plans never were, and may change its mind at each tick; a person answers what it
    did a quarter of a second ago.
    """

    def __init__(self, seconds: float, rate_hz: float, commands: Sequence[int] = ()) -> None:
        """`seconds`: time constant, 0 follows at once. `commands`: axes that are switched, not steered, as a gripper:
        those are always the robot's own."""
        self.share = 1.0 if seconds == 0 else -math.expm1(-1.0 / (seconds * rate_hz))
        self._commands = list(commands)
        self.part: Array | None = None
        """Its part of the last action while it is pushed; None else, and where it follows at once."""

    def reset(self) -> None:
        """A new episode: nobody has pushed yet."""
        self.part = None

    def step(self, robot: Array, pushed: bool) -> Array:
        """The robot's part of this tick's action, float32 [dim_a]; its own unless a person pushes it since before."""
        if not pushed or self.share == 1.0:
            self.part = None
            return robot
        if self.part is None:
            self.part = robot.copy()
            return robot
        part = self.part + self.share * (robot - self.part)
        part[self._commands] = robot[self._commands]
        self.part = part.astype(np.float32)
        return self.part.copy()
