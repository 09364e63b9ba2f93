"""Whether doubt tells when the teacher will step in: recorded doubts against recorded corrections.

Pure; any thread. Receiver operating characteristic: Fawcett, "An introduction to ROC analysis" (2006).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class UncertaintyStudy:
    """The plans that the robot drove by.

    Attributes:
        doubt: of each, float64 [n]. came: whether the teacher stepped in soon after it began, bool [n].
    """

    uncertainty: Floats
    came: Bools

    @property
    def chance(self) -> float:
        """Share of plans after which the teacher came: what an alarm that knows nothing would score."""
        return float(self.came.mean())

    def threshold(self, alarms: float) -> float:
        """The doubt that a share `alarms` of plans exceeds."""
        return float(np.quantile(self.uncertainty, 1.0 - alarms))

    def right(self, threshold: float) -> float:
        """Share of alarms that the teacher came after; NaN if there is none."""
        called = self.uncertainty > threshold
        return float(self.came[called].mean()) if called.any() else float("nan")

    def curve(self) -> tuple[Floats, Floats]:
        """(share of false alarms, share of corrections foretold), one point for each possible threshold, from 0 to 1.

        Raises:
            ValueError: the teacher came after all plans, or after none: there is nothing to tell apart.
        """
        if self.came.all() or not self.came.any():
            raise ValueError(
                f"the teacher came after {'all' if self.came.any() else 'none'} of the {len(self.came)} plans: "
                "nothing to tell apart; use sessions in which it came after some"
            )
        order = np.argsort(-self.uncertainty, kind="stable")
        last = np.append(np.diff(self.uncertainty[order]) != 0, True)  # equal doubts are called together
        found, false = np.cumsum(self.came[order])[last], np.cumsum(~self.came[order])[last]
        return np.append(0.0, false / false[-1]), np.append(0.0, found / found[-1])

    def area(self) -> float:
        """Chance that a plan the teacher came after was in more doubt than one it did not come after; 0.5 is luck."""
        false, found = self.curve()
        return float(np.sum(np.diff(false) * (found[1:] + found[:-1]) / 2))
