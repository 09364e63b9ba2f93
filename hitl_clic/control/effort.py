"""How much the teacher drove in one episode, and the error of the robot's actions ([CC] Eq. 12 and 13). Pure."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from hitl_clic.types.records import EpisodeRecord, TickRecord


class EpisodeEffort:
    """Sums over the ticks of one episode."""

    def __init__(self) -> None:
        self.ticks = 0
        self.taught = 0
        self.error = 0.0
        self.judged = 0

    def add(self, record: TickRecord, wanted: Sequence[float] | None) -> None:
        """Take in a tick; `wanted` is a*, [dim_a], what a scripted teacher would have done; None if unknown."""
        self.ticks += 1
        self.taught += record.state == "correcting"
        if wanted is not None:
            self.error += float(np.linalg.norm(record.robot_action - np.asarray(wanted, np.float32)))
            self.judged += 1

    def result(self, episode: int, seed: int, success: bool, weight_version: int) -> EpisodeRecord:
        """The finished episode."""
        return EpisodeRecord(
            episode=episode,
            seed=seed,
            success=success,
            timesteps=self.ticks,
            feedback_per_step=self.taught / max(1, self.ticks),
            l2_error_per_step=self.error / self.judged if self.judged else float("nan"),
            finished_ns=time.perf_counter_ns(),
            weight_version=weight_version,
        )
