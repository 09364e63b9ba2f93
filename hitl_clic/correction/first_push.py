"""Which axes a correction has begun to teach. Pure numpy; actor's main thread.

A person who takes hold stops the robot, but has not yet said what it should do. Until the first push nothing is taught.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from hitl_clic.correction.mapping import Label
from hitl_clic.types.records import Array


class FirstPush:
    """Remembers, within one correction, which action axes the hand has begun to teach.

    A push begins all axes that the correction covers at that tick: who moves to the right also says "not up". Axes that
    it covers only later, such as those of the other arm, wait for a push of their own. A lasting command, such as a
    closed gripper, begins its own axis alone. An axis that has begun teaches standing still too.

    Args:
        waits: False for a scripted teacher and for playback: their every tick teaches.

    Attributes:
        begins: the newest tick is the first of its correction that teaches; always False without `waits`.
    """

    def __init__(self, waits: bool) -> None:
        self._waits = waits
        self._begun: NDArray[np.bool_] | None = None
        self.begins = False

    @property
    def awaited(self) -> bool:
        """Whether the correction has taught nothing yet."""
        return self._waits and self._begun is not None and not self._begun.any()

    def start(self, dim: int) -> None:
        """A correction begins at this tick. `dim`: number of action axes."""
        self._begun = np.zeros(dim, bool)
        self.begins = False

    def update(self, label: Label, lasting: Sequence[int] = (), still: bool = False) -> Array:
        """Take in a tick of the correction.

        Args:
            label: as `human_action` gives it. lasting: the action axes whose commands persist after a press.
            still: standing still is taught on purpose, which counts as a push.

        Returns:
            the axes that the tick teaches, float32 [dim_a]: those of the label that have begun.
        """
        if not self._waits or self._begun is None:
            return label.taught
        covered = label.taught > 0
        commanded = covered & ((label.action if label.push is None else label.push) != 0)
        pushes = commanded.copy()
        pushes[list(lasting)] = False
        before = self._begun.any()
        self._begun |= covered if still or pushes.any() else commanded
        self.begins = bool(self._begun.any() and not before)
        return np.where(self._begun, label.taught, np.float32(0.0))
