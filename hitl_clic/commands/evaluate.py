"""`app.py evaluate`: a taught policy alone on seeded episodes."""

from __future__ import annotations

import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import Any

from rich.console import Console
from rich.table import Table

from hitl_clic.learner import checkpoint
from hitl_clic.refusal import SettingsError
from hitl_clic.settings import SessionSettings


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


def run(source: Path, episodes: int, seed: int, as_json: bool) -> int:
    """Evaluate and print; the exit status.

    Raises:
        SettingsError: no checkpoint or settings there, or they do not fit.
    """
    path, settings = find(source)
    import torch

    from hitl_clic.evaluation import evaluate
    from hitl_clic.methods import make_policy
    from hitl_clic.tasks.registry import make_task, make_teacher

    torch.set_num_threads(settings.loop.planner_threads)
    try:
        weights, agreed = checkpoint.read_weights(path)
        sizes = (int(agreed["dim_o"]), int(agreed["dim_a"]), int(agreed["horizon"]))
        generator = torch.Generator(settings.clic.device).manual_seed(seed)
        policy = make_policy(weights.tensors, *sizes, settings.clic, generator, weights.version, weights.newest_pair)
    except ValueError as error:
        raise SettingsError(str(error)) from error
    task, teacher = make_task(settings.task, **settings.task_options), make_teacher(settings.task)
    console = Console()
    with console.status(f"{episodes} episodes of {settings.task}") as status:
        done = 0

        def told(_: Any) -> None:
            nonlocal done
            done += 1
            status.update(f"{done} of {episodes} episodes of {settings.task}")

        result = evaluate(policy, task, teacher, settings.execute, range(seed, seed + episodes), told)
    found = {
        "source": str(path),
        "task": settings.task,
        "method": settings.method,
        "horizon": settings.horizon,
        "execute": settings.execute,
        "weight_version": weights.version,
        "updates": weights.step,
        **_plain(asdict(result)),
    }
    if as_json:
        print(json.dumps(found))
        return 0
    table = Table("seed", "reached", "steps", "error per step", title=f"{settings.task}, H = {settings.horizon}")
    for row in result.episodes:
        table.add_row(str(row.seed), "yes" if row.success else "no", str(row.timesteps), f"{row.l2_error_per_step:.3f}")
    console.print(table)
    print(
        f"success rate {result.success_rate:.2f} over {episodes} episodes, error per step "
        f"{result.l2_error_per_step:.3f}, mean length {result.mean_timesteps:.0f} steps; change of action inside "
        f"chunks {result.step_inside:.3f}, between chunks {result.step_at_seam:.3f}"
    )
    return 0


def _plain(value: Any) -> Any:
    """The same with null where there is no number: JSON has no NaN."""
    if isinstance(value, dict):
        return {key: _plain(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(part) for part in value]
    return None if isinstance(value, float) and math.isnan(value) else value
