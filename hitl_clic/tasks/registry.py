"""The tasks and teachers by name. Importing this module imports no simulator."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from types import MappingProxyType
from typing import Any

from hitl_clic.plugins import plugins
from hitl_clic.tasks.task import Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.environment import EnvironmentSettings
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


def make_task(name: str, environment: EnvironmentSettings | None = None, /, **options: Any) -> Task:
    """A new task; the options are constructor arguments of the task.

    Args:
        name: of the package's tasks, an entry point's, SOURCE:NAME as gymnasium:Reacher-v5, or module:Class.
        environment: the table [environment], for a task that is none of the package's; what it lacks is guessed.

    Raises:
        ValueError: unknown task, unknown option or value out of range.
        UserError: a simulator is not installed, or the environment cannot be taught.
    """
    if name not in TASKS or (environment is not None and environment.make is not None):
        return _foreign(name, environment or EnvironmentSettings(), options)
    entry = TASKS[name]
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
    """A new scripted teacher of one of the package's tasks.

    Raises:
        ValueError: unknown task.
    """
    if name not in TASKS:
        raise ValueError(f"unknown task {name!r}; choose one of {', '.join(TASKS)}")
    teacher: Teacher = _load(TASKS[name].teacher)()
    return teacher


def find_teacher(name: str, environment: EnvironmentSettings, task: Task) -> Teacher | None:
    """The scripted teacher of any task; None: it has none.

    Args:
        name, environment: as in `make_task`. task: that it teaches.

    Raises:
        UserError: the teacher of the settings cannot be made.
    """
    told = environment.teacher
    if name in TASKS and not told:
        return None if told == "" else make_teacher(name)
    from hitl_clic.tasks.foreign.finding import find_teacher as find

    return find(name, told, task)


def path_of(name: str) -> str:
    """SOURCE:NAME or module:Class of a foreign task, which an entry point may stand for.

    Raises:
        ValueError: unknown task.
    """
    if ":" in name:
        return name
    if name not in (offered := plugins("tasks")):
        known = (*TASKS, *offered, "gymnasium:ID", "robosuite:NAME", "metaworld:NAME-v3", "module:Class")
        raise ValueError(f"unknown task {name!r}; choose one of {', '.join(known)}")
    return offered[name].path


def _foreign(name: str, environment: EnvironmentSettings, options: dict[str, Any]) -> Task:
    from hitl_clic.tasks.foreign.finding import make_foreign

    if environment.make is None:
        environment = environment.model_copy(update={"make": path_of(name)})
    return make_foreign(name, environment, options)


def _load(path: str) -> Any:
    module, _, attribute = path.partition(":")
    return getattr(import_module(module), attribute)
