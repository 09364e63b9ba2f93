"""Returning to an instant of a foreign environment, and the test of how far that works for it.

Thread that owns the environment. The test makes a second environment; a session runs it once, before it begins.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from gymnasium import Env
from numpy.typing import NDArray

from hitl_clic.tasks.foreign import physics
from hitl_clic.tasks.foreign.plain_state import PlainState
from hitl_clic.types.environment import Exactness
from hitl_clic.types.errors import UserError

Action = NDArray[Any]
TEST_STEPS = 30
"""Steps before and after the instant to which the test returns."""


@runtime_checkable
class SavesItsState(Protocol):
    """An environment may offer these two; they are then used instead of what is found in its attributes."""

    def save_state(self) -> bytes:
        """Everything from which it continues exactly."""

    def load_state(self, state: bytes) -> None:
        """Return there. Raises ValueError if the bytes are no state of it."""


class StateKeeper:
    """Saves and loads the whole state of one environment.

    Args:
        env: with all its wrappers.
    """

    def __init__(self, env: Env[Any, Any]) -> None:
        inner = env.unwrapped
        self._own = inner if isinstance(inner, SavesItsState) else None
        layers = physics.layers(env)
        self._plain = PlainState([layer for layer in layers if self._own is None or layer is not inner])
        self._physics = physics.find(env) if self._own is None else None

    def save(self) -> dict[str, Any]:
        """The state, as values of MessagePack."""
        return {
            "own": self._own.save_state() if self._own is not None else b"",
            "physics": self._physics.save() if self._physics is not None else b"",
            "plain": self._plain.save(),
        }

    def load(self, state: dict[str, Any]) -> None:
        """Return to a state, possibly of another process.

        Raises:
            ValueError: it is of another environment.
        """
        if self._own is not None:
            self._own.load_state(state["own"])
        if self._physics is not None:
            self._physics.load(state["physics"])
        self._plain.load(state["plain"])


def exactness(
    one: Env[Any, Any], other: Env[Any, Any], actions: Sequence[Action], numbers: Callable[[Any], NDArray[Any]]
) -> Exactness:
    """How an instant of this environment can be reached again, found by trying.

    Args:
        one, other: two environments of one kind. actions: 2 * `TEST_STEPS`. numbers: of an observation.
    """
    one.reset(seed=12)
    length = len(_drive(one, actions, numbers))  # an episode may end before the actions do
    before, after = actions[: length // 2], actions[length // 2 : length]
    start = numbers(one.reset(seed=12)[0])
    first = _drive(one, before, numbers)
    state = _saved(one)
    second = _drive(one, after, numbers)
    if state is not None and _returns(one, other, state, after, second, numbers):
        return "state"
    again = numbers(other.reset(seed=12)[0])
    repeated = _drive(other, actions[:length], numbers)
    return "actions" if np.array_equal(start, again) and _equal(first + second, repeated) else "none"


def _saved(env: Env[Any, Any]) -> dict[str, Any] | None:
    try:
        return StateKeeper(env).save()
    except UserError:
        raise
    except Exception:  # an environment's own save_state may raise anything
        return None


def _returns(
    one: Env[Any, Any],
    other: Env[Any, Any],
    state: dict[str, Any],
    actions: Sequence[Action],
    expected: list[Any],
    numbers: Callable[[Any], NDArray[Any]],
) -> bool:
    """Whether the state leads to the same numbers: in another environment, and in this one after a reset."""
    for env, seed in ((other, 99), (one, 98)):
        env.reset(seed=seed)
        try:
            StateKeeper(env).load(state)
        except UserError:
            raise
        except Exception:  # as above
            return False
        if not _equal(_drive(env, actions, numbers), expected):
            return False
    return True


def _drive(
    env: Env[Any, Any], actions: Sequence[Action], numbers: Callable[[Any], NDArray[Any]]
) -> list[tuple[NDArray[Any], float, bool]]:
    """What each step returns, up to the end of the episode."""
    seen = []
    for action in actions:
        observation, reward, terminated, truncated, _ = env.step(action)
        seen.append((numbers(observation), float(reward), bool(terminated)))
        if terminated or truncated:
            break
    return seen


def _equal(found: list[Any], expected: list[Any]) -> bool:
    return len(found) == len(expected) and all(
        np.array_equal(a[0], b[0]) and a[1:] == b[1:] for a, b in zip(found, expected, strict=True)
    )
