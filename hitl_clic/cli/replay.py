"""`hitl-clic replay`: verify a recorded session bit for bit, or show it again. Main thread."""

from __future__ import annotations

import json
import math
import sys

from rich.console import Console
from rich.progress import Progress
from rich.table import Table

from hitl_clic.cli.commands import ReplayCommand
from hitl_clic.runner.device_registry import has_display
from hitl_clic.runner.recordings import open_session
from hitl_clic.runner.replaying import replay
from hitl_clic.runner.results import ReplayResult
from hitl_clic.types.dates import shown


def run(command: ReplayCommand) -> int:
    """Verify or show a session; exit status 1 if it does not re-simulate as recorded. Raises the errors of `replay`."""
    session = command.session
    if command.verify:
        report = replay(session, verify=True).report
        assert report is not None
        print(json.dumps(report.as_json()) if command.json else report.sentence)
        return 0 if report.ok else 1
    if command.video is not None:
        with Progress(console=Console(stderr=True)) as progress:
            bar = progress.add_task("pictures", total=None)
            replay(
                session,
                video=command.video,
                episodes=command.episodes,
                speed=command.speed,
                on_picture=lambda done, of: progress.update(bar, completed=done, total=of),
            )
        print(f"film: {command.video}")
        return 0
    if command.json:
        print(json.dumps(replay(session).summary.figures))
        return 0
    windowed = has_display() and not command.headless
    no_window: list[str] = []
    result = replay(session, window=windowed, pictures=not windowed, say=no_window.append)
    for line in no_window:
        print(line, file=sys.stderr)
    if not windowed or no_window:
        tell(result)
    return 0


def tell(result: ReplayResult) -> None:
    """Print what a recording holds."""
    recorded, figures = open_session(result.path), result.summary.figures
    heading = f"{figures['task']}, {figures['method']}, {figures['device']}, H = {figures['horizon']}"
    if figures["started_at"]:
        heading += f", {shown(figures['started_at'])}"
    table = Table("episode", "seed", "success", "steps", "teacher drove", "error per step", title=heading)
    for row in recorded.episodes:
        table.add_row(
            str(row.episode + 1),
            str(row.seed),
            "yes" if row.success else "no",
            str(row.timesteps),
            f"{row.feedback_per_step:.0%}",
            "not known" if math.isnan(row.l2_error_per_step) else f"{row.l2_error_per_step:.3f}",
        )
    Console().print(table)
    pairs = figures["pairs"]
    print(
        f"{figures['ticks']} ticks at {figures['tick_hz']:g} Hz in {figures['wall_s']:.0f} s, "
        f"{figures['tick_overruns']} overruns; {pairs['made']} pairs made, {pairs['ingested']} of them learnt; "
        f"{figures['updates']} updates, {figures['weight_swaps']} new policies"
    )
    if recorded.truncated or recorded.lost:
        print(f"the recording was cut off or damaged: {recorded.lost or 'its end is missing'}")
    if result.pictures:
        print(f"pictures: {', '.join(map(str, result.pictures))}")
