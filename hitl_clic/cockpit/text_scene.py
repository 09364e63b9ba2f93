"""The flat scene as a coarse picture of characters, for a terminal. Pure; the dashboard's thread calls it."""

from __future__ import annotations

import numpy as np

from hitl_clic.types.json_form import Array
from hitl_clic.types.scene import Scene, Shape

ROWS = 24
_ASPECT = 2.0
"""Height of a character over its width."""
_CHARACTERS = {"goal": "░", "object": "█", "robot": "O", "line": "·", "wall": "▒"}
HAND = "+"


def text_scene(scene: Scene, rows: int = ROWS) -> tuple[str, ...]:
    """Rows of characters of equal length, from the top; "+" is the controlled point.

    `rows`: their number; the width follows from the scene's shape.
    """
    width, height = scene.size
    columns = max(1, round(rows * _ASPECT * width / height))
    x, y = np.meshgrid((np.arange(columns) + 0.5) * width / columns, (np.arange(rows) + 0.5) * height / rows)
    picture = np.full((rows, columns), " ")
    for shape in scene.shapes:
        inside = _inside(shape, x, y)
        if not inside.any():  # smaller than a character
            inside = _nearest(np.mean(shape.points, axis=0), x, y)
        picture[inside] = _CHARACTERS.get(shape.role, "#")
    picture[_nearest(np.array(scene.hand), x, y)] = HAND
    return tuple("".join(row) for row in picture)


def _inside(shape: Shape, x: Array, y: Array) -> Array:
    """Whether each point lies in the shape, bool of the shape of x."""
    if shape.radius:
        (centre,) = shape.points
        return np.asarray((x - centre[0]) ** 2 + (y - centre[1]) ** 2 <= shape.radius**2)
    inside = np.zeros(x.shape, bool)
    for (x1, y1), (x2, y2) in zip(shape.points, (*shape.points[1:], shape.points[0]), strict=True):
        if y1 != y2:  # count the sides to the right of the point
            inside ^= ((y1 > y) != (y2 > y)) & (x < (x2 - x1) * (y - y1) / (y2 - y1) + x1)
    return inside


def _nearest(point: Array, x: Array, y: Array) -> Array:
    """The character that contains a point, bool of the shape of x; the closest one for a point outside."""
    distance = (x - point[0]) ** 2 + (y - point[1]) ** 2
    nearest = np.zeros(x.shape, bool)
    nearest[np.unravel_index(int(distance.argmin()), x.shape)] = True
    return nearest
