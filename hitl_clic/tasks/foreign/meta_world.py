"""Meta-World's fifty environments, seeded per episode. Importing this module imports metaworld.

Thread that owns the environment.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Mapping
from typing import Any

import gymnasium
from metaworld.env_dict import ALL_V3_ENVIRONMENTS
from metaworld.policies import ENV_POLICY_MAP

from hitl_clic.types.errors import UserError, unknown

AXES = ("x", "y", "z", "gripper")
GOAL = slice(36, 39)
"""The goal's place in the observation."""
LONGEST = 2**31


class MetaWorldEnv(gymnasium.Wrapper[Any, Any, Any, Any]):
    """One of Meta-World's environments with its goal in the observation and a new start at each reset.

    Meta-World draws its starts from `seed()`, and ignores the seed of `reset`.
    """

    def reset(self, *, seed: int | None = None, options: dict[str, Any] | None = None) -> tuple[Any, dict[str, Any]]:
        """Start an episode; equal seeds give equal starts."""
        inner: Any = self.env.unwrapped
        if seed is not None:
            inner.seed(seed)
        return self.env.reset()


def make(name: str, render_mode: str | None, options: Mapping[str, Any]) -> MetaWorldEnv:
    """A new environment by Meta-World's name, as drawer-open-v3.

    Raises:
        UserError: there is none of this name.
    """
    if name not in ALL_V3_ENVIRONMENTS:
        raise UserError(f"task = metaworld:{name} is not known; {unknown(name, ALL_V3_ENVIRONMENTS)}")
    env: Any = ALL_V3_ENVIRONMENTS[name](render_mode=render_mode, **options)  # type: ignore[arg-type]
    # What Meta-World's benchmarks set: starts vary, and the goal is observed.
    env._freeze_rand_vec = False
    env._partially_observable = False
    vars(env).pop("sawyer_observation_space", None)  # kept from before, and its bounds would clip the goal to 0
    env._set_task_called = True
    env.seeded_rand_vec = True
    env.max_path_length = LONGEST  # the task counts the steps
    return MetaWorldEnv(env)


def names() -> list[str]:
    """The names of all environments."""
    return sorted(ALL_V3_ENVIRONMENTS)


def scripted_policy(name: str) -> Any:
    """Meta-World's own scripted policy, an object with `get_action`.

    Raises:
        UserError: there is none.
    """
    if name not in ENV_POLICY_MAP:
        raise UserError(f"environment.teacher = metaworld is not allowed; Meta-World has no policy for {name}")
    # Its policies ask for more than full speed, and warn of that at every start; the task clips their actions.
    warnings.filterwarnings("ignore", "Constant.s. may be too high", UserWarning)
    make_policy: Callable[[], Any] = ENV_POLICY_MAP[name]
    return make_policy()
