"""3-D scenes: the model, the cameras and the pose of one instant.

Pure data and geometry; any thread; independent of simulator and renderer. World: m, z up. Picture: x right, y down,
both from 0 to 1.
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
"""Near plane, m: closer points have no place in the picture."""


@dataclass(frozen=True, slots=True)
class Camera:
    """A fixed, upright camera.

    Attributes:
        name: one word.
        target: world point at the centre of its picture.
        distance: from the target, m.
        azimuth: viewing direction, degrees: 0 along x, 90 along y.
        elevation: degrees; negative: looks down.
        fovy: vertical field of view, degrees.
    """

    name: str
    target: Vector
    distance: float
    azimuth: float
    elevation: float
    fovy: float = 40.0

    def axes(self) -> Floats:
        """Rotation [3, 3] from the world: rows are right, up and ahead."""
        turn, rise = math.radians(self.azimuth), math.radians(self.elevation)
        across = (math.sin(turn), -math.cos(turn), 0.0)
        up = (-math.sin(rise) * math.cos(turn), -math.sin(rise) * math.sin(turn), math.cos(rise))
        ahead = (math.cos(rise) * math.cos(turn), math.cos(rise) * math.sin(turn), math.sin(rise))
        return np.array([across, up, ahead])

    def seen(self, points: ArrayLike) -> Floats:
        """World points [..., 3] in the camera frame: right, up, ahead, m."""
        axes = self.axes()
        place = np.asarray(self.target) - self.distance * axes[2]
        return np.asarray((np.asarray(points, np.float64) - place) @ axes.T)

    def project(self, points: ArrayLike, aspect: float) -> Floats:
        """World points [..., 3] in a picture of this width / height, [..., 2]; NaN behind the near plane."""
        right, up, ahead = np.moveaxis(self.seen(points), -1, 0)
        half = np.where(ahead > _NEAREST, ahead, np.nan) * self.slope()
        return np.stack([0.5 + 0.5 * right / (half * aspect), 0.5 - 0.5 * up / half], -1)

    def slope(self) -> float:
        """Half the picture's height at 1 m distance, m."""
        return math.tan(math.radians(self.fovy) / 2)


@dataclass(frozen=True, slots=True)
class Pose:
    """All poses at one instant, small enough to send at every tick.

    Attributes:
        joints: pose for the renderer's model: little-endian float32.
        hands: point between the fingers of each hand; chunk overlays start here.
        goals: points to mark, for example where to bring something.
        snapshot: of the task, for a scene with a `mirror`.
    """

    joints: bytes
    hands: tuple[Vector, ...]
    goals: tuple[Vector, ...] = ()
    snapshot: bytes = b""


@dataclass(frozen=True, slots=True)
class Scene3D:
    """The constant part of a 3-D scene.

    Attributes:
        model: file of the compiled simulator model; empty with a mirror.
        groups: visual geom groups.
        cameras: all cameras.
        shown: names of the default cameras, at most two.
        floor: height of the table top, m.
        mirror: how to make a second environment that draws itself, as JSON; empty: the model is drawn.
    """

    model: str
    groups: tuple[int, ...]
    cameras: tuple[Camera, ...]
    shown: tuple[str, ...]
    floor: float
    mirror: str = ""

    def showing(self, names: tuple[str, ...]) -> Scene3D:
        """A copy with these cameras as default; without names, itself.

        Raises:
            ValueError: unknown camera.
        """
        known = [camera.name for camera in self.cameras]
        for name in names:
            if name not in known:
                raise ValueError(f"{name} is no camera of this task; allowed: {among(known)}")
        return replace(self, shown=names) if names else self

    def views(self) -> tuple[tuple[Camera, ...], ...]:
        """The selectable views, each of one or two cameras: the default, then each camera alone."""
        by_name = {camera.name: camera for camera in self.cameras}
        chosen = tuple(by_name[name] for name in self.shown)
        return (chosen, *((camera,) for camera in self.cameras if (camera,) != chosen))


def named(cameras: Sequence[Camera], name: str) -> Camera:
    """The camera with this name."""
    return next(camera for camera in cameras if camera.name == name)


def vector(numbers: Floats) -> Vector:
    """Three numbers as a tuple."""
    x, y, z = numbers.tolist()
    return x, y, z


def proportions(views: int) -> float:
    """Width / height of each picture if `views` pictures are side by side."""
    return 4 / 3 if views == 1 else 2 / 3
