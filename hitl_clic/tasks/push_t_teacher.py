"""The scripted teacher of Push-T: look two pushes ahead, go round the T to the best contact, push.

Pure; any thread. Memoryless: the action depends on the observation alone, so a learner can imitate it from pairs
and it can answer any state a person brings about.
"""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np
from numpy.typing import NDArray

from hitl_clic.tasks.push_t_paths import CLEARANCE, nearest_free
from hitl_clic.tasks.push_t_pushes import CENTRE, PushCosts, PushTable
from hitl_clic.tasks.push_t_state import AGENT_RADIUS, GOAL, SIDE, decode
from hitl_clic.tasks.task import Array
from hitl_clic.tasks.teacher import MemorylessTeacher

Floats = NDArray[np.float64]

_LEAVE = 8.0
"""Pixels charged for not staying at the present contact, so that near ties do not make it waver."""
_LONGEST = 600.0
_OUT_OF_SCENE = 30.0
"""Pixels charged per pixel by which a contact would have the agent outside the scene."""


class PushTTeacher(MemorylessTeacher):
    """Adds up, for each contact, the way there and the pushes from there; the action heads for the cheapest.

    Full speed everywhere (length 1): an episode ends the moment the goal is covered, so nothing needs slow work.
    """

    name = "hitl_clic/PushTTeacher/1"

    def __init__(self, costs: PushCosts | None = None) -> None:
        self._table = PushTable(costs or PushCosts())

    def action(self, observation: Array) -> Array:
        """Action float32 [2] of length 1 for an observation float32 [24]. ValueError for another shape or NaN."""
        table = self._table
        state = decode(np.clip(observation, -4.0, 4.0))
        c, s = cos(state.angle), sin(state.angle)
        to_scene = np.array([[c, -s], [s, c]])
        origin = np.array([state.block_x, state.block_y])
        agent = (np.array([state.agent_x, state.agent_y]) - origin) @ to_scene
        goal_centre = np.array([GOAL[0] - sin(GOAL[2]) * CENTRE[1], GOAL[1] + cos(GOAL[2]) * CENTRE[1]])
        error = (goal_centre - origin) @ to_scene - CENTRE
        turn = (GOAL[2] - state.angle + pi) % (2 * pi) - pi

        beside = ((agent - table.points) * np.abs(table.normals[:, ::-1])).sum(1)
        gap = ((table.points - agent) * table.normals).sum(1) - AGENT_RADIUS
        here = (gap < CLEARANCE + 2) & (gap > -8) & (np.abs(beside) < 15)

        free = nearest_free(agent)
        corners = table.ways.corners @ to_scene.T + origin
        usable = ((corners > -4) & (corners < SIDE + 4)).all(1)
        centres = (table.points - table.normals * AGENT_RADIUS) @ to_scene.T + origin
        outside = np.maximum(np.abs(centres - SIDE / 2).max(1) - SIDE / 2, 0.0)
        way, corner = table.ways.lengths(free, usable)
        away = np.minimum(way, _LONGEST) + float(np.hypot(*(agent - free))) + _LEAVE + _OUT_OF_SCENE * outside
        travel = np.where(here, np.abs(beside) + np.abs(gap), away)
        best = int(np.argmin(travel + table.costs(error, turn)))

        if here[best] or float(np.hypot(*(agent - table.hovers[best]))) < 8:
            heading = _push(table.normals[best], float(beside[best]), float(gap[best]))
        else:
            aim = table.hovers[best] if corner[best] < 0 else table.ways.corners[corner[best]]
            aim = (np.clip(to_scene @ aim + origin, 0.0, SIDE) - origin) @ to_scene
            heading = _travel(agent, free, aim)
        heading = to_scene @ heading
        length = float(np.hypot(*heading))
        return np.asarray(heading / length if length > 0 else heading, dtype=np.float32)


def _push(normal: Floats, beside: float, gap: float) -> Floats:
    """Push along the normal while drawing level with the contact; keep off the block while still far beside it."""
    level = min(1.0, max(0.0, 1.0 - (abs(beside) - 4.0) / 5.0))
    inward = level + (1.0 - level) * min(1.0, max(-1.0, (gap - CLEARANCE) / 4.0))
    return np.asarray(normal * inward + np.abs(normal[::-1]) * min(1.0, max(-1.0, -beside / 6.0)))


def _travel(agent: Floats, free: Floats, aim: Floats) -> Floats:
    """Head for the aim, and away from the block when nearer to it than the clearance."""
    way = aim - free
    distance = float(np.hypot(*way))
    return np.asarray(way / max(distance, 2.0) + (free - agent) / CLEARANCE)
