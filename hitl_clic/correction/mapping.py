"""From a device's motion to the human's action: axes matched by name, absolute or relative, bounded hand-over.

Pure numpy; called by the loop in the actor's main thread.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hitl_clic.devices.core.axes import arm, base
from hitl_clic.types.commands import Driver
from hitl_clic.types.records import Array, CorrectionMode

MOVES, TURNS = ("x", "y", "z"), ("rx", "ry", "rz")


class Triple(NamedTuple):
    """Three action axes that form one motion in space.

    Attributes:
        arm: number of the arm. axes: indices into the action.
    """

    arm: int
    axes: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Binding:
    """Which device axis moves which action axis, and how.

    Attributes:
        dim: number of action axes.
        device: indices into `DeviceSample.motion`. action: indices into the action, pairwise with `device`.
        absolute: action axes that are absolute in every correction mode.
        triples: the motions in space among the action axes.
        groups: name of a group of axes -> for each action axis, whether it is in the group.
        mirrored: action axes that are rotations, if the device's are left-handed. Its command is negated there.
    """

    dim: int
    device: tuple[int, ...]
    action: tuple[int, ...]
    absolute: tuple[int, ...] = ()
    triples: tuple[Triple, ...] = ()
    groups: Mapping[str, tuple[bool, ...]] = field(default_factory=dict)
    mirrored: tuple[int, ...] = ()


class Label(NamedTuple):
    """The human's action for one tick.

    Attributes:
        action: a^h, float32 [dim_a] in [-1, 1]. taught: float32 [dim_a], 1 on the axes that it teaches.
        correction_mode: how it is learnt. push: e h of a relative action, float32 [dim_a], else None.
    """

    action: Array
    taught: Array
    correction_mode: CorrectionMode
    push: Array | None = None


def bind(
    device_axes: Sequence[str],
    action_axes: Sequence[str],
    absolute_axes: Collection[str] = (),
    groups: Mapping[str, Collection[str]] | None = None,
    left_handed: bool = False,
) -> Binding:
    """Match axes by name. The robot keeps the axes that a device lacks; further axes of the device are ignored.

    Args:
        device_axes, action_axes: names, in order.
        absolute_axes: axes that are absolute in every mode, by their names on the first arm.
        groups: the action axes in each group, by name.
        left_handed: the device's rotations are left-handed, as a profile's are: x right, y towards the person, z up.

    Raises:
        ValueError: no name is shared, or a name occurs twice.
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
        absolute=tuple(index for index, name in enumerate(action_axes) if base(name) in absolute_axes),
        triples=_triples(action_axes),
        groups={name: tuple(axis in group for axis in action_axes) for name, group in (groups or {}).items()},
        mirrored=tuple(index for index, name in enumerate(action_axes) if left_handed and base(name) in TURNS),
    )


def _triples(action_axes: Sequence[str]) -> tuple[Triple, ...]:
    """The motions in space of which all three axes exist."""
    found = []
    for number in sorted({arm(name) for name in action_axes}):
        own = {base(name): index for index, name in enumerate(action_axes) if arm(name) == number}
        for names in (MOVES, TURNS):
            if all(name in own for name in names):
                found.append(Triple(number, tuple(own[name] for name in names)))
    return tuple(found)


