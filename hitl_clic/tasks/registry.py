"""The tasks and teachers by name. Importing this module imports no simulator."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.errors import SettingsError


@dataclass(frozen=True, slots=True)
class TaskEntry:
    """Where to find one task.

    Attributes:
        task, teacher: "module:class", imported on first use.
        max_steps: steps after which an episode is truncated.
        summary: one sentence for help texts.
        extra: the pip extra that installs the simulator; empty if it is always installed.
    """

    gymnasium_id: str
    task: str
    teacher: str
    max_steps: int
    summary: str
    extra: str = ""


TASKS = MappingProxyType(
    {
        "push_t": TaskEntry(
            gymnasium_id="hitl_clic/PushT-v0",
            task="hitl_clic.tasks.pusht.push_t:PushT",
            teacher="hitl_clic.tasks.pusht.teacher:PushTTeacher",
            max_steps=500,
            summary="Push a T-shaped block onto its goal with a disc.",
        ),
        "line_following": TaskEntry(
            gymnasium_id="hitl_clic/LineFollowing-v0",
            task="hitl_clic.tasks.line.line_following:LineFollowing",
            teacher="hitl_clic.tasks.line.teacher:LineFollowingTeacher",
            max_steps=1000,
            summary="Move a point along a line to its end without leaving the line.",
        ),
        "hammer": TaskEntry(
            gymnasium_id="hitl_clic/Hammer-v0",
            task="hitl_clic.tasks.metaworld.hammer:Hammer",
            teacher="hitl_clic.tasks.metaworld.hammer_teacher:HammerTeacher",
            max_steps=300,
            summary="Pick up a hammer and drive a nail into a block.",
            extra="hammer",
        ),
        "pick_can": TaskEntry(
            gymnasium_id="hitl_clic/PickCan-v0",
            task="hitl_clic.tasks.robosuite.pick_can:PickCan",
            teacher="hitl_clic.tasks.robosuite.pick_can_teacher:PickCanTeacher",
            max_steps=250,
            summary="Carry a can from one bin into its place in another with a robot arm.",
            extra="arms",
        ),
        "square": TaskEntry(
            gymnasium_id="hitl_clic/Square-v0",
            task="hitl_clic.tasks.robosuite.square:Square",
            teacher="hitl_clic.tasks.robosuite.square_teacher:SquareTeacher",
            max_steps=250,
            summary="Put a square nut onto a square peg with a robot arm.",
            extra="arms",
        ),
        "two_arm_lift": TaskEntry(
            gymnasium_id="hitl_clic/TwoArmLift-v0",
            task="hitl_clic.tasks.robosuite.two_arm_lift:TwoArmLift",
            teacher="hitl_clic.tasks.robosuite.two_arm_lift_teacher:TwoArmLiftTeacher",
            max_steps=150,
            summary="Lift a pot by its two handles with two robot arms.",
            extra="arms",
        ),
        "lift": TaskEntry(
            gymnasium_id="hitl_clic/Lift-v0",
            task="hitl_clic.tasks.robosuite.lift:Lift",
            teacher="hitl_clic.tasks.robosuite.lift:LiftTeacher",
            max_steps=150,
            summary="Lift a cube from a table with a robot arm.",
            extra="arms",
        ),
    }
)


def task_names() -> tuple[str, ...]:
    """The names that `make_task` and `make_teacher` accept."""
    return tuple(TASKS)


def make_task(name: str, **options: Any) -> Task:
    """A new task; the options are constructor arguments of the task.

    Raises:
        ValueError: unknown task, unknown option or value out of range.
        SettingsError: the simulator is not installed.
    """
    entry = _entry(name)
    try:
        make: Callable[..., Task] = _load(entry.task)
        known = inspect.signature(make).parameters
        for option in options:
            if option not in known:
                raise ValueError(f"task_options = {option} is unknown to {name}; allowed: {', '.join(known) or 'none'}")
        return make(**options)
    except ModuleNotFoundError as problem:
        if not entry.extra:
            raise
        raise SettingsError(
            f"task = {name} needs {problem.name}, which is not installed; run: pip install -e '.[{entry.extra}]'"
        ) from problem


def make_teacher(name: str) -> Teacher:
    """A new scripted teacher of a task.

    Raises:
        ValueError: unknown task.
    """
    teacher: Teacher = _load(_entry(name).teacher)()
    return teacher


def _entry(name: str) -> TaskEntry:
    if name not in TASKS:
        raise ValueError(f"unknown task {name!r}; choose one of {', '.join(TASKS)}")
    return TASKS[name]


def _load(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)
