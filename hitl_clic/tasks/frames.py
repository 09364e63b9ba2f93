"""Reference frames for corrections. Pure; any thread."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray


def camera_axes(azimuth: float) -> NDArray[np.float64]:
    """The camera frame in world axes, [3, 3]; columns: right, horizontally towards the viewer, up (left-handed).

    Args:
        azimuth: viewing direction, degrees from world x towards world y (MuJoCo's convention).
    """
    along, across = cos(radians(azimuth)), sin(radians(azimuth))
    return np.array([[across, -along, 0.0], [-along, -across, 0.0], [0.0, 0.0, 1.0]])
