"""`app.py evaluate`: a taught policy alone on seeded episodes."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.table import Table

from hitl_clic.clic.settings import InferenceSettings
from hitl_clic.control.overlap import OverlapName, check_lead, check_room
from hitl_clic.learner import checkpoint
from hitl_clic.settings import SessionSettings
from hitl_clic.types.errors import SettingsError

if TYPE_CHECKING:
    from hitl_clic.control.plan import ChunkPolicy
    from hitl_clic.evaluation import EpisodeResult
    from hitl_clic.types.messages import Weights

AS_IN_THE_SESSION = InferenceSettings()
"""No setting of the search given."""


def find(source: Path) -> tuple[Path, SessionSettings]:
    """The checkpoint meant by a session folder or a checkpoint file, and the session's settings.

    Raises:
        SettingsError: neither is there.
    """
    path: Path | None = source
    if source.is_dir():
        path = checkpoint.latest(source / "checkpoints") or checkpoint.latest(source)
        if path is None:
            raise SettingsError(f"source = {source} holds no checkpoint; allowed: a session folder or a checkpoint")
    assert path is not None
    for folder in list(path.absolute().parents)[:3]:
        if (folder / "settings.toml").exists():
            return path, SessionSettings.from_toml(folder / "settings.toml")
    raise SettingsError(f"source = {source} has no settings.toml beside it or in a folder above; keep them together")


def searched(settings: SessionSettings, execute: int | None, inference: InferenceSettings) -> SessionSettings:
    """The session's settings with another Ta, and with those settings of the search that were given.

    Raises:
        SettingsError: Ta is more than the session's H.
    """
    if execute is not None and execute > settings.horizon:
        raise SettingsError(f"execute = {execute} is not allowed; allowed: 1 to {settings.horizon}, the session's H")
    given = {name: getattr(inference, name) for name in inference.model_fields_set}
    search = settings.clic.inference.model_copy(update=given)
    clic = settings.clic.model_copy(update={"inference": search})
    return settings.model_copy(update={"clic": clic, "execute": execute or settings.execute})


def overlapped(settings: SessionSettings, overlap: OverlapName | None, lead: int | None) -> tuple[OverlapName, int]:
    """The overlap and lead to evaluate with: what is given, else the session's own; sync needs no lead to be given.

    Raises:
        SettingsError: they do not go together, or the session's chunks are too short for them.
    """
    chosen = overlap or settings.loop.overlap
    if lead is None:
        lead = 0 if chosen == "sync" else settings.loop.plan_lead
    try:
        check_lead(chosen, lead)
        check_room(settings.horizon, settings.execute, lead)
    except ValueError as error:
        raise SettingsError(f"lead = {lead}: {error}") from None
    return chosen, lead


def policy_of(path: Path, settings: SessionSettings, seed: int) -> tuple[ChunkPolicy, Weights]:
    """The policy of a checkpoint under its session's settings, sampling with this seed; and its weights.

    Raises:
        SettingsError: the checkpoint cannot be read, or it does not fit the settings.
    """
    import torch

    from hitl_clic.runner.policy_inbox import policy_of_weights

    try:
        weights, agreed = checkpoint.read_weights(path)
        sizes = (int(agreed["dim_o"]), int(agreed["dim_a"]), int(agreed["horizon"]))
        generator = torch.Generator(settings.clic.planner_device).manual_seed(seed)
        policy = policy_of_weights(weights, *sizes, settings.clic, generator)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    return policy, weights


def figures(
    path: Path,
    settings: SessionSettings,
    episodes: int,
    seed: int,
    overlap: OverlapName,
    lead: int,
    after_episode: Callable[[EpisodeResult], None] = lambda result: None,
) -> dict[str, Any]:
    """The figures of a checkpoint under its session's settings, as JSON has them; `episodes` holds a row for each.

    Raises:
        SettingsError: the checkpoint cannot be read, or it does not fit the settings.
    """
    import torch

    from hitl_clic.evaluation import Execution, evaluate
    from hitl_clic.tasks.registry import make_task, make_teacher

    torch.set_num_threads(settings.loop.planner_threads)
    policy, weights = policy_of(path, settings, seed)
    task, teacher = make_task(settings.task, **settings.task_options), make_teacher(settings.task)
    execution = Execution(settings.execute, overlap, lead)
    result = evaluate(policy, task, teacher, execution, range(seed, seed + episodes), after_episode)
    return {
        "source": str(path),
        "task": settings.task,
        "method": settings.method,
        "horizon": settings.horizon,
        "execute": settings.execute,
        "overlap": overlap,
        "lead": lead,
        "inference": settings.clic.inference.model_dump(),
        "weight_version": weights.version,
        "updates": weights.step,
        **_plain(asdict(result)),
    }


def run(
    source: Path,
    episodes: int,
    seed: int,
    as_json: bool,
    overlap: OverlapName | None = None,
    lead: int | None = None,
    execute: int | None = None,
    inference: InferenceSettings = AS_IN_THE_SESSION,
) -> int:
    """Evaluate and print; the exit status.

    Raises:
        SettingsError: no checkpoint or settings there, or they do not fit.
    """
    path, settings = find(source)
    settings = searched(settings, execute, inference)
    overlap, lead = overlapped(settings, overlap, lead)
    console = Console()
    with console.status(f"{episodes} episodes of {settings.task}") as status:
        done = 0

        def told(_: EpisodeResult) -> None:
            nonlocal done
            done += 1
            status.update(f"{done} of {episodes} episodes of {settings.task}")

        found = figures(path, settings, episodes, seed, overlap, lead, told)
    if as_json:
        print(json.dumps(found))
        return 0
    table = Table("seed", "reached", "steps", "error per step", title=f"{settings.task}, H = {settings.horizon}")
    for row in found["episodes"]:
        reached = "yes" if row["success"] else "no"
        table.add_row(str(row["seed"]), reached, str(row["timesteps"]), f"{row['l2_error_per_step']:.3f}")
    console.print(table)
    steps = " and ".join(_shown(found[f"step_{where}"]) for where in ("inside", "at_seam"))
    jerks = " and ".join(_shown(found[f"jerk_{where}"]) for where in ("inside", "at_seam"))
    print(
        f"success rate {found['success_rate']:.2f} over {episodes} episodes, error per step "
        f"{found['l2_error_per_step']:.3f}, mean length {found['mean_timesteps']:.0f} steps; inside chunks and between "
        f"them the action changes by {steps}, with a jerk of {jerks}"
    )
    return 0


def _shown(value: float | None) -> str:
    return "none" if value is None else f"{value:.3f}"


def _plain(value: Any) -> Any:
    """The same with null where there is no number: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value
