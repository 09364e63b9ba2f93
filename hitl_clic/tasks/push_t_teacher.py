"""The scripted teacher of Push-T: go round the T to the nearest contact it needs, and push.

Pure; any thread. Memoryless: the action depends on the observation alone, so a learner can imitate it from pairs
and it can answer any state a person brings about.
"""

from __future__ import annotations

from math import cos, pi, sin

import numpy as np

from hitl_clic.tasks.push_t_contacts import CENTRE, needed_contacts
from hitl_clic.tasks.push_t_paths import CLEARANCE, CORNERS, MARGIN, Floats, nearest_free, shortest_ways
from hitl_clic.tasks.push_t_state import AGENT_RADIUS, GOAL, SIDE, PushTState, decode
from hitl_clic.tasks.task import Array
from hitl_clic.tasks.teacher import MemorylessTeacher

_LEAVE = 20.0
"""Pixels charged for not staying at the present contact, so that near ties do not make it waver."""
_LONGEST = 600.0
_OUT_OF_SCENE = 30.0
"""Pixels charged per pixel by which a contact would have the agent outside the scene."""
_REACHED = 12.0
_GOAL_CENTRE = np.array([GOAL[0] - sin(GOAL[2]) * CENTRE[1], GOAL[1] + cos(GOAL[2]) * CENTRE[1]])


class PushTTeacher(MemorylessTeacher):
    """Turns the T roughly to the goal's angle, then pushes it there face by face, always the nearest one needed.

    Full speed everywhere (length 1): an episode ends the moment the goal is covered, so nothing needs slow work.
    """

    name = "hitl_clic/PushTTeacher/2"

    def action(self, observation: Array) -> Array:
        """Action float32 [2] of length 1 for an observation float32 [24]. ValueError for another shape or NaN."""
        state = decode(np.clip(observation, -4.0, 4.0))
        c, s = cos(state.angle), sin(state.angle)
        to_scene = np.array([[c, -s], [s, c]])
        heading = to_scene @ _heading(state, to_scene)
        length = float(np.hypot(heading[0], heading[1]))
        return np.asarray(heading / length if length > 0 else heading, dtype=np.float32)


def _heading(state: PushTState, to_scene: Floats) -> Floats:
    """Where to move, in the body frame."""
    origin = np.array([state.block_x, state.block_y])
    agent = (np.array([state.agent_x, state.agent_y]) - origin) @ to_scene
    right, down = ((_GOAL_CENTRE - origin) @ to_scene - CENTRE).tolist()
    turn = (GOAL[2] - state.angle + pi) % (2 * pi) - pi
    contacts = np.array(needed_contacts(right, down, turn))
    points, normals, bonus = contacts[:, :2], contacts[:, 2:4], contacts[:, 4]

    hovers = points - normals * MARGIN
    # Beside the stem the agent waits below the bar's clearance and slides up while it pushes.
    hovers[:, 1] = np.where(normals[:, 0] != 0, np.maximum(hovers[:, 1], 30 + MARGIN), hovers[:, 1])
    free = nearest_free(agent)
    corners = CORNERS @ to_scene.T + origin
    usable = ((corners > -4) & (corners < SIDE + 4)).all(1)
    way, towards = shortest_ways(free, hovers, usable)
    centres = (points - normals * AGENT_RADIUS) @ to_scene.T + origin
    outside = np.maximum(np.abs(centres - SIDE / 2).max(1) - SIDE / 2, 0.0)
    away = np.minimum(way, _LONGEST) + float(np.hypot(*(agent - free))) + _LEAVE + _OUT_OF_SCENE * outside

    beside = ((agent - points) * np.abs(normals[:, ::-1])).sum(1)
    gap = ((points - agent) * normals).sum(1) - AGENT_RADIUS
    here = (gap < CLEARANCE + 2) & (gap > -8) & (np.abs(beside) < 25)
    best = int(np.argmin(np.where(here, np.abs(beside) + np.abs(gap), away) - bonus))
    if here[best] or float(np.hypot(*(agent - hovers[best]))) < _REACHED:
        return _push(normals[best], float(beside[best]), float(gap[best]))
    aim = (np.clip(to_scene @ towards[best] + origin, 0.0, SIDE) - origin) @ to_scene
    return _travel(agent, free, aim)


def _push(normal: Floats, beside: float, gap: float) -> Floats:
    """Push along the normal while drawing level with the contact; keep off the block while still far beside it."""
    level = min(1.0, max(0.0, 1.0 - (abs(beside) - 8.0) / 12.0))
    inward = level + (1.0 - level) * min(1.0, max(-1.0, (gap - CLEARANCE) / 4.0))
    return np.asarray(normal * inward + np.abs(normal[::-1]) * min(1.0, max(-1.0, -beside / 12.0)))


def _travel(agent: Floats, free: Floats, aim: Floats) -> Floats:
    """Head for the aim, and away from the block when nearer to it than the clearance."""
    way = aim - free
    distance = float(np.hypot(way[0], way[1]))
    return np.asarray(way / max(distance, 2.0) + (free - agent) / CLEARANCE)
