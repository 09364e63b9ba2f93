"""Interactive tuning of a profile by keys: response, scale and axis map of one axis at a time.

Called by the thread of the device bench. No window and no files.
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
    """One adjustable parameter of an axis.

    Attributes:
        name: label. less, more: its keys, named as in `controls.KEY_NAMES`.
        step: the profile after one step, -1 or 1. value: its present value as text.
    """

    name: str
    less: str
    more: str
    step: Change
    value: Callable[[Tuning], str]


class Tuning:
    """The present profile, and the changes that keys make to it.

    Attributes:
        profile: the present profile. axis: the selected axis. message: error of the last key; empty if none.
    """

    def __init__(self, profile: Profile, sources: Sequence[str] = ()) -> None:
        """
        Args:
            profile: at the start. sources: further raw axes of the device.
        """
        self.profile, self.axis, self.message = profile, next(iter(profile.axes)), ""
        self._sources = tuple(dict.fromkeys([*map(profile.source, profile.axes), *sources]))
        self._history: list[Profile] = []

    @property
    def changed(self) -> bool:
        """Whether the profile differs from that at the start."""
        return bool(self._history) and self.profile != self._history[0]

    def press(self, key: str) -> bool:
        """Handle a key. Returns False if it has no function here or the profile binds it."""
        if key in self.profile.keys:
            return False
        self.message = ""
        if key == NEXT:
            axes = list(self.profile.axes)
            self.axis = axes[(axes.index(self.axis) + 1) % len(axes)]
        elif key == UNDO:
            self.profile = self._history.pop() if self._history else self.profile
        elif key in _BY_KEY:
            self._adjust(*_BY_KEY[key])
        else:
            return False
        return True

    def value(self, field: str) -> float:
        """Deadzone, exponent or scale of the selected axis."""
        own = None if self._radial(field) else getattr(self.profile.axes[self.axis], field)
        return float(getattr(self.profile, field) if own is None else own)

    def with_value(self, field: str, value: float) -> Profile:
        """The profile with that value changed: for the selected axis, or for all axes if the response is radial."""
        if self._radial(field):
            return with_changes(self.profile, {field: value}, {}, ())
        return with_changes(self.profile, {}, {self.axis: {field: value}}, ())

    def read_from(self, direction: int) -> Profile:
        """The profile with the selected axis on the next or previous raw axis; another axis there takes the old one."""
        profile = self.profile
        old = profile.source(self.axis)
        new = self._sources[(self._sources.index(old) + direction) % len(self._sources)]
        groups = [[name for name in profile.axes if (name in TURNS) == turns] for turns in (False, True)]
        moves, turns = ({*map(profile.source, group)} for group in groups)
        # where the same raw axes both move and turn, the other group keeps its map
        peers = groups[self.axis in TURNS] if moves & turns else list(profile.axes)
        changes: dict[str, dict[str, Any]] = {
            name: {"source": old} for name in peers if name != self.axis and profile.source(name) == new
        }
        return with_changes(profile, {}, {**changes, self.axis: {"source": new}}, ())

    def _radial(self, field: str) -> bool:
        return self.profile.radial and field in ("deadzone", "exponent")

    def _adjust(self, knob: Knob, direction: int) -> None:
        try:
            profile = knob.step(self, direction)
        except ValueError as error:
            self.message = str(error)
            return
        if profile != self.profile:
            self._history.append(self.profile)
            self.profile = profile


def _number(name: str, keys: str, field: str, step: float, least: float, most: float) -> Knob:
    """A numeric parameter; `keys`: one for less, one for more."""

    def step_by(tuning: Tuning, direction: int) -> Profile:
        value = min(most, max(least, round((tuning.value(field) / step) + direction) * step))
        return tuning.with_value(field, round(value, 4))

    return Knob(name, keys[0], keys[1], step_by, lambda tuning: f"{tuning.value(field):.2f}")


KNOBS: tuple[Knob, ...] = (
    _number("deadzone", "12", "deadzone", 0.01, 0.0, 0.9),
    _number("exponent", "34", "exponent", 0.1, 0.1, 5.0),
    _number("scale", "56", "scale", 0.05, 0.05, 4.0),
    Knob("source", "7", "8", Tuning.read_from, lambda tuning: tuning.profile.source(tuning.axis)),
    Knob(
        "invert",
        "9",
        "9",
        lambda tuning, direction: with_changes(tuning.profile, {}, {}, (tuning.axis,)),
        lambda tuning: "no" if tuning.profile.axes[tuning.axis].sign > 0 else "yes",
    ),
)
"""The adjustable parameters, on the number keys."""
NEXT, UNDO = "tab", "z"
"""Keys for the next axis, and for undoing the last change."""

_BY_KEY: Mapping[str, tuple[Knob, int]] = {
    **{knob.less: (knob, -1) for knob in KNOBS},
    **{knob.more: (knob, 1) for knob in KNOBS},
}
