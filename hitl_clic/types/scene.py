"""What a task's action and its picture are made of: names of axes, and shapes of one instant. Pure data."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from hitl_clic.types.scene3d import Pose
from hitl_clic.types.schema import Finite, Positive


@dataclass(frozen=True, slots=True)
class ActionFrame:
    """What the action's numbers mean, for devices and overlays.

    Attributes:
        axes: one name per action number ("x", "y", "z", "rx", "ry", "rz", "gripper").
        scale: physical motion per unit of action and step (for example 10 pixels), per axis.
        unit: unit of `scale`, per axis ("px", "m", "rad").
        groups: axes that a person may want to correct by themselves, by a name that reads on after "only": "moving".
    """

    axes: tuple[str, ...]
    scale: tuple[float, ...]
    unit: tuple[str, ...]
    groups: Mapping[str, tuple[str, ...]] = field(default_factory=dict)

    @property
    def moves(self) -> tuple[int, ...]:
        """Indices of the axes along which a hand moves: x and y, or x, y and z of each hand."""
        return tuple(index for index, axis in enumerate(self.axes) if axis[0] in "xyz")


@dataclass(frozen=True, slots=True)
class Shape:
    """One filled polygon or circle of a 2-D scene, in scene units; y points down.

    A circle has one point (its centre) and a radius; a polygon has its corners and radius 0.
    """

    role: str
    """What it is: "goal", "object", "robot", "line", "wall": the window picks the colour."""
    points: tuple[tuple[Finite, Finite], ...]
    radius: Finite = 0.0


@dataclass(frozen=True, slots=True)
class Scene:
    """All a window needs to draw one instant, small enough to send at every tick.

    Attributes:
        size: width and height of the scene in scene units.
        shapes: drawn in order.
        hand: position of the controlled point in scene units; chunk overlays start here.
        step: scene units moved by the hand for one unit of action and one step.
        pose: for a task that has a stage, the same instant in three dimensions; the scene's unit is then the metre.
    """

    size: tuple[Positive, Positive]
    shapes: tuple[Shape, ...]
    hand: tuple[Finite, Finite]
    step: Finite
    pose: Pose | None = None


NOTHING_DRAWN = Scene(size=(1.0, 1.0), shapes=(), hand=(0.0, 0.0), step=0.0)
"""Stands for the scene where nobody draws."""
