"""Observations and actions of any environment as the float32 numbers of a task. Pure; any thread."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from gymnasium import spaces
from numpy.typing import NDArray

from hitl_clic.tasks.task import Array
from hitl_clic.types.errors import UserError, unknown

Floats = NDArray[np.float64]
LARGEST_IMAGE = 512
"""A Box with at least two dimensions and more numbers than this counts as an image."""
LARGEST_OBSERVATION = 2048
"""Most numbers of an observation."""


def observation_keys(name: str, space: spaces.Space[Any], chosen: Sequence[str] | None) -> tuple[str, ...]:
    """The keys to observe, in their order; empty for a Box.

    Args:
        name: of the task, for messages. chosen: by the user; None: every key that is no image.

    Raises:
        UserError: the space is neither Box nor Dict of Boxes, holds only images, or has no such key.
    """
    if isinstance(space, spaces.Dict):
        usable = [key for key, part in space.spaces.items() if _is_vector(part)]
        if chosen is not None:
            for key in chosen:
                if key not in usable:
                    raise UserError(f"environment.observation = {key} is not allowed; {unknown(key, usable)}")
            return tuple(chosen)
        # The goal that was reached is the achieved one at each step: it is in the observation already.
        usable = [key for key in usable if key != "achieved_goal" or "observation" not in usable]
        if not usable:
            raise UserError(f"task = {name} observes {_named(space)} only; allowed: at least one Box of numbers")
        return tuple(sorted(usable, key=lambda key: key != "observation"))
    if chosen:
        raise UserError(f"environment.observation = {' '.join(chosen)} is not allowed; {name} observes no Dict")
    if not _is_vector(space):
        raise UserError(
            f"task = {name} observes {_named(space)}; allowed: a Box of at most {LARGEST_OBSERVATION} numbers or a "
            "Dict of them. Images are not learnt from: wrap it, so that it observes positions"
        )
    return ()


def observation_size(space: spaces.Space[Any], keys: Sequence[str]) -> int:
    """Count of the observed numbers."""
    parts = [space[key] for key in keys] if isinstance(space, spaces.Dict) else [space]
    return sum(int(np.prod(part.shape or ())) for part in parts)


def flatten(name: str, observation: Any, keys: Sequence[str]) -> Floats:
    """The observed numbers as one array.

    Raises:
        UserError: a key is missing, or a number is not finite.
    """
    try:
        parts = [np.asarray(observation[key], np.float64).ravel() for key in keys] if keys else [observation]
        numbers = np.concatenate([np.asarray(part, np.float64).ravel() for part in parts])
    except (KeyError, IndexError, TypeError, ValueError) as error:
        raise UserError(f"task = {name}: its observation does not fit its observation_space: {error!r}") from error
    if not np.isfinite(numbers).all():
        place = int(np.flatnonzero(~np.isfinite(numbers))[0])
        raise UserError(
            f"task = {name} observed {numbers[place]} at number {place} of {numbers.size}; allowed: finite numbers. "
            "The session ended there and is kept"
        )
    return numbers


class ActionMap:
    """Maps a task's action in [-1, 1] onto an environment's Box.

    Args:
        space: of the environment. low, high: what -1 and +1 mean, one number for each action number.
    """

    def __init__(self, space: spaces.Box, low: Sequence[float], high: Sequence[float]) -> None:
        self._space = space
        self._middle = (np.asarray(high) + np.asarray(low)) / 2
        self._half = (np.asarray(high) - np.asarray(low)) / 2

    def outward(self, action: Array) -> NDArray[Any]:
        """The environment's action, in its shape and type."""
        numbers = self._middle + self._half * action.astype(np.float64)
        bounded = np.clip(numbers.reshape(self._space.shape), self._space.low, self._space.high)
        return np.asarray(bounded, self._space.dtype)

    def inward(self, action: Any) -> Array:
        """A teacher's action of the environment as the task's, clipped to [-1, 1].

        Raises:
            UserError: its size is wrong, or a number is not finite.
        """
        numbers = np.asarray(action, np.float64).ravel()
        if numbers.shape != self._middle.shape or not np.isfinite(numbers).all():
            raise UserError(f"the teacher gave {action!r}; expected {self._middle.size} finite numbers")
        return np.clip((numbers - self._middle) / self._half, -1.0, 1.0).astype(np.float32)


def action_bounds(name: str, space: spaces.Space[Any]) -> tuple[spaces.Box, Floats, Floats]:
    """The Box of the actions, and its bounds; unbounded numbers are bounded by -1 and 1.

    Raises:
        UserError: the actions are not a Box of floating-point numbers.
    """
    if not isinstance(space, spaces.Box) or not np.issubdtype(space.dtype, np.floating):
        raise UserError(
            f"task = {name} has the actions {_named(space)}; allowed: a Box of floating-point numbers. A correction "
            "moves a robot by degrees: choose a variant with continuous actions"
        )
    low, high = space.low.astype(np.float64).ravel(), space.high.astype(np.float64).ravel()
    return space, np.where(np.abs(low) < 1e6, low, -1.0), np.where(np.abs(high) < 1e6, high, 1.0)


def _is_vector(space: spaces.Space[Any]) -> bool:
    if not isinstance(space, spaces.Box) or not (
        np.issubdtype(space.dtype, np.floating) or np.issubdtype(space.dtype, np.integer)
    ):
        return False
    size = int(np.prod(space.shape))
    is_image = len(space.shape) > 1 and (size > LARGEST_IMAGE or space.dtype == np.uint8)
    return 0 < size <= LARGEST_OBSERVATION and not is_image


def _named(space: spaces.Space[Any]) -> str:
    """A space in few words."""
    if isinstance(space, spaces.Dict):
        parts: Mapping[str, spaces.Space[Any]] = space.spaces
        return f"a Dict of {', '.join(f'{key}: {_named(part)}' for key, part in parts.items())}"
    shape = "x".join(map(str, space.shape or ()))
    return f"{type(space).__name__}{f' of {shape} {space.dtype}' if shape else ''}"
