"""Draws an environment that only draws itself: a second one follows the session's and gives its own pictures.

The render thread of the window's process calls it, so the loop never waits for a picture. The second environment is
made here, and returns to each instant by the snapshot in the pose.
"""

from __future__ import annotations

import json

import numpy as np
from numpy.typing import NDArray

from hitl_clic.tasks.foreign.finding import make_mirror
from hitl_clic.tasks.foreign.task import ForeignTask
from hitl_clic.types.environment import EnvironmentSettings
from hitl_clic.types.scene3d import Camera, Pose, Scene3D

Image = NDArray[np.uint8]
_BEHIND = 232
"""Grey value beside a picture that is narrower or wider than its place."""


class MirrorRenderer:
    """The second environment. Same calls as `Renderer`.

    Args:
        scene3d: `mirror` says which environment.

    Raises:
        UserError: it cannot be made, or gives no pictures.
    """

    def __init__(self, scene3d: Scene3D) -> None:
        told = json.loads(scene3d.mirror)
        environment = EnvironmentSettings.model_validate(told["environment"])
        self._task: ForeignTask = make_mirror(told["name"], environment, told["options"])

    def draw(self, pose: Pose, cameras: tuple[Camera, ...], size: tuple[int, int]) -> tuple[Image, ...]:
        """The environment's own picture, uint8 [rows, columns, 3], as wide for its height as `size`, (width, height).

        Raises:
            ValueError: the pose is of another environment, or the picture is none.
        """
        del cameras
        self._task.follow(pose.snapshot)
        picture = np.asarray(self._task.env.render())
        if picture.ndim != 3 or picture.shape[2] != 3:
            raise ValueError(
                f"the environment drew an array of shape {picture.shape}, not a picture [rows, columns, 3]"
            )
        return (_padded(picture.astype(np.uint8), size[0] / size[1]),)

    def close(self) -> None:
        """Free the environment."""
        self._task.close()


def _padded(picture: Image, aspect: float) -> Image:
    """The picture in the middle of one of this width / height."""
    rows, columns = picture.shape[:2]
    height = max(rows, round(columns / aspect))
    around = np.full((height, round(height * aspect), 3), _BEHIND, np.uint8)
    top, left = (height - rows) // 2, (around.shape[1] - columns) // 2
    around[top : top + rows, left : left + columns] = picture[:, : around.shape[1]]
    return around
