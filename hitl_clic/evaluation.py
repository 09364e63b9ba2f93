"""How good a policy is alone: success, error, effort and smoothness over seeded episodes ([CC] 5.1).

Pure of I/O: needs a task, a teacher and a policy. Any process; synchronous, no threads.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

import numpy as np

from hitl_clic.control.plan import ChunkPolicy
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher


@dataclass(frozen=True, slots=True)
class EpisodeResult:
    """One evaluated episode.

    Attributes:
        seed: of its start state. success: the task's own flag. timesteps: its length, steps.
        l2_error_per_step: mean ||a^r - a*|| ([CC] Eq. 12). step_inside, step_at_seam: mean ||a_t - a_(t-1)|| within
            chunks and where one follows another; NaN if there were none.
    """

    seed: int
    success: bool
    timesteps: int
    l2_error_per_step: float
    step_inside: float
    step_at_seam: float


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The figures of all episodes; `episodes` holds a row for each."""

    success_rate: float
    l2_error_per_step: float
    mean_timesteps: float
    step_inside: float
    step_at_seam: float
    episodes: tuple[EpisodeResult, ...]


def evaluate(
    policy: ChunkPolicy,
    task: Task,
    teacher: Teacher,
    execute: int,
    seeds: Iterable[int],
    after_episode: Callable[[EpisodeResult], None] = lambda result: None,
) -> Evaluation:
    """Run the policy alone on seeded episodes, Ta steps of each chunk.

    Args:
        policy, task, teacher: fresh ones: all three are changed by this. execute: Ta. seeds: one for each episode.
        after_episode: told each result as it comes.
    """
    rows = []
    for seed in seeds:
        rows.append(_episode(policy, task, teacher, execute, seed))
        after_episode(rows[-1])
    if not rows:
        raise ValueError("an evaluation needs at least one episode")
    return Evaluation(
        success_rate=float(np.mean([row.success for row in rows])),
        l2_error_per_step=float(np.mean([row.l2_error_per_step for row in rows])),
        mean_timesteps=float(np.mean([row.timesteps for row in rows])),
        step_inside=_mean([row.step_inside for row in rows]),
        step_at_seam=_mean([row.step_at_seam for row in rows]),
        episodes=tuple(rows),
    )


def _episode(policy: ChunkPolicy, task: Task, teacher: Teacher, execute: int, seed: int) -> EpisodeResult:
    observation, _ = task.reset(seed=seed)
    teacher.reset()
    errors: list[float] = []
    inside: list[float] = []
    seams: list[float] = []
    before: np.ndarray | None = None
    for index, action in _actions(policy, lambda: task.observe(), execute, observation):
        errors.append(float(np.linalg.norm(action - teacher.action(task.observe()))))
        if before is not None:
            (inside if index else seams).append(float(np.linalg.norm(action - before)))
        before = action
        _, _, terminated, truncated, info = task.step(action)
        if terminated or truncated:
            break
    return EpisodeResult(seed, bool(info["success"]), len(errors), float(np.mean(errors)), _mean(inside), _mean(seams))


def _actions(
    policy: ChunkPolicy, observe: Callable[[], np.ndarray], execute: int, observation: np.ndarray
) -> Iterator[tuple[int, np.ndarray]]:
    """(place in its chunk, action) for ever: plan, execute Ta steps, plan again."""
    committed = np.zeros((0, 0), np.float32)
    previous: np.ndarray | None = None
    while True:
        chunk, _ = policy.plan(observe(), committed, previous)
        for index in range(execute):
            yield index, chunk[index]
        previous = chunk[execute:] if execute < len(chunk) else None


def _mean(values: list[float]) -> float:
    known = [value for value in values if np.isfinite(value)]
    return float(np.mean(known)) if known else float("nan")
