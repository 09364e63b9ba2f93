"""Low-pass filter on the robot's action during a relative correction.

A person reacts to what the robot did a quarter of a second ago. A robot that is steered away from its plan may change
its plan at every tick, and nobody can steer that.

Pure numpy; called by the loop in the actor's main thread.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

import numpy as np

from hitl_clic.types.records import Array


class PolicyFilter:
    """Filters the robot's action while a person steers it.

    Args:
        seconds: time constant; 0 does not filter. rate_hz: ticks per second.
        commands: axes that are switched, such as a gripper; they are never filtered.

    Attributes:
        share: share of the robot's action that the filter takes up in a tick, in (0, 1].
        part: the filter's last output while a person steers, float32 [dim_a]; else None, and None without a filter.
    """

    def __init__(self, seconds: float, rate_hz: float, commands: Sequence[int] = ()) -> None:
        self.share = 1.0 if seconds == 0 else -math.expm1(-1.0 / (seconds * rate_hz))
        self._commands = list(commands)
        self.part: Array | None = None

    def reset(self) -> None:
        """Begin an episode."""
        self.part = None

    def step(self, robot: Array, steered: bool) -> Array:
        """The robot's action for this tick, float32 [dim_a]; filtered from the second steered tick on."""
        if not steered or self.share == 1.0:
            self.part = None
            return robot
        if self.part is None:
            self.part = robot.copy()
            return robot
        part = self.part + self.share * (robot - self.part)
        part[self._commands] = robot[self._commands]
        self.part = part.astype(np.float32)
        return self.part.copy()
