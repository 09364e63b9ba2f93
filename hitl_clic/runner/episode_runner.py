"""Runs single episodes of a learnt policy alone. Any process and thread, one caller at a time.

Each episode depends on its own seed alone, so it has the same result in any process and in any order.
"""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from types import TracebackType

from pydantic import BaseModel, ConfigDict

from hitl_clic.control.overlap import OverlapName
from hitl_clic.evaluation import EpisodeResult, Execution, run_episode
from hitl_clic.runner.parts import Parts
from hitl_clic.runner.policy import Policy
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.teacher import Teacher


class EvaluationJob(BaseModel):
    """All that another process needs for the same episodes.

    Attributes:
        checkpoint: of the policy. settings: of its session, with the changes of the evaluation.
        overlap, lead: how the next chunk is planned while one runs.
        video: folder for a film of each episode; None: no films.
    """

    model_config = ConfigDict(frozen=True)

    checkpoint: Path
    settings: SessionSettings
    overlap: OverlapName
    lead: int
    video: Path | None = None


class EpisodeRunner:
    """Policy, task and teacher of an evaluation; a context manager that closes the task.

    Args:
        job: what to run. parts: the caller's objects.

    Raises:
        UserError: no such task, or the checkpoint does not fit the settings.
    """

    def __init__(self, job: EvaluationJob, parts: Parts | None = None) -> None:
        self._parts, self._settings, self._video = parts or Parts(), job.settings, job.video
        self.policy = Policy(job.checkpoint, job.settings, 0)
        self._how = Execution(job.settings.execute, job.overlap, job.lead)
        self._task = self._parts.make_task(job.settings)

    def run(self, seed: int) -> EpisodeResult:
        """Run the episode of a seed. The policy samples as one that was loaded with this seed."""
        self.policy.restart_sampling(seed)
        if self._video is None:
            return run_episode(self.policy.planner, self._task, self._teacher, self._how, seed)
        from hitl_clic.runner.filming import filmed

        with filmed(self._task, self._video / f"seed-{seed}.mp4") as task:
            return run_episode(self.policy.planner, task, self._teacher, self._how, seed)

    @property
    def can_be_copied(self) -> bool:
        """Whether the job alone describes the episodes. The caller's objects exist in this process alone."""
        return self._parts.task is None and self._parts.teacher is None

    @cached_property
    def _teacher(self) -> Teacher | None:
        return self._parts.find_teacher(self._settings, self._task)

    def __enter__(self) -> EpisodeRunner:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._parts.close(self._task)
