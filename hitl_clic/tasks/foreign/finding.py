"""Makes a foreign task and its teacher from a name and the table [environment]. Thread that owns the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from hitl_clic.tasks.foreign.guess import complete, look_at
from hitl_clic.tasks.foreign.sources import Environment, make_environment
from hitl_clic.tasks.foreign.task import ForeignTask
from hitl_clic.tasks.foreign.teachers import ForeignTeacher, TaskTeacher
from hitl_clic.tasks.task import RenderMode, Task
from hitl_clic.tasks.teacher import Teacher
from hitl_clic.types.environment import EnvironmentSettings
from hitl_clic.types.errors import UserError
from hitl_clic.types.named_object import in_words, load_object


def make_foreign(name: str, environment: EnvironmentSettings, options: Mapping[str, Any]) -> Task:
    """A new task.

    Args:
        name: of the task. environment: `make` says which; what it lacks is guessed.
        options: arguments of the environment's constructor; render_mode is the task's own.

    Raises:
        UserError: it cannot be made or taught.
    """
    own = {option: value for option, value in options.items() if option != "render_mode"}
    if not environment.complete:
        environment = complete(name, environment, own)
    made = make_environment(environment.make or name, None, own)
    if isinstance(made, Task):
        return made
    mode: RenderMode | None = options.get("render_mode")
    try:
        return ForeignTask(name, made, environment, mode, own)
    except UserError:
        made.close()
        raise


def wrapped(name: str, env: Environment, make: Callable[[], Environment]) -> ForeignTask:
    """A task around an environment object; everything is guessed.

    Args:
        name: for messages. env: the object. make: makes another one, to be tried out.

    Raises:
        UserError: it cannot be taught.
    """
    one, other = make(), make()
    try:
        settings = look_at(name, name, one, other, EnvironmentSettings())
    finally:
        one.close()
        other.close()
    return ForeignTask(name, env, settings)


def make_mirror(name: str, environment: EnvironmentSettings, options: Mapping[str, Any]) -> ForeignTask:
    """A task whose environment draws itself: `env.render()` returns a picture.

    Args:
        name, environment, options: of the session's task; the environment is complete.

    Raises:
        UserError: it cannot be made.
    """
    return ForeignTask(name, make_environment(environment.make or name, "rgb_array", options), environment)


def find_teacher(name: str, told: str | None, task: Task) -> Teacher | None:
    """The teacher that the settings name, else the task's own; None: there is none.

    Args:
        name: of the task. told: `environment.teacher`. task: that it teaches.

    Raises:
        UserError: it cannot be found, or is none.
    """
    if told is None or told == "task":
        found = getattr(task.env.unwrapped if isinstance(task, ForeignTask) else task, "teacher", None)
        own = type(task.env.unwrapped if isinstance(task, ForeignTask) else task)
        # A function in a class body would be bound to the object, and would take it as its first argument.
        found = vars(own).get("teacher", found) if found is not None else None
        label = f"{name}.teacher"
    elif told == "":
        return None
    elif told == "metaworld":
        from hitl_clic.tasks.foreign.meta_world import scripted_policy

        path = task.settings.make if isinstance(task, ForeignTask) else None
        found, label = scripted_policy((path or name).partition(":")[2]), "metaworld"
    else:
        found, label = load_object(told, "environment.teacher"), told
    return None if found is None else as_teacher(label, found, task)


def as_teacher(label: str, found: Any, task: Task) -> Teacher:
    """A class, an object or a function as a teacher of this task.

    Raises:
        UserError: it cannot be made, or gives no actions.
    """
    if isinstance(found, staticmethod):
        found = found.__func__
    if isinstance(found, type):
        try:
            found = found()
        except Exception as problem:  # another's class may raise anything
            raise UserError(f"teacher {label} cannot be made: {in_words(problem)}") from problem
    if isinstance(found, Teacher):
        return found
    return ForeignTeacher(label, found, task) if isinstance(task, ForeignTask) else TaskTeacher(label, found)
