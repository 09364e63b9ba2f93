"""Which pushes the T needs now, in the T's body frame.

Pure; any thread. The block of gym-pusht is frictionless and its velocity is damped away at every physics step, so
a push moves it as one impulse along the contact's inward normal would: for each pixel of its centre of mass it
turns by arm / INERTIA_OVER_MASS. Lengths are pixels, angles radians.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

CENTRE = (0.0, 45.0)
"""Centre of mass of the T in its body frame."""
INERTIA_OVER_MASS = 3000.0

_TURN_FIRST = 0.3
"""Above this angle to the goal only turning pushes are needed."""
_NEAR_ENOUGH = 4.0
"""An offset along an axis that needs no push."""
_ARM_PER_RADIAN = 150.0
_PREFER_TOWARDS_GOAL = 1.0


class Contact(NamedTuple):
    """A push: at a point (x, y) of the T's outline along an inward normal (nx, ny).

    `bonus` is how many pixels of way the agent may spend to push here rather than elsewhere.
    """

    x: float
    y: float
    nx: float
    ny: float
    bonus: float = 0.0


def needed_contacts(right: float, down: float, turn: float) -> tuple[Contact, ...]:
    """The pushes needed for a goal `right` px along the bar, `down` px along the stem and `turn` rad away.

    First turn roughly; then push every face whose normal points to the goal, off its middle by as much as turns
    the rest of the angle away. Turning first makes the policy easy to imitate: while turning it depends on the
    angle, afterwards every push happens at the goal's own angle.
    """
    if abs(turn) > _TURN_FIRST:
        return _turning(right, down, turn)
    arm = _ARM_PER_RADIAN * turn
    contacts = []
    if down > _NEAR_ENOUGH:
        contacts.append(Contact(_between(arm, -50.0, 50.0), 0.0, 0.0, 1.0))
    if down < -_NEAR_ENOUGH:
        contacts.append(Contact(_between(-arm, -9.0, 9.0), 120.0, 0.0, -1.0))
    for side in (-1.0, 1.0):  # the stem's left side pushes right, its right side left
        if -side * right > _NEAR_ENOUGH:
            contacts.append(Contact(side * 15.0, _between(CENTRE[1] + side * arm, 46.0, 110.0), -side, 0.0))
    return tuple(contacts) or _turning(right, down, turn)


def _turning(right: float, down: float, turn: float) -> tuple[Contact, ...]:
    """The three places with a long arm for this sense of turning; those that also push to the goal come first."""
    s = 1.0 if turn >= 0 else -1.0
    places = ((s * 50.0, 0.0, 0.0, 1.0), (s * 15.0, 105.0, -s, 0.0), (-s * 50.0, 30.0, 0.0, -1.0))
    return tuple(Contact(x, y, nx, ny, _PREFER_TOWARDS_GOAL * (nx * right + ny * down)) for x, y, nx, ny in places)


def _between(value: float, low: float, high: float) -> float:
    return float(np.clip(value, low, high))
