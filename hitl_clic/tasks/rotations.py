"""Rotation matrices, rotation vectors and quaternions. Pure numpy; any thread."""

from __future__ import annotations

from math import atan2, cos, pi, sin

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def rotation_vector(rotation: Floats) -> Floats:
    """Axis times angle, [3], of a rotation [3, 3]."""
    r = rotation
    axis = 0.5 * np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    sine, cosine = float(np.linalg.norm(axis)), 0.5 * (float(np.trace(r)) - 1.0)
    if sine < 1e-6:
        return np.array([0.0, 0.0, 0.0 if cosine > 0.0 else pi])  # the only half turns here are about z
    return np.asarray(axis * (atan2(sine, cosine) / sine))


def quaternion(rotation: Floats) -> Floats:
    """A rotation [3, 3] as a quaternion (x, y, z, w) with w >= 0."""
    vector = rotation_vector(rotation)
    angle = float(np.linalg.norm(vector))
    if angle < 1e-9:
        return np.array([0.0, 0.0, 0.0, 1.0])
    return np.array([*(vector * (sin(angle / 2) / angle)), cos(angle / 2)])
