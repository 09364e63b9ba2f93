"""`evaluate`: runs a learnt policy alone on seeded episodes. Any thread; synchronous.

`episode_processes` shares the episodes between processes.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from contextlib import closing
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from hitl_clic.baselines.settings import AnyInferenceSettings
from hitl_clic.control.overlap import OverlapName, check_lead, check_room
from hitl_clic.evaluation import EpisodeResult, Rollouts, means
from hitl_clic.runner.episode_processes import run_episodes
from hitl_clic.runner.episode_runner import EpisodeRunner, EvaluationJob
from hitl_clic.runner.parts import Parts, TeacherFunction
from hitl_clic.runner.policy import EVALUATION_SEED, find_checkpoint
from hitl_clic.runner.process_state import one_torch_thread
from hitl_clic.settings import SessionSettings
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.errors import UserError, describe, unknown


@dataclass(frozen=True)
class Evaluation(Rollouts):
    """Figures of a policy alone.

    Attributes:
        source: the checkpoint. settings: of its session, with the changes of the evaluation.
        overlap, lead: how the next chunk was planned while one ran. weight_version, updates: of the policy.
    """

    source: Path
    settings: SessionSettings
    overlap: OverlapName
    lead: int
    weight_version: int
    updates: int

    def as_json(self) -> dict[str, Any]:
        """All figures for JSON; None instead of NaN."""
        settings = self.settings
        figures = {field.name: getattr(self, field.name) for field in fields(Rollouts)}
        return {
            "source": str(self.source),
            "task": settings.task,
            "method": settings.method,
            "horizon": settings.horizon,
            "execute": settings.execute,
            "overlap": self.overlap,
            "lead": self.lead,
            "inference": settings.policy.inference.model_dump(),
            "weight_version": self.weight_version,
            "updates": self.updates,
            **_without_nan({**figures, "episodes": [asdict(row) for row in self.episodes]}),
        }


def evaluate(
    source: Path | str,
    *,
    episodes: int = 20,
    seed: int = EVALUATION_SEED,
    overlap: OverlapName | None = None,
    lead: int | None = None,
    execute: int | None = None,
    inference: AnyInferenceSettings | Mapping[str, Any] | None = None,
    task: Task | None = None,
    teacher: Teacher | TeacherFunction | None = None,
    on_episode: Callable[[EpisodeResult], object] = lambda result: None,
    processes: int | None = None,
    video: Path | str | None = None,
) -> Evaluation:
    """Run a learnt policy alone on seeded episodes. Prints nothing, leaves the process as it was.

    The result of an episode depends on its seed alone: not on the other episodes, nor on the number of processes.

    Args:
        source: session folder, or one checkpoint in it.
        episodes: count. seed: of the first start; the next start has the next seed.
        overlap, lead, execute: how chunks are planned and executed; None: as in the session.
        inference: settings of the search for a chunk; fields not given are those of the session.
        task: where the session was taught on a task object: an object of that class; it stays open.
        teacher: for the error per step; by default the task's scripted teacher, if it has one.
        on_episode: called with each result, in the order of the seeds.
        processes: that run episodes, this one included. None: as many as the machine allows and the work is worth. An
            evaluation with a task or teacher object runs in this process alone.
        video: a folder for films, one file seed-NUMBER.mp4 for each episode. The results are the same.

    Raises:
        UserError: no checkpoint, or a value that does not fit the session.
        EpisodeError: another process ended before its episode.
    """
    if episodes < 1:
        raise UserError(f"episodes = {episodes} is not allowed; allowed: 1 or more")
    if processes is not None and processes < 1:
        raise UserError(f"processes = {processes} is not allowed; allowed: 1 or more")
    films = None if video is None else Path(video).absolute()
    path, settings = find_checkpoint(Path(source))
    settings = with_search(settings, execute, _inference(inference))
    overlap, lead = overlap_and_lead(settings, overlap, lead)
    job = EvaluationJob(checkpoint=path.absolute(), settings=settings, overlap=overlap, lead=lead, video=films)
    rows: list[EpisodeResult] = []
    with (
        one_torch_thread(),
        EpisodeRunner(job, Parts(task=task, teacher=teacher)) as runner,
        closing(run_episodes(runner, job, range(seed, seed + episodes), processes)) as results,
    ):
        for row in results:
            rows.append(row)
            on_episode(row)
    found, policy = means(rows), runner.policy
    figures = {field.name: getattr(found, field.name) for field in fields(Rollouts)}
    return Evaluation(
        **figures,
        source=path,
        settings=settings,
        overlap=overlap,
        lead=lead,
        weight_version=policy.version,
        updates=policy.updates,
    )


def with_search(settings: SessionSettings, execute: int | None, inference: AnyInferenceSettings) -> SessionSettings:
    """The session's settings with the given Ta and the given settings of the search.

    Raises:
        UserError: Ta is more than the session's H, or the session's method has no such setting.
    """
    if execute is not None and not 1 <= execute <= settings.horizon:
        raise UserError(f"execute = {execute} is not allowed; allowed: 1 to {settings.horizon}, the session's H")
    given = {name: getattr(inference, name) for name in inference.model_fields_set}
    known = type(settings.policy.inference).model_fields
    for name in given:
        if name not in known:
            raise UserError(f"inference.{name} is not a setting of {settings.policy.kind}; {unknown(name, known)}")
    inference_now = settings.policy.inference.model_copy(update=given)
    policy = settings.policy.model_copy(update={"inference": inference_now})
    return settings.model_copy(update={"policy": policy, "execute": execute or settings.execute})


def overlap_and_lead(
    settings: SessionSettings, overlap: OverlapName | None, lead: int | None
) -> tuple[OverlapName, int]:
    """The overlap and lead to evaluate with: the given ones, else the session's; sync has no lead.

    Raises:
        UserError: they do not go together, or the session's chunks are too short for them.
    """
    chosen = overlap or settings.loop.overlap
    if lead is None:
        lead = 0 if chosen == "sync" else settings.loop.plan_lead
    try:
        check_lead(chosen, lead)
        check_room(settings.horizon, settings.execute, lead)
    except ValueError as error:
        raise UserError(f"lead = {lead}: {error}") from None
    return chosen, lead


def _inference(given: AnyInferenceSettings | Mapping[str, Any] | None) -> AnyInferenceSettings:
    if isinstance(given, AnyInferenceSettings):
        return given
    try:
        return AnyInferenceSettings(**(given or {}))
    except ValidationError as error:
        raise UserError(f"inference: {describe(error, AnyInferenceSettings)}") from None


def _without_nan(value: Any) -> Any:
    """The same value with None instead of NaN."""
    if isinstance(value, dict):
        return {key: _without_nan(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_without_nan(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value
