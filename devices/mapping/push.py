"""Whether a hand pushes a device: two thresholds and a time, so that noise at one threshold changes nothing. Pure.

Called by one reader thread. A push has a size: the largest deflection beyond its axis' deadzone, as a share of the way
from there to full deflection.
"""

from __future__ import annotations

from typing import Literal

from hitl_clic.devices.mapping.shaping import Profile

Phase = Literal["rest", "pushed", "ending"]
"""ending: the push fell below the lower threshold, but not yet for `release_after_s`."""


class Push:
    """A push begins above `engage_above` and ends after `release_after_s` below `release_below`.

    Until a device was once at rest, its first reading may be an offset at rest. A push must then be larger than the
    largest offset that can be learnt.
    """

    def __init__(self, profile: Profile) -> None:
        self.phase: Phase = "rest"
        self._settled = False
        self._pushed_ns = 0
        self.tune(profile)

    def tune(self, profile: Profile) -> None:
        """Use the thresholds of another profile."""
        self._engage, self._release = profile.engage_above, profile.release_below
        self._limit = max(profile.engage_above, profile.rest_limit)
        self._after_ns = round(profile.release_after_s * 1e9)

    def counted(self, size: float) -> float:
        """The size of a push, or 0 if it does not count as one now."""
        if self.phase != "rest":
            return size if size > self._release else 0.0
        return size if size > (self._engage if self._settled else self._limit) else 0.0

    def step(self, size: float, now_ns: int) -> Phase:
        """Note the size of the push at this reading. Returns whether the device is pushed."""
        self._settled = self._settled or size <= self._release
        if self.counted(size):
            self.phase, self._pushed_ns = "pushed", now_ns
        elif self.phase != "rest":
            self.phase = "ending" if now_ns - self._pushed_ns < self._after_ns else "rest"
        return self.phase

    def reset(self) -> None:
        """Forget the push and the rest, because the device is gone."""
        self.phase, self._settled = "rest", False


def thresholds(profile: Profile) -> dict[str, tuple[float, float]]:
    """By motion axis, the deflections at which a push begins and ends, 1 at full."""
    found = {}
    for name, setting in profile.axes.items():
        dead = profile.deadzone if setting.deadzone is None or profile.radial else setting.deadzone
        found[name] = (dead + (1 - dead) * profile.engage_above, dead + (1 - dead) * profile.release_below)
    return found
