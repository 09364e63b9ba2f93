"""From a device's motion to the human's action: axes matched by name, absolute or relative, smooth hand-over.

Pure numpy; called by the loop in the actor's main thread.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

from hitl_clic.control.gate import Driver, GateSettings
from hitl_clic.records import Array, Kind


@dataclass(frozen=True, slots=True)
class Binding:
    """Which device axis moves which action axis.

    Attributes:
        dim: number of action axes.
        device: indices into `DeviceSample.motion`. action: indices into the action, pairwise with `device`.
    """

    dim: int
    device: tuple[int, ...]
    action: tuple[int, ...]


def bind(device_axes: Sequence[str], action_axes: Sequence[str]) -> Binding:
    """Match axes by name. A device may lack axes (the robot keeps those) and may have more (they are ignored).

    Raises:
        ValueError: not one name is shared, or a name occurs twice.
    """
    for whose, names in (("the device", device_axes), ("the task", action_axes)):
        if len(set(names)) != len(names):
            raise ValueError(f"axes of {whose} repeat a name: {', '.join(names)}")
    shared = [name for name in action_axes if name in device_axes]
    if not shared:
        raise ValueError(
            f"the device's axes ({', '.join(device_axes) or 'none'}) share no name with the task's "
            f"({', '.join(action_axes) or 'none'}); choose a profile whose axes are named like the task's"
        )
    return Binding(
        dim=len(action_axes),
        device=tuple(list(device_axes).index(name) for name in shared),
        action=tuple(list(action_axes).index(name) for name in shared),
    )


def human_action(
    robot_action: ArrayLike,
    motion: Sequence[float],
    kind: Kind,
    settings: GateSettings,
    binding: Binding | None = None,
    teaches: Sequence[bool] | None = None,
) -> tuple[Array, Array]:
    """The human's action for the same state, and which axes it really teaches.

    Absolute: the motion itself on the controlled axes, the robot's value elsewhere.
    Relative ([CL]): a^h = a^r + e h, h the unit vector along the motion, e = `relative_step`; no motion, no lesson.

    Args:
        robot_action: a^r, [dim_a]. motion: one number per device axis.
        kind: how the motion is read. settings: for e.
        binding: from `bind`; None when the device's axes are the action's, in order.
        teaches: for each motion whether the correction is about it; None is all. The robot keeps the others.

    Returns:
        a^h float32 [dim_a] in [-1, 1], and the mask float32 [dim_a], 1 on taught axes.

    Raises:
        ValueError: the lengths do not fit.
    """
    robot = np.asarray(robot_action, np.float32)
    if binding is None:
        every = tuple(range(len(motion)))
        binding = Binding(dim=len(motion), device=every, action=every)
    if robot.shape != (binding.dim,) or len(motion) <= max(binding.device, default=-1):
        raise ValueError(
            f"robot action of shape {robot.shape} and {len(motion)} motions do not fit a binding to {binding.dim} axes"
        )
    about = [
        (device, action)
        for device, action in zip(binding.device, binding.action, strict=True)
        if teaches is None or teaches[device]
    ]
    controlled = [action for _, action in about]
    moved = np.asarray([motion[device] for device, _ in about], np.float64)
    human = robot.copy()
    taught = np.zeros(binding.dim, np.float32)
    if kind == "absolute":
        human[controlled] = moved
        taught[controlled] = 1.0
    else:
        length = float(np.linalg.norm(moved))
        if length > 0.0:
            human[controlled] += settings.relative_step * moved / length
            taught[controlled] = 1.0
    return np.clip(human, -1.0, 1.0), taught


def blend(previous: ArrayLike, wanted: ArrayLike, max_step: float) -> Array:
    """`wanted`, changed by at most `max_step` per axis from `previous`; float32 [dim_a] in [-1, 1]."""
    before = np.asarray(previous, np.float32)
    target = np.clip(np.asarray(wanted, np.float32), -1.0, 1.0)
    near = np.clip(target, before - np.float32(max_step), before + np.float32(max_step))
    return np.asarray(np.clip(near, -1.0, 1.0), np.float32)


class HandOver:
    """Limits the change of the executed action from a change of driver until the new driver's action is reached.

    The action learnt from stays the teacher's own; only what is executed is limited. Stopping is never smoothed.
    """

    def __init__(self, max_step: float, dim: int) -> None:
        """`max_step`: greatest change per tick and axis, units of action; 2 is no limit. `dim`: dim_a."""
        self._max_step = max_step
        self._executed: Array = np.zeros(dim, np.float32)
        self._driver: Driver = "nobody"
        self._catching_up = False

    def reset(self) -> None:
        """A new episode: the robot stands still and nobody has driven yet."""
        self._executed = np.zeros_like(self._executed)
        self._driver = "nobody"
        self._catching_up = False

    def step(self, driver: Driver, wanted: ArrayLike) -> Array:
        """The action to execute, float32 [dim_a]; zero when nobody drives."""
        if driver == "nobody":
            action = np.zeros_like(self._executed)
            self._catching_up = False
        else:
            target = np.clip(np.asarray(wanted, np.float32), -1.0, 1.0)
            self._catching_up = self._catching_up or driver != self._driver
            action = blend(self._executed, target, self._max_step) if self._catching_up else target
            self._catching_up = self._catching_up and not np.array_equal(action, target)
        self._driver = driver
        self._executed = action
        return action.copy()
