"""What the user did not say about an environment: found by looking at it and by driving it for some seconds.

Main thread, once before a session begins. Makes two environments and closes them.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import lru_cache, partial
from typing import Any

import numpy as np
from gymnasium import Env
from numpy.typing import NDArray

from hitl_clic.plugins import plugins
from hitl_clic.tasks.actions import arm_groups
from hitl_clic.tasks.foreign import physics
from hitl_clic.tasks.foreign.known import known_settings
from hitl_clic.tasks.foreign.restoring import TEST_STEPS, exactness
from hitl_clic.tasks.foreign.sources import make_environment
from hitl_clic.tasks.foreign.spaces import ActionMap, action_bounds, flatten, observation_keys
from hitl_clic.tasks.foreign.success import KNOWN_KEYS
from hitl_clic.tasks.task import Task
from hitl_clic.types.environment import TEACHING_HZ, EnvironmentSettings
from hitl_clic.types.errors import UserError

Floats = NDArray[np.float64]

MOST_STEPS = 500
"""Time limit of an environment that has none, steps."""
CHUNK_S, SHORTEST, LONGEST = 0.4, 4, 16
"""Length of a chunk, s, and its bounds, ticks."""
_ARM = ("x", "y", "z", "rx", "ry", "rz", "gripper")
_PUSH_STEPS = 10


def complete(name: str, given: EnvironmentSettings, options: Mapping[str, Any]) -> EnvironmentSettings:
    """Guess what is not given. The second call with the same arguments costs nothing.

    Args:
        name: of the task. given: by the user. options: arguments of the environment's constructor.

    Raises:
        UserError: there is no such environment, or it cannot be taught; the text says why.
    """
    return _complete(name, given.model_dump_json(), tuple(sorted(options.items())))


@lru_cache(maxsize=8)
def _complete(name: str, given_json: str, options: tuple[tuple[str, Any], ...]) -> EnvironmentSettings:
    given = EnvironmentSettings.model_validate_json(given_json)
    offered = plugins("tasks").get(name)
    path = given.make or (name if offered is None else offered.path)
    one = make_environment(path, None, dict(options))
    if isinstance(one, Task):
        try:
            return _of_task(path, one, given)
        finally:
            one.close()
    other = make_environment(path, None, dict(options))
    try:
        return look_at(name, path, one, other, given)
    finally:
        one.close()
        other.close()


def look_at(
    name: str, path: str, one: Env[Any, Any], other: Env[Any, Any], given: EnvironmentSettings
) -> EnvironmentSettings:
    """Guess what is not given, from two environments of one kind, which are driven.

    Raises:
        UserError: they cannot be taught.
    """
    return _Guesser(name, path, one, other, given).completed()


def _of_task(path: str, task: Task, given: EnvironmentSettings) -> EnvironmentSettings:
    """A `Task` says everything itself; only its teacher and the rate of teaching can be set."""
    size = len(task.action_frame.axes)
    rate = given.rate_hz or task.control_hz
    told: dict[str, Any] = {
        "make": path,
        "observation": (),
        "success": "info.success",
        "max_steps": task.max_steps,
        "rate_hz": rate,
        "horizon": task.horizon or _horizon(rate),
        "low": (-1.0,) * size,
        "high": (1.0,) * size,
        "axes": task.action_frame.axes,
        "scale": task.action_frame.scale,
        "groups": task.action_frame.groups,
        "symmetries": tuple(f"{symmetry.state} > {symmetry.action}" for symmetry in task.symmetries),
        "hand": "",
        "goal": "",
        "teacher": "" if task.teacher is None else "task",
        "exact": "state",
    }
    settable = ("teacher", "horizon", "rate_hz", "make")
    for name in given.given:
        if name not in settable:
            raise UserError(f"environment.{name} cannot be set for {path}: it is a Task, whose class says it")
    return EnvironmentSettings(**(told | given.given | {"make": path}))


class _Guesser:
    """Guesses for one environment."""

    def __init__(
        self, name: str, path: str, one: Env[Any, Any], other: Env[Any, Any], given: EnvironmentSettings
    ) -> None:
        self.name, self.one, self.other = name, one, other
        self.known = known_settings(path, one).given | given.given | {"make": path}
        self.keys = observation_keys(name, one.observation_space, self.known.get("observation"))
        box, low, high = action_bounds(name, one.action_space)
        self.low, self.high = self.known.get("low", tuple(low.tolist())), self.known.get("high", tuple(high.tolist()))
        for bound in (self.low, self.high):
            if len(bound) != low.size:
                raise UserError(f"environment.low and high need {low.size} numbers each, got {len(bound)}")
        self.actions = ActionMap(box, self.low, self.high)
        self.size = low.size
        self.rng = np.random.default_rng(1)
        self.infos: dict[str, Any] = {}

    def completed(self) -> EnvironmentSettings:
        """Everything."""
        self._drive()
        axes = tuple(self.known.get("axes", _axes(self.size)))
        inner: Any = self.one.unwrapped
        guessed: dict[str, Any] = {
            "observation": self.keys,
            "success": self._success(),
            "max_steps": self._max_steps(),
            "rate_hz": self._rate(),
            "horizon": getattr(inner, "horizon", None) or _horizon(self.known.get("rate_hz", self._rate())),
            "low": self.low,
            "high": self.high,
            "axes": axes,
            "groups": getattr(inner, "groups", None) or _groups(axes),
            "symmetries": tuple(getattr(inner, "symmetries", ())),
            "hand": self._hand(),
            "goal": self._goal(),
            "teacher": "task" if getattr(inner, "teacher", None) is not None else "",
            "exact": "none",
            "scale": (1.0,) * self.size,
        }
        settings = EnvironmentSettings(**(guessed | self.known))
        if "scale" not in self.known:
            settings = settings.model_copy(update={"scale": self._scale(settings)})
        if "exact" not in self.known:
            settings = settings.model_copy(update={"exact": self._exact()})
        return settings

    def _numbers(self, observation: Any) -> Floats:
        return flatten(self.name, observation, self.keys)

    def _drive(self) -> None:
        """Some random episodes, whose observations must be of one size, and whose infos are kept."""
        sizes = set()
        for seed in range(3):
            observation, info = self._call("reset", partial(self.one.reset, seed=seed))
            self.infos |= dict(info)
            sizes.add(self._numbers(observation).size)
            for action in self._random(TEST_STEPS):
                observation, _, terminated, truncated, info = self._call("step", partial(self.one.step, action))
                self.infos |= dict(info)
                sizes.add(self._numbers(observation).size)
                if terminated or truncated:
                    break
        if len(sizes) > 1:
            raise UserError(f"task = {self.name} observes a changing count of numbers; allowed: always the same")

    def _call(self, what: str, call: Callable[[], Any]) -> Any:
        try:
            return call()
        except UserError:
            raise
        except Exception as problem:  # an environment may raise anything
            words = " ".join(str(problem).split()) or "no message"
            raise UserError(f"task = {self.name}: its {what}() raised {type(problem).__name__}: {words}") from problem

    def _random(self, steps: int) -> list[Any]:
        held = np.repeat(self.rng.uniform(-1, 1, (-(-steps // 5), self.size)), 5, axis=0)[:steps]
        return [self.actions.outward(action.astype(np.float32)) for action in held]

    def _success(self) -> str:
        for key in KNOWN_KEYS:
            if key in self.infos:
                return f"info.{key}"
        spec = self.one.spec
        if spec is not None and spec.reward_threshold is not None:
            return f"return >= {spec.reward_threshold:g}"
        return "terminated"

    def _max_steps(self) -> int:
        from gymnasium import registry

        spec = registry.get(self.one.spec.id) if self.one.spec is not None else None
        return (spec.max_episode_steps if spec is not None else None) or MOST_STEPS

    def _rate(self) -> float:
        told = self.one.metadata.get("render_fps") or getattr(self.one.unwrapped, "control_hz", None)
        return float(told) if told else TEACHING_HZ

    def _hand(self) -> str:
        simulation = physics.find(self.one)
        return "" if simulation is None else "+".join(simulation.hands())

    def _goal(self) -> str:
        """The place of "desired_goal" among the observed numbers, if it is a point."""
        if "desired_goal" not in self.keys:
            return ""
        spaces = self.one.observation_space.spaces  # type: ignore[attr-defined]
        sizes = [int(np.prod(spaces[key].shape)) for key in self.keys]
        first = sum(sizes[: self.keys.index("desired_goal")])
        size = sizes[self.keys.index("desired_goal")]
        return f"{first}:{first + size}" if size in (2, 3) else ""

    def _scale(self, settings: EnvironmentSettings) -> tuple[float, ...]:
        """How far each number moves the hand in a step, measured; 1 where no hand is known."""
        from hitl_clic.tasks.foreign.task import ForeignTask

        task = ForeignTask(self.name, self.one, settings)
        scale = [1.0] * self.size
        task.reset(seed=0)
        if not task.hands():
            return tuple(scale)
        for index, axis in enumerate(settings.axes or ()):
            if axis.rstrip("0123456789") not in ("x", "y", "z"):
                continue
            task.reset(seed=0)
            hand = min(len(task.hands()) - 1, int(axis[1:] or 1) - 1)
            before, push = np.array(task.hands()[hand]), np.zeros(self.size, np.float32)
            push[index] = 1.0
            for _ in range(_PUSH_STEPS):
                task.step(push)
            moved = float(np.linalg.norm(np.array(task.hands()[hand]) - before)) / _PUSH_STEPS
            scale[index] = float(f"{moved:.2g}") or 1.0
        return tuple(scale)

    def _exact(self) -> str:
        actions = self._random(2 * TEST_STEPS)
        return self._call("step", lambda: exactness(self.one, self.other, actions, self._numbers))


def _axes(size: int) -> tuple[str, ...]:
    """Names for so many action numbers, as the devices have them."""
    named = {1: ("x",), 2: ("x", "y"), 3: ("x", "y", "z"), 4: ("x", "y", "z", "gripper")}
    if size in named:
        return named[size]
    arms = -(-size // len(_ARM))
    every = [axis + ("" if arm == 0 else str(arm + 1)) for arm in range(arms) for axis in _ARM]
    return tuple(every[:size])


def _groups(axes: tuple[str, ...]) -> Mapping[str, tuple[str, ...]]:
    """Groups of axes to correct alone: of an arm by kind, of a few axes each one."""
    if "z" in axes:
        return {name: group for name, group in arm_groups(axes).items() if len(group) < len(axes)}
    return {axis: (axis,) for axis in axes} if 1 < len(axes) <= 4 else {}


def _horizon(rate_hz: float) -> int:
    return int(min(LONGEST, max(SHORTEST, round(CHUNK_S * min(rate_hz, TEACHING_HZ)))))


def notes(settings: EnvironmentSettings) -> list[str]:
    """Sentences about what the settings of an environment mean for a session."""
    found = []
    if settings.exact == "actions":
        found.append("it repeats itself from its seed and all actions: verify works, a jump back takes as long")
    if settings.exact == "none":
        found.append("it does not repeat itself: no verify, no jump back in a replay, no overlap future_state")
    if not settings.teacher:
        found.append("it has no scripted teacher: hands teach it, and an evaluation leaves the L2 error out")
    if settings.success == "terminated":
        found.append("every end counts as success: set environment.success if some ends are failures")
    return found
