"""Noise injection while data are gathered: the executed action is perturbed, the label never is ([AC]).

Pure numpy; actor's main thread. Some episodes with noise show the learner states beside the teacher's path, and
how the teacher returns from them. The noise is held for several ticks, as a single tick hardly moves the robot.
"""

from __future__ import annotations

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from hitl_clic.types.records import Array


class ExplorationSettings(BaseModel):
    """When and how much the executed action is perturbed. Off by default: noise would confuse a person."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    episodes: float = Field(0.0, ge=0, le=1, description="Share of the episodes with noise; 0: off.")
    chance: float = Field(0.08, ge=0, le=1, description="Probability that a perturbation begins at a tick.")
    hold: int = Field(3, ge=1, le=1000, description="Ticks for which a perturbation lasts at most.")
    scale: float = Field(1.5, ge=0, le=2, description="Greatest perturbation of an axis, units of action.")


class Exploration:
    """Perturbs executed actions. Reproducible: every episode has its own generator from (seed, episode)."""

    def __init__(self, settings: ExplorationSettings, seed: int, dim: int) -> None:
        self._settings, self._seed, self._dim = settings, seed, dim
        self.begin(0)

    def begin(self, episode: int) -> None:
        """Begin an episode; decides whether it has noise."""
        self._generator = np.random.default_rng((self._seed, episode, 1))
        self._noised = bool(self._generator.random() < self._settings.episodes)
        self._left = 0
        self._push: Array = np.zeros(self._dim, np.float32)

    def perturb(self, action: Array) -> Array:
        """The action to execute instead, float32 [dim_a] in [-1, 1]; the same object in a clean episode."""
        if not self._noised:
            return action
        if self._left == 0 and self._generator.random() < self._settings.chance:
            self._left = int(self._generator.integers(1, self._settings.hold + 1))
            push = self._generator.uniform(-self._settings.scale, self._settings.scale, self._dim)
            self._push = push.astype(np.float32)
        if self._left == 0:
            return action
        self._left -= 1
        return np.clip(action + self._push, -1, 1)
