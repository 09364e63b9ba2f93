"""`hitl-clic evaluate`: a learnt policy alone on seeded episodes, as a table or as JSON. Main thread."""

from __future__ import annotations

import json
import math

from rich.console import Console
from rich.table import Table

from hitl_clic.cli.commands import EvaluateCommand
from hitl_clic.evaluation import EpisodeResult
from hitl_clic.runner.evaluating import Evaluation, evaluate
from hitl_clic.runner.policy import find_checkpoint


def run(command: EvaluateCommand) -> int:
    """Evaluate and print. Raises the errors of `evaluate`."""
    _, settings = find_checkpoint(command.source)
    console, done = Console(), 0
    with console.status(f"{command.episodes} episodes of {settings.task}") as status:

        def show(_: EpisodeResult) -> None:
            nonlocal done
            done += 1
            status.update(f"{done} of {command.episodes} episodes of {settings.task}")

        found = evaluate(
            command.source,
            episodes=command.episodes,
            seed=command.seed,
            overlap=command.overlap,
            lead=command.lead,
            execute=command.execute,
            inference=command.inference,
            on_episode=show,
            processes=command.processes,
            video=command.video,
        )
    if command.json:
        print(json.dumps(found.as_json()))
    else:
        tell(found, console)
    return 0


def tell(found: Evaluation, console: Console) -> None:
    """Print an evaluation as a table."""
    settings = found.settings
    table = Table("seed", "success", "steps", "error per step", title=f"{settings.task}, H = {settings.horizon}")
    for row in found.episodes:
        table.add_row(str(row.seed), "yes" if row.success else "no", str(row.timesteps), _shown(row.l2_error_per_step))
    console.print(table)
    low, high = found.success_interval
    print(
        f"success rate {found.success_rate:.2f} (95 % interval {low:.2f} to {high:.2f}) over {len(found.episodes)} "
        f"episodes, error per step {_shown(found.l2_error_per_step)}, mean length {found.mean_timesteps:.0f} steps"
    )
    print(
        f"mean change of the action per step: {_shown(found.step_inside)} inside chunks, {_shown(found.step_at_seam)} "
        f"between them; jerk: {_shown(found.jerk_inside)} and {_shown(found.jerk_at_seam)}"
    )


def _shown(value: float) -> str:
    return "none" if math.isnan(value) else f"{value:.3f}"
