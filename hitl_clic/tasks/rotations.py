"""Rotations of hands and things: turns between them and quaternions. Pure numpy; any thread."""

from __future__ import annotations

from math import atan2, cos, pi, sin

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]


def turn_to(now: Floats, goal: Floats) -> Floats:
    """The rotation vector [3] about world axes that takes one rotation [3, 3] into another; angles up to pi."""
    return rotation_vector(goal @ now.T)


def rotation_vector(rotation: Floats) -> Floats:
    """A rotation [3, 3] as axis times angle, [3]."""
    r = rotation
    axis = 0.5 * np.array([r[2, 1] - r[1, 2], r[0, 2] - r[2, 0], r[1, 0] - r[0, 1]])
    sine, cosine = float(np.linalg.norm(axis)), 0.5 * (float(np.trace(r)) - 1.0)
    if sine < 1e-6:
        return np.array([0.0, 0.0, 0.0 if cosine > 0.0 else pi])  # of half turns only those about z are met here
    return np.asarray(axis * (atan2(sine, cosine) / sine))


def quaternion(rotation: Floats) -> Floats:
    """A rotation [3, 3] as a quaternion (x, y, z, w) with w from 0 up."""
    vector = rotation_vector(rotation)
    angle = float(np.linalg.norm(vector))
    if angle < 1e-9:
        return np.array([0.0, 0.0, 0.0, 1.0])
    return np.array([*(vector * (sin(angle / 2) / angle)), cos(angle / 2)])
