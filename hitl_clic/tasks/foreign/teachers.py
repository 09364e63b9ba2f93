"""Teachers of others: functions, gymnasium-style policies and Meta-World's scripted policies as a `Teacher`.

Any thread, one caller at a time.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from gymnasium import spaces

from hitl_clic.tasks.foreign.plain_state import PlainState, from_bytes, to_bytes
from hitl_clic.tasks.foreign.task import ForeignTask
from hitl_clic.tasks.task import Array
from hitl_clic.tasks.teacher import MemorylessTeacher, Teacher
from hitl_clic.types.errors import UserError

METHODS = ("action", "get_action", "predict", "act", "select_action")
"""What an object's method for an action may be called: ours, Meta-World's, Stable-Baselines3's, and others'."""


class ForeignTeacher(Teacher):
    """Asks a policy of an environment: in the environment's observations and actions.

    Args:
        name: for messages and snapshots. policy: a function of (observation) or (observation, info), or an object with
            one of `METHODS`. task: the environment as a task, which also has the newest info.
    """

    def __init__(self, name: str, policy: Any, task: ForeignTask) -> None:
        self.name, self._policy, self._task = name, policy, task
        self._ask = asked(policy)
        self._plain = PlainState([policy] if hasattr(policy, "__dict__") and not inspect.isroutine(policy) else [])

    def reset(self) -> None:
        begin = getattr(self._policy, "reset", None)
        if callable(begin):
            begin()

    def action(self, observation: Array) -> Array:
        numbers = np.asarray(observation, np.float64)
        if numbers.shape != self._task.observation_space.shape or not np.isfinite(numbers).all():
            raise ValueError(f"expected are {self._task.observation_space.shape} finite numbers, got {observation}")
        try:
            found = self._ask(self._shaped(numbers), self._task.info)
        except Exception as problem:  # another's code may raise anything
            words = " ".join(str(problem).split())
            raise UserError(f"teacher {self.name} raised {type(problem).__name__}: {words}") from problem
        return self._task.inward(found)

    def snapshot(self) -> bytes:
        return to_bytes({"teacher": self.name, "plain": self._plain.save()})

    def restore(self, snapshot: bytes) -> None:
        try:
            content = from_bytes(snapshot)
            if content["teacher"] != self.name:
                raise ValueError(f"made by {content['teacher']!r}")
            self._plain.load(content["plain"])
        except (KeyError, TypeError, AttributeError, ValueError) as problem:
            raise ValueError(f"not a phase of {self.name}: {problem}") from problem

    def _shaped(self, numbers: Any) -> Any:
        """The numbers as the environment gives them: a Dict of the observed keys, or an array."""
        space, keys = self._task.env.observation_space, self._task.settings.observation
        if not isinstance(space, spaces.Dict) or not keys:
            return numbers.reshape(space.shape)
        shaped, begin = {}, 0
        for key in keys:
            size = int(np.prod(space[key].shape or ()))
            shaped[key] = numbers[begin : begin + size].reshape(space[key].shape)
            begin += size
        return shaped


class TaskTeacher(MemorylessTeacher):
    """A function or policy of a `Task`: in the task's own observations and actions.

    Args:
        name: for messages and snapshots. policy: as in `ForeignTeacher`; info is empty.
    """

    def __init__(self, name: str, policy: Any) -> None:
        self.name, self._ask = name, asked(policy)

    def action(self, observation: Array) -> Array:
        return np.clip(np.asarray(self._ask(observation, {}), np.float32), -1.0, 1.0)


def asked(policy: Any) -> Callable[[Any, Mapping[str, Any]], Any]:
    """A policy as a function of observation and info.

    Raises:
        UserError: it is no function and has none of `METHODS`.
    """
    call = next((getattr(policy, name) for name in METHODS if callable(getattr(policy, name, None))), policy)
    if not callable(call):
        raise UserError(f"the teacher {policy!r} is not allowed; allowed: a function, or an object with {METHODS[0]}()")
    takes_info = _parameters(call) >= 2 and getattr(call, "__name__", "") != "predict"

    def ask(observation: Any, info: Mapping[str, Any]) -> Any:
        found = call(observation, info) if takes_info else call(observation)
        return found[0] if isinstance(found, tuple) else found  # predict() also returns a state

    return ask


def _parameters(call: Callable[..., Any]) -> int:
    """How many positional arguments without a default it takes."""
    try:
        parameters = inspect.signature(call).parameters.values()
    except (TypeError, ValueError):
        return 1
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return sum(parameter.kind in positional and parameter.default is parameter.empty for parameter in parameters)
