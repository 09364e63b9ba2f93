"""Action axes and 2-D scenes. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hitl_clic.types.scene3d import Pose
from hitl_clic.types.schema import Finite, Positive


@dataclass(frozen=True, slots=True)
class ActionFrame:
    """Meaning of the action's numbers.

    Attributes:
        axes: one name per number ("x", "y", "z", "rx", "ry", "rz", "gripper").
        scale: physical motion per unit of action and step, per axis.
        unit: of `scale`, per axis ("px", "m", "rad").
        groups: sets of axes that a teacher can correct alone, by name; the interface shows "only <name>".
    """

    axes: tuple[str, ...]
    scale: tuple[float, ...]
    unit: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def moves(self) -> tuple[int, ...]:
        """Indices of the translation axes: x and y, or x, y and z of each hand."""
        return tuple(index for index, axis in enumerate(self.axes) if axis[0] in "xyz")


@dataclass(frozen=True, slots=True)
class Shape:
    """A filled polygon or circle of a 2-D scene, in scene units; y points down.

    A circle has one point and a radius; a polygon has at least three points and radius 0.
    """

    role: str
    """"goal", "object", "robot", "line" or "wall"; it determines the colour."""
    points: tuple[tuple[Finite, Finite], ...]
    radius: Finite = 0.0


@dataclass(frozen=True, slots=True)
class Scene:
    """A 2-D picture, small enough to send at every tick.

    Attributes:
        size: width and height, scene units.
        shapes: in drawing order.
        hand: position of the controlled point; chunk overlays start here.
        step: motion of the hand per unit of action and step, scene units.
        pose: the same instant in 3-D, for tasks with a `Scene3D`; the scene unit is then 1 m.
    """

    size: tuple[Positive, Positive]
    shapes: tuple[Shape, ...]
    hand: tuple[Finite, Finite]
    step: Finite
    pose: Pose | None = None


EMPTY_SCENE = Scene(size=(1.0, 1.0), shapes=(), hand=(0.0, 0.0), step=0.0)
"""Placeholder where no scene is drawn."""
