"""Whether uncertainty predicts corrections: the recorded uncertainty of plans against the recorded corrections.

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
        uncertainty: of each plan, float64 [n]. corrected: whether the teacher corrected soon after it began, bool [n].
    """

    uncertainty: Floats
    corrected: Bools

    @property
    def chance(self) -> float:
        """Share of plans after which the teacher corrected: the score of a random alarm."""
        return float(self.corrected.mean())

    def threshold(self, alarms: float) -> float:
        """The uncertainty that a share `alarms` of the plans exceeds."""
        return float(np.quantile(self.uncertainty, 1.0 - alarms))

    def right(self, threshold: float) -> float:
        """Precision: the share of alarms after which the teacher corrected; NaN if there is none."""
        called = self.uncertainty > threshold
        return float(self.corrected[called].mean()) if called.any() else float("nan")

    def curve(self) -> tuple[Floats, Floats]:
        """(false positive rate, true positive rate), one point for each possible threshold, from 0 to 1.

        Raises:
            ValueError: the teacher corrected after all plans, or after none.
        """
        if self.corrected.all() or not self.corrected.any():
            which = "all" if self.corrected.any() else "none"
            raise ValueError(
                f"the teacher corrected after {which} of the {len(self.corrected)} plans: nothing to tell apart; use "
                "sessions with corrections after some"
            )
        order = np.argsort(-self.uncertainty, kind="stable")
        last = np.append(np.diff(self.uncertainty[order]) != 0, True)  # no threshold separates equals
        found, false = np.cumsum(self.corrected[order])[last], np.cumsum(~self.corrected[order])[last]
        return np.append(0.0, false / false[-1]), np.append(0.0, found / found[-1])

    def area(self) -> float:
        """Area under the curve: how often a corrected plan was more uncertain than another; 0.5 is chance."""
        false, found = self.curve()
        return float(np.sum(np.diff(false) * (found[1:] + found[:-1]) / 2))
