"""`hitl-clic teach`: a session from the first tick to its folder, and what a person reads before and after it.

Main thread. The process is the session's own, so torch's thread count is set here at any pace.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator, Mapping
from typing import Any

from hitl_clic.runner.device_registry import choose
from hitl_clic.runner.results import SessionSummary
from hitl_clic.runner.teaching import teach
from hitl_clic.settings import SessionSettings, load

LINES = 12
"""Most lines printed before the first episode."""
TOLD = ("task", "method", "device", "episodes", "seed", "horizon", "execute", "headless", "out")
"""Settings that the first line tells, or that a person sees anyway."""


def run(settings: SessionSettings) -> int:
    """Teach; the exit status.

    Raises:
        UserError: a setting that cannot be had here.
    """
    settings = choose(settings)
    for line in opening(settings):
        print(line)
    sys.stdout.flush()
    import torch

    torch.set_num_threads(settings.loop.planner_threads)
    summary = teach(settings=settings, say=lambda line: print(line, file=sys.stderr), dashboard=True)
    report(summary)
    return 0


def opening(settings: SessionSettings) -> list[str]:
    """What is printed before a session: what it is, what differs from the presets, where it is written.

    At most `LINES` lines; the folder's settings.toml has every setting.
    """
    first = (
        f"{settings.task} with {settings.method}, device {settings.device}, H = {settings.horizon}, "
        f"Ta = {settings.execute}, {settings.episodes} episodes, seed {settings.seed}"
    )
    last = f"session folder: {settings.out}"
    changes = [f"  {name} = {now}  (preset: {was})" for name, was, now in differences(settings)]
    room = LINES - 3
    if len(changes) > room:
        rest = len(changes) - (room - 1)
        changes = [*changes[: room - 1], f"  and {rest} more, all in {settings.out}/settings.toml"]
    return [first, *(["different from the presets of task and method:"] if changes else []), *changes, last]


def differences(settings: SessionSettings) -> Iterator[tuple[str, Any, Any]]:
    """Dotted name, preset value and value of each setting that is not as the presets of task and method have it."""
    preset = load(overrides={"task": settings.task, "method": settings.method})
    before, now = _flat(preset.model_dump()), _flat(settings.model_dump())
    for name, value in now.items():
        if name not in TOLD and value != before.get(name):
            yield name, before.get(name), value


def _flat(values: Mapping[str, Any], prefix: str = "") -> dict[str, Any]:
    flat: dict[str, Any] = {}
    for name, value in values.items():
        flat |= _flat(value, f"{prefix}{name}.") if isinstance(value, Mapping) else {prefix + name: value}
    return flat


def report(summary: SessionSummary) -> None:
    """Print the end of a session for a person."""
    feedback, third = summary.feedback_per_step, max(1, summary.episodes // 3)
    if summary.episodes:
        print(
            f"\n{int(summary.success.sum())} of {summary.episodes} episodes reached the goal in {summary.wall_s:.0f} s"
        )
        first, last = feedback[:third].mean(), feedback[-third:].mean()
        print(f"you stepped in at {first:.0%} of the ticks in the first third, {last:.0%} in the last")
    else:
        print(f"\nthe session ended before an episode was finished, after {summary.wall_s:.0f} s")
    print(
        f"{summary.updates} updates, {summary.weight_swaps} new policies, "
        f"{summary.pairs_made} pairs made, {summary.pairs_ingested} learned from"
    )
    print(f"all of it is in {summary.folder}: replay it with  hitl-clic replay {summary.folder}")
