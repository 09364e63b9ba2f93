"""Evaluation of a policy alone: success, error, length and smoothness over seeded episodes ([CC] 5.1).

No I/O and no threads; any process. Chunks overlap as in a session whose plans are always ready in time.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import astuple, dataclass, fields
from itertools import count

import numpy as np
from numpy.typing import NDArray

from hitl_clic.control.chunk_queue import ChunkQueue
from hitl_clic.control.overlap import OVERLAPS, OverlapName, PlanRequest, Running, check_lead, check_room
from hitl_clic.control.plan import ChunkPolicy
from hitl_clic.control.planner import answer
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.records import Array
from hitl_clic.types.smoothness import Smoothness


@dataclass(frozen=True, slots=True)
class Execution:
    """Execution of chunks.

    Attributes:
        execute: Ta, steps.
        overlap: how the next chunk is planned while one runs.
        lead: number of ticks ahead.

    Raises:
        ValueError: overlap and lead do not fit.
    """

    execute: int
    overlap: OverlapName = "sync"
    lead: int = 0

    def __post_init__(self) -> None:
        check_lead(self.overlap, self.lead)


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """One evaluated episode.

    Attributes:
        seed: of its start.
        success: from the task.
        timesteps: length, steps.
        l2_error_per_step: mean ||a^r - a*|| ([CC] Eq. 12); NaN without a teacher.
        step_inside, step_at_seam, jerk_inside, jerk_at_seam: see `Smoothness`; NaN without values.
    """

    seed: int
    success: bool
    timesteps: int
    l2_error_per_step: float
    step_inside: float
    step_at_seam: float
    jerk_inside: float
    jerk_at_seam: float


@dataclass(frozen=True)
class Rollouts:
    """Means over all episodes, and the `episodes`."""

    success_rate: float
    l2_error_per_step: float
    mean_timesteps: float
    step_inside: float
    step_at_seam: float
    jerk_inside: float
    jerk_at_seam: float
    episodes: tuple[EpisodeResult, ...]

    @property
    def rows(self) -> NDArray[np.void]:
        """The episodes as a structured array [N] with the fields of `EpisodeResult`."""
        values = [astuple(episode) for episode in self.episodes]
        return np.array(values, dtype=ROW)

    @property
    def success_interval(self) -> tuple[float, float]:
        """95 % Wilson score interval of the success rate."""
        return wilson(self.success_rate, len(self.episodes))

    def interval(self, field: str) -> tuple[float, float]:
        """95 % interval of a field's mean, by the normal approximation; NaN for fewer than two episodes.

        Raises:
            KeyError: unknown field.
        """
        if field not in ROW.fields:  # type: ignore[operator]
            raise KeyError(field)
        values = np.asarray(self.rows[field], float)
        values = values[np.isfinite(values)]
        if len(values) < 2:
            return math.nan, math.nan
        half = Z_95 * float(np.std(values, ddof=1)) / math.sqrt(len(values))
        return float(np.mean(values)) - half, float(np.mean(values)) + half


def wilson(rate: float, n: int) -> tuple[float, float]:
    """95 % Wilson score interval of a rate over n episodes."""
    middle = (rate + Z_95**2 / (2 * n)) / (1 + Z_95**2 / n)
    half = Z_95 / (1 + Z_95**2 / n) * math.sqrt(rate * (1 - rate) / n + Z_95**2 / (4 * n**2))
    return max(0.0, middle - half), min(1.0, middle + half)


Z_95 = 1.959964
"""97.5 % quantile of the standard normal distribution."""
_TYPES = {"int": np.int64, "bool": np.bool_, "float": np.float64}
ROW = np.dtype([(field.name, _TYPES[str(field.type)]) for field in fields(EpisodeResult)])
"""Type of `Rollouts.rows`."""


def run_episode(policy: ChunkPolicy, task: Task, teacher: Teacher | None, how: Execution, seed: int) -> EpisodeResult:
    """Run the policy alone for one episode.

    Args:
        policy, task, teacher: their states change. Without a teacher the error is NaN.
        how: execution of chunks. seed: of the start.

    Raises:
        ValueError: chunks too short for this execution.
    """
    task.reset(seed=seed)
    if teacher is not None:
        teacher.reset()
    steps = 0
    errors: list[float] = []
    smoothness = Smoothness()
    for chunk, action in _actions(policy, task, how):
        steps += 1
        if teacher is not None:
            errors.append(float(np.linalg.norm(action - teacher.action(task.observe()))))
        smoothness.add(action, chunk)
        _, _, terminated, truncated, info = task.step(action)
        if terminated or truncated:
            break
    return EpisodeResult(seed, bool(info["success"]), steps, _mean(errors), **smoothness.figures())


def _actions(policy: ChunkPolicy, task: Task, how: Execution) -> Iterator[tuple[int, Array]]:
    """Endless pairs of chunk number and action; the caller steps the task in between."""
    nothing = np.zeros((0, len(task.action_frame.axes)), np.float32)
    plan = answer(policy, PlanRequest(0, task.observe(), nothing, None))
    check_room(len(plan.chunk), how.execute, how.lead)
    queue = ChunkQueue(len(plan.chunk), how.execute, how.lead, nothing.shape[1])
    for tick in count():
        queue.take(plan, tick)
        if tick and queue.due(tick):  # as in the loop, the first plan exists before the first step
            rest, lead = queue.rest(tick), queue.remaining(tick)
            steps = nothing if rest is None else rest
            plan = answer(policy, OVERLAPS[how.overlap](Running(tick, task.observe(), steps, lead, task.forecast)))
            queue.requested(tick)
            queue.take(plan, tick)
        yield -1 if queue.plan is None else queue.plan.tick, queue.action(tick)


def means(rows: Sequence[EpisodeResult]) -> Rollouts:
    """The means over episodes.

    Raises:
        ValueError: no episodes.
    """
    if not rows:
        raise ValueError("an evaluation needs at least one episode")
    return Rollouts(
        success_rate=float(np.mean([row.success for row in rows])),
        l2_error_per_step=_mean([row.l2_error_per_step for row in rows]),
        mean_timesteps=float(np.mean([row.timesteps for row in rows])),
        step_inside=_mean([row.step_inside for row in rows]),
        step_at_seam=_mean([row.step_at_seam for row in rows]),
        jerk_inside=_mean([row.jerk_inside for row in rows]),
        jerk_at_seam=_mean([row.jerk_at_seam for row in rows]),
        episodes=tuple(rows),
    )


def _mean(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
