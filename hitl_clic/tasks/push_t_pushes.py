"""What pushing the T does, and what the rest of the work then costs, in the T's body frame.

Pure numpy; any thread. The block of gym-pusht is frictionless and its velocity is damped away at every physics
step, so a push by a distance moves it exactly as one impulse along the contact's inward normal would: the centre
of mass by that distance, and an angle of arm * distance / (inertia / mass). Lengths are pixels, angles radians.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import pi
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitl_clic.tasks.push_t_paths import MARGIN, Ways

Floats = NDArray[np.floating[Any]]

CENTRE = np.array([0.0, 45.0])
"""Centre of mass of the T in its body frame."""
INERTIA_OVER_MASS = 3000.0


@dataclass(frozen=True)
class PushCosts:
    """How pushes are chosen among and what they are charged; the defaults are the teacher's.

    Attributes:
        top, foot, under, end, stem: contact points along each face, px from the T's origin (x along the bar for
            the first three, y along the stem for the others); all but top and foot are mirrored.
        distances: how far a push may move the centre of mass, px.
        change_face: charged for leaving one face of the T for another, px.
        rest_per_pixel, rest_per_radian, rest_at_all, rest_softness: charged for what two pushes leave.
        good_enough: share of the goal left uncovered at which the work counts as done.
    """

    top: tuple[float, ...] = (-55, -45, -35, -25, -15, -5, 5, 15, 25, 35, 45, 55)
    foot: tuple[float, ...] = (-9, 0, 9)
    under: tuple[float, ...] = (35, 45, 55)
    end: tuple[float, ...] = (5, 15, 25)
    stem: tuple[float, ...] = (52, 62, 72, 82, 92, 102, 114)
    distances: tuple[float, ...] = (8, 16, 26, 42, 72, 120)
    change_face: float = 8.0
    rest_per_pixel: float = 2.0
    rest_per_radian: float = 200.0
    rest_at_all: float = 250.0
    rest_softness: float = 0.2
    good_enough: float = 0.12

    def contacts(self) -> NDArray[np.float64]:
        """Contact points, inward normals and number of the face, [K, 5]."""
        rows: list[tuple[float, ...]] = [(x, 0, 0, 1, 0) for x in self.top]
        rows += [(x, 120, 0, -1, 1) for x in self.foot]
        for side in (-1, 1):
            rows += [(side * x, 30, 0, -1, 3 + side) for x in self.under]
            rows += [(side * 60, y, -side, 0, 6 + side) for y in self.end]
            rows += [(side * 15, y, -side, 0, 9 + side) for y in self.stem]
        return np.array(rows, dtype=np.float64)


class PushTable:
    """Every contact with every distance, worked out once.

    Attributes:
        points, normals: contact points and inward normals, [K, 2].
        hovers: where the agent's centre waits before each push, [K, 2].
        ways: shortest ways to the hovers.
    """

    def __init__(self, costs: PushCosts) -> None:
        self._costs = costs
        table = costs.contacts()
        self.points, self.normals, face = table[:, :2], table[:, 2:4], table[:, 4]
        self.hovers = self.points - self.normals * MARGIN
        self.ways = Ways(self.hovers)
        c = np.repeat(np.arange(len(table)), len(costs.distances))
        distance = np.tile(np.array(costs.distances), len(table))
        normal, lever = self.normals[c], self.points[c] - CENTRE
        arm = lever[:, 0] * normal[:, 1] - lever[:, 1] * normal[:, 0]
        turn = arm * distance / INERTIA_OVER_MASS
        # The normal turns with the block: integrals of cos and sin over the turn, times the distance.
        along = (distance * np.sinc(turn / pi))[:, None]
        across = (distance * np.sin(turn / 2) * np.sinc(turn / 2 / pi))[:, None]
        shift = along * normal + across * np.stack([-normal[:, 1], normal[:, 0]], -1)
        agent_way = distance * (1 + arm**2 / INERTIA_OVER_MASS)
        change = self.ways.between_targets() + costs.change_face * (face[:, None] != face[None])
        self._x, self._y, self._turn, self._agent_way = (
            v.astype(np.float32) for v in (shift[:, 0], shift[:, 1], turn, agent_way)
        )
        self._cos, self._sin = np.cos(self._turn), np.sin(self._turn)
        self._second = (change[c][:, c] + agent_way[None]).astype(np.float32)

    def costs(self, error: Floats, turn: float) -> Floats:
        """Pixels the agent will travel from each contact [K] on: the best push there, the best second, the rest.

        Args:
            error: [2], from the T's centre of mass to the goal's, in the body frame.
            turn: angle from the T to the goal, in [-pi, pi].
        """
        ux, uy = np.float32(error[0]) - self._x, np.float32(error[1]) - self._y
        x, y, angle = self._cos * ux + self._sin * uy, self._cos * uy - self._sin * ux, np.float32(turn) - self._turn
        vx, vy = x[:, None] - self._x, y[:, None] - self._y
        after_two = self._rest(
            self._cos * vx + self._sin * vy, self._cos * vy - self._sin * vx, angle[:, None] - self._turn
        )
        cost = self._agent_way + np.minimum(self._rest(x, y, angle), (self._second + after_two).min(1))
        return np.asarray(cost.reshape(len(self.points), -1).min(1))

    def _rest(self, x: Floats, y: Floats, turn: Floats) -> Floats:
        """Cost of what is left: offset of the centre of mass (x, y) and angle to the goal."""
        c = self._costs
        angle = np.abs(turn)
        angle = np.abs(angle - np.where(angle > pi, np.float32(2 * pi), np.float32(0)))  # |turn| stays below 3 pi
        squared = x * x + y * y
        # Near the goal a pixel uncovers about 1.9 % of it and a radian 118 %.
        left = np.maximum(np.sqrt(0.019**2 * squared + (1.18 * angle) ** 2) - c.good_enough, 0)
        gap = (c.rest_per_pixel * np.sqrt(squared) + c.rest_per_radian * angle) * (left > 0)
        return np.asarray(gap + c.rest_at_all * (left / (left + c.rest_softness)))
