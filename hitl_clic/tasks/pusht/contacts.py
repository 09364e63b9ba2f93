"""Which pushes the T needs now, in the T's body frame.

Pure; any thread. The block of gym-pusht is frictionless and its velocity is damped away at every physics step, so
a push moves it as one impulse along the contact's inward normal would: for each pixel of its centre of mass it
turns by arm / INERTIA_OVER_MASS. Lengths are pixels, angles radians.
"""

from __future__ import annotations

from typing import NamedTuple

CENTRE = (0.0, 45.0)
"""Centre of mass of the T in its body frame, pixels."""
INERTIA_OVER_MASS = 3000.0
"""Moment of inertia of the T about its centre over its mass, pixels squared."""
TURN_FIRST_ANGLE = 0.3
"""Radians to the goal's angle above which only turning pushes are needed."""
POSITION_TOLERANCE = 4.0
"""Pixels to the goal along an axis of the T below which no push along that axis is needed."""
LEVER_PER_RADIAN = 150.0
"""Pixels off the centre of mass at which a face is pushed, for each radian still to turn."""
MISS_COST = 2.0
"""Pixels of way charged for each pixel by which a face ends before the arm that was asked for."""


class Contact(NamedTuple):
    """A push: at a point (x, y) of the T's outline along an inward normal (nx, ny).

    `charge` is how many pixels of way the agent would rather go than push here; negative draws it here.
    """

    x: float
    y: float
    nx: float
    ny: float
    cost: float = 0.0


class ContactOptions(NamedTuple):
    """The contacts to choose among, and whether they are there to turn the T rather than to move it."""

    contacts: tuple[Contact, ...]
    turning: bool


def needed_contacts(right: float, down: float, turn: float) -> ContactOptions:
    """The pushes needed for a goal `right` px along the bar, `down` px along the stem and `turn` rad away.

    First turn roughly; then push the faces whose normals point to the goal, off the centre by as much as turns the
    rest of the angle away. There is always at least one contact. Turning first makes the teacher easy to imitate:
    while turning it depends on little but the angle, and afterwards every push happens near the goal's own angle.
    """
    moving = _moving(right, down, turn) if abs(turn) <= TURN_FIRST_ANGLE else ()
    return (
        ContactOptions(moving, turning=False) if moving else ContactOptions(_turning(right, down, turn), turning=True)
    )


def _moving(right: float, down: float, turn: float) -> tuple[Contact, ...]:
    """Pushes along each axis on which the T is off: on the bar's top, the foot, the stem's sides, the bar's ends."""
    arm = LEVER_PER_RADIAN * turn
    contacts = []
    if down > POSITION_TOLERANCE:
        contacts.append(Contact(_between(arm, -50.0, 50.0), 0.0, 0.0, 1.0))
    if down < -POSITION_TOLERANCE:
        contacts.append(Contact(_between(-arm, -9.0, 9.0), 120.0, 0.0, -1.0))
    if abs(right) > POSITION_TOLERANCE:
        to = 1.0 if right > 0 else -1.0
        wanted = CENTRE[1] - to * arm
        for x, low, high in ((15.0, 46.0, 110.0), (60.0, 6.0, 24.0)):
            y = _between(wanted, low, high)
            contacts.append(Contact(-to * x, y, to, 0.0, MISS_COST * abs(y - wanted)))
    return tuple(contacts)


def _turning(right: float, down: float, turn: float) -> tuple[Contact, ...]:
    """The two places with a long arm for this sense of turning: an end of the bar's top, and the stem near its foot.

    The place whose push also moves the T nearer the goal is charged less, a pixel for each pixel still to go.
    """
    to = 1.0 if turn >= 0 else -1.0
    return Contact(to * 50.0, 0.0, 0.0, 1.0, -down), Contact(to * 15.0, 105.0, -to, 0.0, to * right)


def _between(value: float, low: float, high: float) -> float:
    return min(high, max(low, value))
