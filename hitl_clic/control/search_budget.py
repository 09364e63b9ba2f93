"""How much of a full search each plan does, so that plans keep to their share of a tick.

The planner thread reads `search` and calls `took`; the actor's main thread calls `take_change`. Only a session in real
time has a budget: plans of a session at full pace must not depend on the machine. Pure: the caller measures the time.
"""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from statistics import median, quantiles

from hitl_clic.devices.core.slot import Slot

LEVELS = (1.0, 0.5, 0.25)
"""Shares of the full search, the full one first."""
FALL_AFTER = 15
"""Plans whose median must be over the budget before the search gets smaller."""
GROW_AFTER = 60
"""Plans of which nine in ten must be so quick that the next larger search would keep to the budget."""


@dataclass(frozen=True, slots=True)
class SearchChange:
    """The search became smaller or larger.

    Attributes:
        search: its share of the full search from now on. direction: "reduced" or "raised".
        plan_ms: median time of the plans before. allowed_ms: the budget.
    """

    search: float
    direction: str
    plan_ms: float
    allowed_ms: float


class SearchBudget:
    """Chooses the size of the search from the times of past plans.

    The median decides whether the search must be smaller, so a few plans that other programs delayed count little. A
    larger search takes at most as many times longer as it is larger. So it cannot be over the budget at once again.

    Args:
        allowed_s: longest time that a plan may take in the median, s.
    """

    def __init__(self, allowed_s: float) -> None:
        self._allowed_s = allowed_s
        self._level = 0
        self._times: deque[float] = deque(maxlen=GROW_AFTER)
        """Times of the newest plans at the present level, s."""
        self._change: Slot[SearchChange] = Slot()
        self._taken = 0

    @property
    def search(self) -> float:
        """Share of the full search that the next plan does."""
        return LEVELS[self._level]

    def take_change(self) -> SearchChange | None:
        """The newest change, if it was not taken before."""
        serial, change = self._change.entry()
        if serial == self._taken:
            return None
        self._taken = serial
        return change

    def took(self, plan_s: float) -> None:
        """A plan at the present level took so long, s."""
        self._times.append(plan_s)
        if len(self._times) < FALL_AFTER:
            return
        typical_s = median(list(self._times)[-FALL_AFTER:])
        if typical_s > self._allowed_s:
            self._go_to(self._level + 1, typical_s)
        elif len(self._times) == GROW_AFTER and self._level:
            larger = LEVELS[self._level - 1] / self.search
            if quantiles(self._times, n=10)[-1] * larger <= self._allowed_s:
                self._go_to(self._level - 1, typical_s)

    def _go_to(self, level: int, typical_s: float) -> None:
        if level == len(LEVELS):
            return
        direction = "reduced" if level > self._level else "raised"
        self._level = level
        self._times.clear()
        self._change.publish(SearchChange(self.search, direction, typical_s * 1e3, self._allowed_s * 1e3))
