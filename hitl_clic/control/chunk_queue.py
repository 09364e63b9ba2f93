"""The chunk being executed, indexed by counted ticks, never by wall clock. Pure; actor's main thread."""

from __future__ import annotations

import numpy as np

from hitl_clic.types.records import Array, Plan


class ChunkQueue:
    """Gives the robot's action for a tick from the newest plan.

    A chunk runs for Ta ticks, or to its last step if fewer remain.

    Args:
        horizon: H. execute: Ta <= H, steps of a chunk that run before the next takes over.
        lead: the next plan is requested so many ticks before, at most Ta. dim_a: size of an action.
    """

    def __init__(self, horizon: int, execute: int, lead: int, dim_a: int) -> None:
        self.horizon, self.execute, self.lead, self.dim_a = horizon, execute, lead, dim_a
        self.plan: Plan | None = None
        self.start_tick = 0
        """First tick that the running plan's actions were used for."""
        self._not_before = 0
        self._none_ahead_before = 0
        self._requested_until = 0

    def take(self, plan: Plan | None, tick: int) -> bool:
        """Start a newer plan at `tick` unless it was dropped or may not begin yet. True if it was started."""
        if plan is None or plan.tick < self._not_before or plan.begins > tick:
            return False
        if plan.lead and plan.tick < self._none_ahead_before:
            return False
        if self.plan is not None and plan.tick <= self.plan.tick:
            return False
        if tick - plan.first >= self.horizon:
            return False  # too late: no step remains
        self.plan, self.start_tick = plan, tick
        self._requested_until = 0
        return True

    def requested(self, tick: int) -> None:
        """A plan was requested at this tick: none is due until it starts or is too late."""
        self._requested_until = tick + self.horizon

    def drop(self, tick: int) -> None:
        """Forget the running chunk and every plan requested before `tick` (hand-over, new episode)."""
        self.plan = None
        self._not_before = tick
        self._requested_until = 0

    def drop_ahead(self, tick: int) -> None:
        """Forget plans requested ahead before `tick`: the actions that they expect are not executed.

        The running chunk stays: it is the robot's part of the correction.
        """
        self._none_ahead_before = tick
        self._requested_until = 0

    def index(self, tick: int) -> int:
        """Position in the running chunk; -1 without one."""
        return -1 if self.plan is None else tick - self.plan.first

    def action(self, tick: int) -> Array:
        """a^r of the tick; zero motion when no plan reaches that far."""
        rest = self.rest(tick)
        return rest[0] if rest is not None else np.zeros(self.dim_a, np.float32)

    def rest(self, tick: int) -> Array | None:
        """The remaining steps of the running chunk from `tick` on, [k, dim_a], k >= 1; None if there are none."""
        if self.plan is None or not 0 <= tick - self.plan.first < self.horizon:
            return None
        return self.plan.chunk[tick - self.plan.first :]

    def chunk_from(self, tick: int) -> Array | None:
        """The robot's H steps from `tick` on, its last step held where the chunk ends; None without a chunk."""
        rest = self.rest(tick)
        if rest is None or len(rest) == self.horizon:
            return rest
        return np.concatenate([rest, np.repeat(rest[-1:], self.horizon - len(rest), axis=0)])

    def remaining(self, tick: int) -> int:
        """Ticks from `tick` on until the next chunk is to take over; 0 if it is time, or nothing runs."""
        if self.plan is None:
            return 0
        return max(0, min(self.start_tick + self.execute, self.plan.first + self.horizon) - tick)

    def due(self, tick: int) -> bool:
        """Whether to request a plan with the observation of `tick`."""
        return self.plan is None or (tick >= self._requested_until and self.remaining(tick) <= self.lead)
