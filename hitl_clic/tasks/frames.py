"""The axes that a teacher's motion can go along besides the world's. Pure; any thread."""

from __future__ import annotations

from math import cos, radians, sin

import numpy as np
from numpy.typing import NDArray


def picture_axes(azimuth: float) -> NDArray[np.float64]:
    """The axes of a picture in the world, columns of a [3, 3]: to the right, level towards the viewer, up.

    They are a left-handed set, as those of any picture whose y points down.

    Args:
        azimuth: where the camera looks, degrees from the world's x towards its y, as MuJoCo has it.
    """
    along, across = cos(radians(azimuth)), sin(radians(azimuth))
    return np.array([[across, -along, 0.0], [-along, -across, 0.0], [0.0, 0.0, 1.0]])
