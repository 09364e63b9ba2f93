"""The chunk being executed, indexed by counted ticks, never by wall clock. Pure; actor's main thread."""

from __future__ import annotations

import numpy as np

from hitl_clic.records import Array, Plan


class ChunkQueue:
    """Gives the robot's action for a tick from the newest plan.

    Args:
        horizon: H. execute: Ta <= H, steps of a chunk that run before the next is due.
        lead: ticks before that at which the next plan is asked for. dim_a: size of an action.
    """

    def __init__(self, horizon: int, execute: int, lead: int, dim_a: int) -> None:
        self.horizon, self.execute, self.lead, self.dim_a = horizon, execute, lead, dim_a
        self.plan: Plan | None = None
        self.start_tick = 0
        """First tick that the running plan's actions were used for."""
        self._not_before = 0

    def take(self, plan: Plan | None, tick: int) -> bool:
        """Start a newer plan at `tick`, if it is one that was not dropped. True if it was started."""
        if plan is None or plan.tick < self._not_before or plan.tick > tick:
            return False
        if self.plan is not None and plan.tick <= self.plan.tick:
            return False
        if tick - plan.tick >= self.horizon:
            return False  # so late that all of it has passed
        self.plan, self.start_tick = plan, tick
        return True

    def drop(self, tick: int) -> None:
        """Forget the running chunk and every plan for an observation before `tick` (hand-over, new episode)."""
        self.plan = None
        self._not_before = tick

    def index(self, tick: int) -> int:
        """Position in the running chunk; -1 without one."""
        return -1 if self.plan is None else tick - self.plan.tick

    def action(self, tick: int) -> Array:
        """a^r of the tick; zero motion when no plan reaches that far."""
        rest = self.rest(tick)
        return rest[0] if rest is not None else np.zeros(self.dim_a, np.float32)

    def rest(self, tick: int) -> Array | None:
        """What is left of the running chunk from `tick` on, [k, dim_a], k >= 1; None if nothing is."""
        if self.plan is None or not 0 <= tick - self.plan.tick < self.horizon:
            return None
        return self.plan.chunk[tick - self.plan.tick :]

    def chunk_from(self, tick: int) -> Array | None:
        """The robot's H steps from `tick` on, its last step held where the chunk ends; None without a chunk."""
        rest = self.rest(tick)
        if rest is None or len(rest) == self.horizon:
            return rest
        return np.concatenate([rest, np.repeat(rest[-1:], self.horizon - len(rest), axis=0)])

    def due(self, tick: int) -> bool:
        """Whether a plan for the observation of `tick` should be asked for."""
        return self.plan is None or tick - self.start_tick >= self.execute - self.lead
