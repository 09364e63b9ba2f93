"""The scripted teacher of Push-T: move around the T to the cheapest contact it needs, and push.

Pure; any thread. Memoryless: the action depends on the observation alone. Lengths are pixels, angles radians.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import cos, pi, sin

import numpy as np

from hitl_clic.tasks.pusht.contacts import CENTRE, ContactOptions, needed_contacts
from hitl_clic.tasks.pusht.paths import CLEARANCE, CORNERS, MARGIN, Floats, nearest_free, shortest_paths
from hitl_clic.tasks.pusht.state import AGENT_RADIUS, GOAL, SIDE, PushTState, decode
from hitl_clic.tasks.task import Array
from hitl_clic.tasks.teacher import MemorylessTeacher

_LARGEST_FEATURE = 4.0
"""Bound of the observation, in scene sides; it avoids overflow."""
_SWITCH_COST = 20.0
"""Cost of leaving the present contact; it avoids oscillation between contacts of similar cost."""
_UNREACHABLE_COST = 600.0
"""Cost of a contact that no path leads to."""
_OUTSIDE_COST = 30.0
"""Cost for each pixel by which a contact puts the agent outside the scene."""
_CORNER_SLACK = 4.0
"""Distance by which a corner of a path may lie outside the scene."""
_AT_GAP = (-8.0, CLEARANCE + 2.0)
"""Range of the gap between disc and face in which the agent is at a contact; negative: overlap."""
_AT_BESIDE_MOVING = 25.0
"""Lateral distance within which the agent is at a moving contact."""
_AT_BESIDE_TURNING = 15.0
"""Lateral distance within which the agent is at a turning contact."""
_REACHED = 8.0
"""Distance from the approach point at which the agent starts to push."""
_SLIDE = 6.0
"""Lateral distance above which the agent aligns at full speed."""
_SETTLE = 4.0
"""Range of the gap around the clearance over which the speed of an agent that is not aligned drops."""
_LEVEL_FREE = (4.0, 5.0)
"""Lateral distance with a full push, and the range over which the push then fades to zero."""
_LEVEL_TOUCHING = (10.0, 15.0)
"""The same for an agent that touches a face it moves."""
_TOUCHING = 2.0
"""Gap below which the agent touches the face."""
_SLOW_WITHIN = 2.0
"""Distance from the waypoint within which the agent slows down."""
_GOAL_CENTRE = np.array([GOAL[0] - sin(GOAL[2]) * CENTRE[1], GOAL[1] + cos(GOAL[2]) * CENTRE[1]])
"""The T's centre of mass at the goal, in the scene."""


@dataclass(frozen=True, slots=True, eq=False)
class _BodyFrame:
    """The pose of the body frame in the scene: origin [2] and rotation [2, 2]."""

    origin: Floats
    rotation: Floats

    @classmethod
    def of(cls, state: PushTState) -> _BodyFrame:
        c, s = cos(state.angle), sin(state.angle)
        return cls(np.array([state.block_x, state.block_y]), np.array([[c, -s], [s, c]]))

    def body(self, points: Floats) -> Floats:
        """Scene points [..., 2] in the body frame."""
        return np.asarray((points - self.origin) @ self.rotation)

    def scene(self, points: Floats) -> Floats:
        """Body points [..., 2] in the scene."""
        return np.asarray(points @ self.rotation.T + self.origin)


class PushTTeacher(MemorylessTeacher):
    """Turns the T roughly to the goal's angle, then pushes its faces, always at the cheapest contact.

    Always at full speed (length 1): an episode ends as soon as the goal is covered.
    """

    name = "hitl_clic/PushTTeacher/2"

    def action(self, observation: Array) -> Array:
        """Action float32 [2] of length 1 for an observation float32 [24]. ValueError for another shape or NaN."""
        state = decode(np.clip(observation, -_LARGEST_FEATURE, _LARGEST_FEATURE))
        frame = _BodyFrame.of(state)
        right, down = (frame.body(_GOAL_CENTRE) - CENTRE).tolist()
        turn = (GOAL[2] - state.angle + pi) % (2 * pi) - pi
        agent = frame.body(np.array([state.agent_x, state.agent_y]))
        heading = frame.rotation @ _heading(frame, agent, needed_contacts(right, down, turn))
        return np.asarray(heading / max(_length(heading), 1e-9), dtype=np.float32)


