"""`hitl-clic teach`: runs a session and prints what it is and how it ended.

Main thread. No other work shares the process, so torch's thread count is set here where the session does not.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from typing import Any

from hitl_clic.cli.commands import TeachCommand
from hitl_clic.presets import flat
from hitl_clic.runner.device_registry import resolve_device
from hitl_clic.runner.results import SessionSummary
from hitl_clic.runner.teaching import teach
from hitl_clic.settings import SessionSettings
from hitl_clic.settings_layers import load

LINES = 12
"""Most lines printed before the first episode."""
IN_FIRST_LINE = ("task", "method", "device", "episodes", "seed", "horizon", "execute", "headless", "out")
"""Settings that the first line shows, or that are visible anyway."""


def run(command: TeachCommand) -> int:
    """Teach. Raises the errors of `teach`."""
    settings = resolve_device(command.settings)
    for line in opening(settings):
        print(line)
    sys.stdout.flush()
    if settings.pace == "max":  # in real time the session does, and torch loads while its learner does
        import torch

        torch.set_num_threads(settings.loop.planner_threads)
    summary = teach(
        settings=settings,
        say=lambda line: print(line, file=sys.stderr),
        dashboard=True,
        continues=command.continue_,
        begins_from=command.from_,
    )
    report(summary, by_script=settings.device == "oracle")
    return 0


def opening(settings: SessionSettings) -> list[str]:
    """At most `LINES` lines before a session: what it is, what differs from the presets, and its folder."""
    first = (
        f"{settings.task} with {settings.method}, device {settings.device}, H = {settings.horizon}, "
        f"Ta = {settings.execute}, {settings.episodes} episodes, seed {settings.seed}"
    )
    last = f"session folder: {settings.out}"
    about = list(environment_lines(settings))
    changes = [f"  {name} = {now}  (preset: {was})" for name, was, now in differences(settings)]
    room = LINES - 3 - len(about)
    if len(changes) > room:
        rest = len(changes) - (room - 1)
        changes = [*changes[: room - 1], f"  and {rest} more, all in {settings.out}/settings.toml"]
    return [first, *about, *(["different from the presets of task and method:"] if changes else []), *changes, last]


def environment_lines(settings: SessionSettings) -> Iterator[str]:
    """What a foreign environment is taken for: at most four lines; none for the package's tasks."""
    environment = settings.environment
    if not environment.complete:
        return
    from hitl_clic.tasks.foreign.guess import notes

    axes, hertz = " ".join(environment.axes or ()), f"{environment.rate_hz:g}"
    observed = f"observes {', '.join(environment.observation)}, " if environment.observation else ""
    yield (
        f"{observed}acts with {axes}; success: {environment.success}; at most {environment.max_steps} steps; its own "
        f"rate is {hertz} Hz, taught at {settings.loop.rate_hz:g} Hz"
    )
    yield from (f"  {note}" for note in notes(environment)[:2])
    yield f"  all of it can be set, see: hitl-clic tasks {settings.task}"


def differences(settings: SessionSettings) -> Iterator[tuple[str, Any, Any]]:
    """Dotted name, preset value and value of each setting that differs from the presets of task and method."""
    environment = settings.environment.given  # complete, so that nothing is guessed again
    preset = load(overrides={"task": settings.task, "method": settings.method, "environment": environment})
    before, now = flat(preset.model_dump()), flat(settings.model_dump())
    for name, value in now.items():
        if name not in IN_FIRST_LINE and not name.startswith("environment.") and value != before.get(name):
            yield name, before.get(name), value


def report(summary: SessionSummary, by_script: bool = False) -> None:
    """Print how a session ended. `by_script`: the scripted teacher corrected, not a person."""
    feedback, third = summary.feedback_per_step, max(1, summary.episodes // 3)
    if summary.episodes:
        print(f"\n{int(summary.success.sum())} of {summary.episodes} episodes succeeded in {summary.wall_s:.0f} s")
        first, last = feedback[:third].mean(), feedback[-third:].mean()
        teacher = "the scripted teacher" if by_script else "you"
        print(f"{teacher} drove at {first:.0%} of the ticks in the first third of the session, {last:.0%} in the last")
    else:
        print(f"\nthe session ended before an episode was finished, after {summary.wall_s:.0f} s")
    print(
        f"{summary.updates} updates, {summary.weight_swaps} new policies, "
        f"{summary.pairs_made} pairs made, {summary.pairs_ingested} of them learnt"
    )
    print(f"all files are in {summary.folder}; see the session again with: hitl-clic replay {summary.folder}")
