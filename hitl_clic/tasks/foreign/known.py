"""What is known about the environments of robosuite and Meta-World without trying. Pure; any thread."""

from __future__ import annotations

from typing import Any

from gymnasium import Env

from hitl_clic.types.environment import EnvironmentSettings

_ARM = ("x", "y", "z", "rx", "ry", "rz", "gripper")


def known_settings(path: str, env: Env[Any, Any]) -> EnvironmentSettings:
    """The settings that are known of SOURCE:NAME; empty for an environment of any other source."""
    source = path.partition(":")[0]
    if source == "metaworld":
        # Observation: hand 3, opening 1, two objects of 7 numbers, all again one step before, goal 3.
        return EnvironmentSettings(
            axes=("x", "y", "z", "gripper"),
            success="info.success",
            max_steps=300,
            rate_hz=80.0,
            hand="0:3",
            goal="36:39",
            teacher="metaworld",
        )
    if source == "robosuite":
        return EnvironmentSettings(success="info.success", max_steps=500, **_axes_of_suite(env))
    return EnvironmentSettings()


def _axes_of_suite(env: Any) -> dict[str, Any]:
    """The axes of the arms, if each has a pose and perhaps a gripper."""
    size, arms = env.action_space.shape[0], max(1, sum("eef_pos" in key for key in env.observation_space.spaces))
    own = size // arms
    if size % arms or own not in (6, 7):
        return {}
    return {"axes": tuple(axis + ("" if arm == 0 else str(arm + 1)) for arm in range(arms) for axis in _ARM[:own])}
