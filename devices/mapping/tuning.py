"""A profile changed key by key while its device is in the hand: response, gain and axis map of one axis at a time.

Pure but for what it remembers; called by one thread, a device bench's. Knows no window and no file.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from hitl_clic.devices.core.axes import TURNS
from hitl_clic.devices.mapping.profiles import with_changes
from hitl_clic.devices.mapping.shaping import Profile

Change = Callable[["Tuning", int], Profile]


@dataclass(frozen=True, slots=True)
class Knob:
    """Something to turn about an axis.

    Attributes:
        name: for people. less, more: its keys, as `controls.KEY_NAMES` has them. turn: the profile after one step of
            -1 or 1. reads: its value, in words.
    """

    name: str
    less: str
    more: str
    turn: Change
    reads: Callable[[Tuning], str]


class Tuning:
    """The profile as it is now, and what may be done to it.

    Attributes:
        profile: the present one. axis: the one whose knobs are turned.
        message: what the last key led to, where that is not plain to see; empty else.
    """

    def __init__(self, profile: Profile, sources: Sequence[str] = ()) -> None:
        """
        Args:
            profile: to begin with. sources: raw axes that the device has, besides those that the profile reads.
        """
        self.profile, self.axis, self.message = profile, next(iter(profile.axes)), ""
        self._sources = tuple(dict.fromkeys([*map(profile.source, profile.axes), *sources]))
        self._before: list[Profile] = []

    @property
    def changed(self) -> bool:
        """Whether anything is other than at the beginning."""
        return bool(self._before) and self.profile != self._before[0]

    def press(self, key: str) -> bool:
        """A key went down; whether it meant anything here. A key that the profile binds is the device's."""
        if key in self.profile.keys:
            return False
        self.message = ""
        if key == NEXT:
            axes = list(self.profile.axes)
            self.axis = axes[(axes.index(self.axis) + 1) % len(axes)]
        elif key == BACK:
            self.profile = self._before.pop() if self._before else self.profile
        elif key in _BY_KEY:
            self._turn(*_BY_KEY[key])
        else:
            return False
        return True

    def value(self, field: str) -> float:
        """Deadzone, exponent or scale of the axis, its own or the profile's."""
        own = None if self._radial(field) else getattr(self.profile.axes[self.axis], field)
        return float(getattr(self.profile, field) if own is None else own)

    def with_value(self, field: str, value: float) -> Profile:
        """The profile with one of them changed; where the response is of the length of all axes, for all of them."""
        if self._radial(field):
            return with_changes(self.profile, {field: value}, {}, ())
        return with_changes(self.profile, {}, {self.axis: {field: value}}, ())

    def read_from(self, way: int) -> Profile:
        """The axis read from the next raw axis (or the one before), which whoever had it changes for the old one."""
        profile = self.profile
        old = profile.source(self.axis)
        new = self._sources[(self._sources.index(old) + way) % len(self._sources)]
        groups = [[name for name in profile.axes if (name in TURNS) == turns] for turns in (False, True)]
        moves, turns = ({*map(profile.source, group)} for group in groups)
        # where the same raw axes move and turn by turns, the other half keeps its map
        peers = groups[self.axis in TURNS] if moves & turns else list(profile.axes)
        changes: dict[str, dict[str, Any]] = {
            name: {"source": old} for name in peers if name != self.axis and profile.source(name) == new
        }
        return with_changes(profile, {}, {**changes, self.axis: {"source": new}}, ())

    def _radial(self, field: str) -> bool:
        return self.profile.radial and field in ("deadzone", "exponent")

    def _turn(self, knob: Knob, way: int) -> None:
        try:
            profile = knob.turn(self, way)
        except ValueError as error:
            self.message = str(error)
            return
        if profile != self.profile:
            self._before.append(self.profile)
            self.profile = profile


def _number(name: str, keys: str, field: str, step: float, least: float, most: float) -> Knob:
    """A knob of a number; keys: that for less and that for more."""

    def turn(tuning: Tuning, way: int) -> Profile:
        value = min(most, max(least, round((tuning.value(field) / step) + way) * step))
        return tuning.with_value(field, round(value, 4))

    return Knob(name, keys[0], keys[1], turn, lambda tuning: f"{tuning.value(field):.2f}")


KNOBS: tuple[Knob, ...] = (
    _number("dead zone", "12", "deadzone", 0.01, 0.0, 0.9),
    _number("curve", "34", "exponent", 0.1, 0.1, 5.0),
    _number("gain", "56", "scale", 0.05, 0.05, 4.0),
    Knob("read from", "7", "8", Tuning.read_from, lambda tuning: tuning.profile.source(tuning.axis)),
    Knob(
        "turned round",
        "9",
        "9",
        lambda tuning, way: with_changes(tuning.profile, {}, {}, (tuning.axis,)),
        lambda tuning: "no" if tuning.profile.axes[tuning.axis].sign > 0 else "yes",
    ),
)
"""What can be turned, by the row of number keys."""
NEXT, BACK = "tab", "z"
"""Keys: the next axis; the last change taken back."""

_BY_KEY: Mapping[str, tuple[Knob, int]] = {
    **{knob.less: (knob, -1) for knob in KNOBS},
    **{knob.more: (knob, 1) for knob in KNOBS},
}
