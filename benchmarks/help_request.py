"""Value of help requests: failures of a policy that never asks, asks when uncertain, or asks as often at random.

    python -m benchmarks.help_request POLICY ... [--alarms 0.1] [--episodes 40]

POLICY is one of a session's `policies` or `checkpoints`, or a session folder. The threshold comes from that session's
recording, as in `hitl-clic uncertainty`. The teacher drives only when asked, for 16 steps. There is one JSON line for
each way of asking: failures, calls and steps driven. All ways use the same starts, with seeds from 1,000,000.
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch

import hitl_clic as hc
from benchmarks.experiment import EVALUATED_FROM
from benchmarks.figure import tell
from hitl_clic.control.chunk_queue import ChunkQueue
from hitl_clic.control.help_request import HelpRequest, HelpSettings
from hitl_clic.control.overlap import PlanRequest
from hitl_clic.control.plan import ChunkPolicy
from hitl_clic.control.planner import answer
from hitl_clic.runner.uncertainty_study import uncertainty_study
from hitl_clic.tasks.registry import make_task, make_teacher
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.records import Plan

DRIVES = 16
"""Steps that the teacher drives after a call."""
WITHIN_S = 1.0
"""`uncertainty_study` needs this time, seconds; the threshold does not depend on it."""

Calls = Callable[[Plan], bool]
"""Whether the robot asks for help at a plan."""


@dataclass(frozen=True, slots=True)
class Helped:
    """One episode: success, steps, plans, help requests, and steps that the teacher drove."""

    success: bool
    steps: int
    plans: int
    calls: int
    driven: int


def episode(policy: ChunkPolicy, task: Task, teacher: Teacher, execute: int, calls: Calls, seed: int) -> Helped:
    """Run one episode. The robot drives, except for `DRIVES` steps after each call."""
    task.reset(seed=seed)
    teacher.reset()
    nothing = np.zeros((0, len(task.action_frame.axes)), np.float32)
    queue: ChunkQueue | None = None
    until = step = plans = called = driven = 0
    while True:
        wanted = np.clip(teacher.action(task.observe()), -1.0, 1.0).astype(np.float32)
        if step >= until and (queue is None or queue.due(step)):
            rest = None if queue is None else queue.rest(step)
            plan = answer(policy, PlanRequest(step, task.observe(), nothing, rest))
            plans += 1
            if calls(plan):
                until, called = step + DRIVES, called + 1
                queue = None  # the teacher drives, so the plan is not executed
            else:
                queue = queue or ChunkQueue(len(plan.chunk), execute, 0, nothing.shape[1])
                queue.take(plan, step)
        helped = step < until or queue is None
        driven += helped
        _, _, terminated, truncated, info = task.step(wanted if helped or queue is None else queue.action(step))
        step += 1
        if terminated or truncated:
            return Helped(bool(info["success"]), step, plans, called, driven)


def measure(source: Path, alarms: float, episodes: int) -> Iterator[dict[str, Any]]:
    """One row for each way of asking.

    Args:
        source: policy or session. alarms: share of plans that ask. episodes: for each way.
    """
    loaded = hc.Policy.load(source)
    settings = loaded.settings
    session = next(folder for folder in loaded.path.absolute().parents if (folder / "settings.toml").exists())
    threshold = uncertainty_study([hc.Session.open(session)], WITHIN_S).threshold(alarms)
    random = np.random.default_rng(0)
    share = 0.0

    def when_uncertain() -> Calls:
        call = HelpRequest(HelpSettings(threshold=max(threshold, 1e-9), wait=True))
        return call.update

    ways: dict[str, Callable[[], Calls]] = {
        "never": lambda: lambda plan: False,
        "when uncertain": when_uncertain,
        "at random, as often": lambda: lambda plan: bool(random.random() < share),
    }
    task, teacher = make_task(settings.task, **settings.task_options), make_teacher(settings.task)
    for way, make in ways.items():
        policy = hc.Policy.load(loaded.path, seed=EVALUATED_FROM).planner
        seeds = range(EVALUATED_FROM, EVALUATED_FROM + episodes)
        rows = [episode(policy, task, teacher, settings.execute, make(), seed) for seed in seeds]
        plans, called = sum(row.plans for row in rows), sum(row.calls for row in rows)
        if way == "when uncertain":
            share = called / plans
        yield {
            "source": str(source),
            "task": settings.task,
            "horizon": settings.horizon,
            "asks": way,
            "threshold": round(threshold, 4),
            "episodes": episodes,
            "failures_per_episode": sum(not row.success for row in rows) / episodes,
            "calls_per_episode": called / episodes,
            "calls_per_plan": round(called / plans, 4),
            "teacher_steps_per_episode": sum(row.driven for row in rows) / episodes,
            "mean_timesteps": sum(row.steps for row in rows) / episodes,
        }


if __name__ == "__main__":
    line = argparse.ArgumentParser(description=(__doc__ or "").partition("\n\n")[0].replace("\n", " "))
    line.add_argument("sources", nargs="+", type=Path, help="kept policies or session folders")
    line.add_argument("--alarms", type=float, default=0.1, help="share of plans that ask (default 0.1)")
    line.add_argument("--episodes", type=int, default=40, help="episodes for each way (default 40)")
    given = line.parse_args()
    torch.set_num_threads(1)
    try:
        for source in given.sources:
            for row in measure(source, given.alarms, given.episodes):
                tell("help_request", row)
    except hc.UserError as error:
        sys.exit(f"help_request: {error}")
