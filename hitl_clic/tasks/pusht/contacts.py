"""The pushes that the T needs, in the T's body frame.

Pure; any thread. In gym-pusht the block has no friction, and its velocity decays within each physics step. A push
therefore acts as an impulse along the inward normal: it turns the T by arm / INERTIA_OVER_MASS for each pixel of
motion. Lengths are pixels, angles radians.
"""

from __future__ import annotations

from typing import NamedTuple

CENTRE = (0.0, 45.0)
"""Centre of mass of the T, px."""
INERTIA_OVER_MASS = 3000.0
"""Moment of inertia of the T about its centre over its mass, px^2."""
TURN_FIRST_ANGLE = 0.3
"""Angle error above which only turning pushes are needed, rad."""
POSITION_TOLERANCE = 4.0
"""Position error along an axis of the T that needs no push, px."""
LEVER_PER_RADIAN = 150.0
"""Lever arm of a push per radian of angle error, px."""
MISS_COST = 2.0
"""Cost for each pixel of lever arm that a face is too short for."""


class Contact(NamedTuple):
    """A push at a point (x, y) of the outline along an inward normal (nx, ny).

    `cost`: equivalent path length of the agent, px; negative values favour this contact.
    """

    x: float
    y: float
    nx: float
    ny: float
    cost: float = 0.0


class ContactOptions(NamedTuple):
    """The contacts to choose from; `turning`: they turn the T instead of moving it."""

    contacts: tuple[Contact, ...]
    turning: bool


def needed_contacts(right: float, down: float, turn: float) -> ContactOptions:
    """The pushes needed for a goal `right` px along the bar, `down` px along the stem and `turn` rad away.

    First turn roughly. Then push the faces whose normals point to the goal, off-centre in proportion to the angle
    error. There is always a contact. Turning first simplifies imitation: during a turn the action depends on the angle
    only, and all other pushes happen near the goal's angle.
    """
    moving = _moving(right, down, turn) if abs(turn) <= TURN_FIRST_ANGLE else ()
    return (
        ContactOptions(moving, turning=False) if moving else ContactOptions(_turning(right, down, turn), turning=True)
    )


def _moving(right: float, down: float, turn: float) -> tuple[Contact, ...]:
    """Pushes along each axis with a position error: bar top, foot, sides of the stem, ends of the bar."""
    arm = LEVER_PER_RADIAN * turn
    contacts = []
    if down > POSITION_TOLERANCE:
        contacts.append(Contact(_between(arm, -50.0, 50.0), 0.0, 0.0, 1.0))
    if down < -POSITION_TOLERANCE:
        contacts.append(Contact(_between(-arm, -9.0, 9.0), 120.0, 0.0, -1.0))
    if abs(right) > POSITION_TOLERANCE:
        to = 1.0 if right > 0 else -1.0
        target = CENTRE[1] - to * arm
        for x, low, high in ((15.0, 46.0, 110.0), (60.0, 6.0, 24.0)):
            y = _between(target, low, high)
            contacts.append(Contact(-to * x, y, to, 0.0, MISS_COST * abs(y - target)))
    return tuple(contacts)


def _turning(right: float, down: float, turn: float) -> tuple[Contact, ...]:
    """The two contacts with a long lever arm for this direction: an end of the bar's top, and the stem near its foot.

    A contact costs less if its push also moves the T towards the goal: 1 px for each pixel still to go.
    """
    to = 1.0 if turn >= 0 else -1.0
    return Contact(to * 50.0, 0.0, 0.0, 1.0, -down), Contact(to * 15.0, 105.0, -to, 0.0, to * right)


def _between(value: float, low: float, high: float) -> float:
    return min(high, max(low, value))
