"""A task seen in three dimensions: what stands there, from where it is looked at, and where everything is now.

Pure data and geometry, any thread; knows neither a simulator nor a renderer. Metres in the world, z up; in a picture x
to the right and y down, both from 0 to 1.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import ArrayLike, NDArray

from hitl_clic.types.errors import among
from hitl_clic.types.schema import Finite

Floats = NDArray[np.float64]
Vector = tuple[Finite, Finite, Finite]

_NEAREST = 0.01
"""What is nearer to a camera's plane than this, or behind it, has no place in its picture, m."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A point of view that stays where it is, upright.

    Attributes:
        name: for the settings and for people, one word.
        target: the point in the middle of its picture. distance: from it, m.
        azimuth: the direction it looks in, degrees: 0 along x, 90 along y. elevation: degrees, below 0 it looks down.
        fovy: angle between the upper and the lower edge of its picture, degrees.
    """

    name: str
    target: Vector
    distance: float
    azimuth: float
    elevation: float
    fovy: float = 40.0

    def axes(self) -> Floats:
        """Its axes in the world, the rows of a rotation [3, 3]: to the right, up, ahead."""
        turn, rise = math.radians(self.azimuth), math.radians(self.elevation)
        across = (math.sin(turn), -math.cos(turn), 0.0)
        up = (-math.sin(rise) * math.cos(turn), -math.sin(rise) * math.sin(turn), math.cos(rise))
        ahead = (math.cos(rise) * math.cos(turn), math.cos(rise) * math.sin(turn), math.sin(rise))
        return np.array([across, up, ahead])

    def seen(self, points: ArrayLike) -> Floats:
        """World points [..., 3] in its own axes, [..., 3]: to the right, up and ahead of where it stands, m."""
        axes = self.axes()
        place = np.asarray(self.target) - self.distance * axes[2]
        return np.asarray((np.asarray(points, np.float64) - place) @ axes.T)

    def project(self, points: ArrayLike, aspect: float) -> Floats:
        """Where world points [..., 3] are in a picture of this width / height, [..., 2]; NaN if not ahead of it."""
        right, up, ahead = np.moveaxis(self.seen(points), -1, 0)
        half = np.where(ahead > _NEAREST, ahead, np.nan) * self.slope()
        return np.stack([0.5 + 0.5 * right / (half * aspect), 0.5 - 0.5 * up / half], -1)

    def slope(self) -> float:
        """Half the height of what it sees at a distance of 1 m, m."""
        return math.tan(math.radians(self.fovy) / 2)


@dataclass(frozen=True, slots=True)
class Pose:
    """Where everything is at one instant, small enough to send at every tick.

    Attributes:
        joints: what a renderer puts into the stage's model: float32, little-endian.
        hands: the point between the fingers of each hand: plans begin there.
    """

    joints: bytes
    hands: tuple[Vector, ...]


@dataclass(frozen=True, slots=True)
class Scene3D:
    """What stays the same while a task is drawn.

    Attributes:
        model: file of the simulator's compiled model. groups: the groups of its geoms that are for people to see.
        cameras: to choose from. shown: names of those that show the task best, at most two.
        floor: height of the table's top, m, where things lie.
    """

    model: str
    groups: tuple[int, ...]
    cameras: tuple[Camera, ...]
    shown: tuple[str, ...]
    floor: float

    def showing(self, names: tuple[str, ...]) -> Scene3D:
        """The same with these cameras shown; with no names its own choice.

        Raises:
            ValueError: no camera has this name.
        """
        known = [camera.name for camera in self.cameras]
        for name in names:
            if name not in known:
                raise ValueError(f"{name} is no camera of this task; allowed: {among(known)}")
        return replace(self, shown=names) if names else self

    def views(self) -> tuple[tuple[Camera, ...], ...]:
        """Ways to look at it, each of one or two cameras: those shown, then each alone."""
        by_name = {camera.name: camera for camera in self.cameras}
        chosen = tuple(by_name[name] for name in self.shown)
        return (chosen, *((camera,) for camera in self.cameras if (camera,) != chosen))


def named(cameras: Sequence[Camera], name: str) -> Camera:
    """The camera of this name, which there is."""
    return next(camera for camera in cameras if camera.name == name)


def vector(numbers: Floats) -> Vector:
    """Three numbers as a point."""
    x, y, z = numbers.tolist()
    return x, y, z


def proportions(views: int) -> float:
    """Width / height of each of so many pictures beside each other."""
    return 4 / 3 if views == 1 else 2 / 3