def _heading(frame: _BodyFrame, agent: Floats, options: ContactOptions) -> Floats:
    """The direction [2], of any length, of an agent [2]; both in the body frame."""
    table = np.array(options.contacts)
    points, normals, costs = table[:, :2], table[:, 2:4], table[:, 4]
    hovers = _approach_points(points, normals)
    free = nearest_free(agent)
    way, towards = shortest_paths(free, hovers, _usable_corners(frame))

    beside = ((agent - points) * np.abs(normals[:, ::-1])).sum(1)
    gap = ((points - agent) * normals).sum(1) - AGENT_RADIUS
    reach = _AT_BESIDE_TURNING if options.turning else _AT_BESIDE_MOVING
    at = (gap > _AT_GAP[0]) & (gap < _AT_GAP[1]) & (np.abs(beside) < reach)
    outside = _outside(frame.scene(points - normals * AGENT_RADIUS))
    travel = np.minimum(way, _UNREACHABLE_COST) + _length(agent - free) + _SWITCH_COST + _OUTSIDE_COST * outside
    best = int(np.argmin(np.where(at, np.abs(beside) + np.abs(gap), travel) + costs))

    if at[best] or _length(agent - hovers[best]) < _REACHED:
        return _push(normals[best], float(beside[best]), float(gap[best]), options.turning)
    aim = frame.body(np.clip(frame.scene(towards[best]), 0.0, SIDE))
    return _travel(agent, free, aim)


def _approach_points(points: Floats, normals: Floats) -> Floats:
    """The approach point of each contact, [K, 2]: one margin off its face.

    Beside the stem it lies below the bar's margin; the agent slides up to a higher contact while it pushes.
    """
    hovers = points - normals * MARGIN
    on_stem = (normals[:, 0] != 0) & (np.abs(points[:, 0]) == 15)
    hovers[:, 1] = np.where(on_stem, np.maximum(hovers[:, 1], 30 + MARGIN), hovers[:, 1])
    return hovers


def _usable_corners(frame: _BodyFrame) -> np.ndarray:
    """Which corners lie in the scene, bool [6]."""
    corners = frame.scene(CORNERS)
    return np.asarray(((corners > -_CORNER_SLACK) & (corners < SIDE + _CORNER_SLACK)).all(1))


def _outside(points: Floats) -> Floats:
    """Distance of scene points [K, 2] outside the scene, [K]."""
    return np.maximum(np.abs(points - SIDE / 2).max(1) - SIDE / 2, 0.0)


def _push(normal: Floats, beside: float, gap: float, turning: bool) -> Floats:
    """Push along the normal and align with the contact; keep the clearance while far from alignment."""
    full, fade = _LEVEL_TOUCHING if gap < _TOUCHING and not turning else _LEVEL_FREE
    level = min(1.0, max(0.0, 1.0 - (abs(beside) - full) / fade))
    inward = level + (1.0 - level) * _clip_unit((gap - CLEARANCE) / _SETTLE)
    return np.asarray(normal * inward + np.abs(normal[::-1]) * _clip_unit(-beside / _SLIDE))


def _travel(agent: Floats, free: Floats, aim: Floats) -> Floats:
    """Move towards the waypoint, and away from the T within the clearance."""
    way = aim - free
    return np.asarray(way / max(_length(way), _SLOW_WITHIN) + (free - agent) / CLEARANCE)


def _clip_unit(value: float) -> float:
    return min(1.0, max(-1.0, value))


def _length(vector: Floats) -> float:
    return float(np.hypot(vector[0], vector[1]))
