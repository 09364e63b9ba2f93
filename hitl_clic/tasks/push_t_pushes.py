"""What pushing the T does, and what the rest of the work then costs, in the T's body frame.

Pure numpy; any thread. The block of gym-pusht is frictionless and its velocity is damped away at every physics
step, so a push by a distance moves it exactly as one impulse along the contact's inward normal would: the centre
of mass by that distance, and an angle of arm * distance / (inertia / mass). Lengths are pixels, angles radians.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi

import numpy as np
from numpy.typing import NDArray

from hitl_clic.tasks.push_t_paths import MARGIN, Ways

Floats = NDArray[np.float64]

CENTRE = np.array([0.0, 45.0])
"""Centre of mass of the T in its body frame."""
INERTIA_OVER_MASS = 3000.0
_DISTANCES = np.array([8.0, 16.0, 26.0, 40.0, 60.0, 85.0, 120.0])
_CHANGE_FACE = 8.0
"""Extra pixels charged for leaving one face of the T for another."""

# What is left after two pushes is charged by these: pixels per pixel and per radian, and once for any rest.
_REST_PER_PIXEL = 2.0
_REST_PER_RADIAN = 200.0
_REST_AT_ALL = 250.0
_REST_SOFTNESS = 0.3
_GOOD_ENOUGH = 0.12
"""Share of the goal left uncovered at which the work counts as done."""


def _contacts() -> Floats:
    """Contact points and inward normals [K, 4] on all faces."""
    rows: list[tuple[float, float, float, float]] = [(x, 0, 0, 1) for x in range(-55, 56, 10)]
    rows += [(x, 120, 0, -1) for x in (-9, 0, 9)]
    for side in (-1, 1):
        rows += [(side * x, 30, 0, -1) for x in (35, 45, 55)]
        rows += [(side * 60, y, -side, 0) for y in (5, 15, 25)]
        rows += [(side * 15, y, -side, 0) for y in (52, 62, 72, 82, 92, 102, 114)]
    return np.array(rows, dtype=np.float64)


_TABLE = _contacts()
POINTS, NORMALS = _TABLE[:, :2], _TABLE[:, 2:]
HOVERS = POINTS - NORMALS * MARGIN
"""Where the agent's centre waits before each push, [K, 2]."""
WAYS = Ways(HOVERS)
_ARMS = (POINTS[:, 0] - CENTRE[0]) * NORMALS[:, 1] - (POINTS[:, 1] - CENTRE[1]) * NORMALS[:, 0]


@dataclass(frozen=True, slots=True)
class _Pushes:
    """Every contact with every distance, flattened to [P]: what the block does in its own frame."""

    contact: NDArray[np.intp]
    shift: Floats
    cos: Floats
    sin: Floats
    turn: Floats
    agent_way: Floats

    @staticmethod
    def all(distances: Floats) -> _Pushes:
        contact = np.repeat(np.arange(len(POINTS)), len(distances))
        distance = np.tile(distances, len(POINTS))
        normal, arm = NORMALS[contact], _ARMS[contact]
        turn = arm * distance / INERTIA_OVER_MASS
        # Integral of the turning normal: sin(t)/t and (1 - cos t)/t of the distance, along and across.
        along = distance * np.sinc(turn / pi)
        across = distance * np.sin(turn / 2) * np.sinc(turn / 2 / pi)
        normal_across = np.stack([-normal[:, 1], normal[:, 0]], -1)
        shift = along[:, None] * normal + across[:, None] * normal_across
        agent_way = distance * (1 + arm**2 / INERTIA_OVER_MASS)
        return _Pushes(contact, shift, np.cos(turn), np.sin(turn), turn, agent_way)


_PUSHES = _Pushes.all(_DISTANCES)


def _second_push_costs() -> Floats:
    """Way of the agent [P, P] from the end of one push to the end of a second."""
    face = np.concatenate([np.round(NORMALS), np.round(POINTS * np.abs(NORMALS))], axis=1)
    other_face = (face[:, None] != face[None]).any(-1)
    lone = np.sign(POINTS[:, 0]) * (POINTS[:, 1] == 30)  # the two undersides of the bar are not one face
    other_face |= lone[:, None] != lone[None]
    move = WAYS.between_targets() + _CHANGE_FACE * other_face
    c = _PUSHES.contact
    return np.asarray(move[c][:, c] + _PUSHES.agent_way[None])


_SECOND = _second_push_costs()


def _rest(x: Floats, y: Floats, turn: Floats) -> Floats:
    """Cost of what is left: offset of the centre of mass (x, y) and angle to the goal."""
    angle = np.abs((turn + pi) % (2 * pi) - pi)
    offset = np.sqrt(x * x + y * y)
    # Near the goal a pixel uncovers about 1.9 % of it and a radian 118 %.
    left = np.maximum(np.sqrt((0.019 * offset) ** 2 + (1.18 * angle) ** 2) - _GOOD_ENOUGH, 0.0)
    some = left > 0
    gap = (_REST_PER_PIXEL * offset + _REST_PER_RADIAN * angle) * some
    return np.asarray(gap + _REST_AT_ALL * (1 - np.exp(-left / _REST_SOFTNESS)))


def push_costs(error: Floats, turn: float) -> Floats:
    """Pixels the agent will travel from each contact [K] on: the best push there, the best second, and the rest.

    Args:
        error: [2], from the T's centre of mass to the goal's, in the body frame.
        turn: angle from the T to the goal.
    """
    p = _PUSHES
    ux, uy = error[0] - p.shift[:, 0], error[1] - p.shift[:, 1]
    x, y, angle = p.cos * ux + p.sin * uy, -p.sin * ux + p.cos * uy, turn - p.turn
    vx, vy = x[:, None] - p.shift[None, :, 0], y[:, None] - p.shift[None, :, 1]
    after_two = _rest(p.cos * vx + p.sin * vy, -p.sin * vx + p.cos * vy, angle[:, None] - p.turn[None])
    cost = p.agent_way + np.minimum(_rest(x, y, angle), (_SECOND + after_two).min(1))
    return np.asarray(cost.reshape(len(POINTS), -1).min(1))