def human_action(
    robot_action: ArrayLike,
    motion: Sequence[float],
    mode: CorrectionMode,
    relative_step: float,
    binding: Binding | None = None,
    teaches: Sequence[bool] | None = None,
    axes: NDArray[np.float64] | None = None,
    group: Sequence[bool] | None = None,
) -> Label:
    """The human's action for the same state, and which axes it teaches.

    Absolute: the motion itself on the controlled axes, the robot's value elsewhere.
    Relative ([CL]): a^h = a^r + e h, with h the motion and e = `relative_step`; without motion no axis is taught. So a
    teacher may drive far or gently, and what is learnt is the direction (`policy.relative_length`). Of the motions in
    space (translation, rotation of a hand) only those with motion are controlled then.

    A label has one mode, as its pair and desired space have. While relative axes move, absolute axes are executed but
    not taught. Otherwise the label covers the absolute axes alone.

    Args:
        robot_action: a^r, [dim_a]. motion: one number per device axis.
        mode: how the motion is read, except for the binding's absolute axes. relative_step: e, units of action.
        binding: from `bind`; None when the device's axes are the action's, in order.
        teaches: for each motion whether the correction covers it; None is all. The robot keeps the others.
        axes: axes of the command frame in the world frame, [arms, 3, 3]; None where they are the world's own.
        group: for each action axis whether a correction may change it; None is all.

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
    wanted = np.zeros(binding.dim)
    about = np.zeros(binding.dim, bool)
    for device, action in zip(binding.device, binding.action, strict=True):
        if teaches is None or teaches[device]:
            wanted[action], about[action] = max(-1.0, min(1.0, motion[device])), True
    # in every frame a rotation is right-handed about the direction in which a push along that axis would move
    wanted[list(binding.mirrored)] *= -1.0
    if axes is not None:
        _to_world(wanted, about, binding.triples, axes)
    if group is not None:
        about &= np.asarray(group, bool)
        wanted[~about] = 0.0
    human, taught = robot.copy(), np.zeros(binding.dim, np.float32)
    if mode == "absolute":
        human[about], taught[about] = wanted[about], 1.0
        return Label(np.clip(human, -1.0, 1.0), taught, mode)

    relative = about.copy()
    relative[list(binding.absolute)] = False
    fixed = about & ~relative
    for triple in binding.triples:
        indices = list(triple.axes)
        relative[indices] &= bool(wanted[indices].any())
    human[fixed] = wanted[fixed]
    if not wanted[relative].any():
        if fixed.any():
            taught[fixed], mode = 1.0, "absolute"
        return Label(np.clip(human, -1.0, 1.0), taught, mode)
    taught[relative] = 1.0
    push = np.where(relative, relative_step * wanted, 0.0).astype(np.float32)
    return Label(np.clip(human + push, -1.0, 1.0), taught, mode, push)


def _to_world(
    wanted: NDArray[np.float64],
    about: NDArray[np.bool_],
    triples: Sequence[Triple],
    axes: NDArray[np.float64],
) -> None:
    """Turn motion from another frame into the world's, in place.

    A rotation is right-handed about each of the frame's directions, also where these form a left-handed frame, as a
    picture's do. Motion that would leave [-1, 1] is scaled down and keeps its direction.
    """
    for triple in triples:
        indices, frame = list(triple.axes), axes[triple.arm]
        world = frame @ wanted[indices]
        wanted[indices] = world / max(1.0, float(np.abs(world).max()))
        about[indices] = np.abs(frame) @ about[indices] > 1e-6


def blend(previous: ArrayLike, wanted: ArrayLike, max_step: float) -> Array:
    """`wanted`, changed by at most `max_step` per axis from `previous`; float32 [dim_a] in [-1, 1]."""
    before = np.asarray(previous, np.float32)
    target = np.clip(np.asarray(wanted, np.float32), -1.0, 1.0)
    near = np.clip(target, before - np.float32(max_step), before + np.float32(max_step))
    return np.asarray(np.clip(near, -1.0, 1.0), np.float32)


NO_LIMIT = 2.0
"""Greatest possible change of an action in [-1, 1]."""
PERSON_MAX_STEP = 0.5
"""Default `CorrectionSettings.max_step` of a person's device."""


class HandOver:
    """Limits the change of the executed action after a change of driver until the new driver's action is reached.

    The label stays the teacher's own action; only the executed action is limited. A stop is never limited, but the
    start after it is. At a switch, and until the new driver's action is reached, the executed action changes by at most
    `max_step` on each axis and always towards the wanted action. After that it is the wanted action.
    """

    def __init__(self, max_step: float | None, dim: int) -> None:
        """`max_step`: greatest change per tick and axis, units of action; None or 2 is no limit. `dim`: dim_a."""
        self._max_step = NO_LIMIT if max_step is None else max_step
        self._executed: Array = np.zeros(dim, np.float32)
        self._driver: Driver = "nobody"
        self._catching_up = False

    def reset(self) -> None:
        """Begin an episode: the robot stands still."""
        self._executed = np.zeros_like(self._executed)
        self._driver = "nobody"
        self._catching_up = False

    def step(self, driver: Driver, wanted: ArrayLike, changed: bool = False) -> Array:
        """The action to execute, float32 [dim_a]; zero when nobody drives.

        `changed`: treat this tick as a change of driver: the teacher now drives other axes or in another frame.
        """
        if driver == "nobody":
            action = np.zeros_like(self._executed)
            self._catching_up = False
        else:
            target = np.clip(np.asarray(wanted, np.float32), -1.0, 1.0)
            self._catching_up = self._catching_up or driver != self._driver or changed
            action = blend(self._executed, target, self._max_step) if self._catching_up else target
            self._catching_up = self._catching_up and not np.array_equal(action, target)
        self._driver = driver
        self._executed = action
        return action.copy()
