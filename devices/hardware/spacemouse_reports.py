"""A 3D mouse's reports, byte by byte, become six axes and its buttons. Pure; one reader thread feeds it."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from hitl_clic.devices.hardware.spacemouse_models import Model

FULL = 350.0
"""Raw value of a full deflection; more is possible and clipped."""

AXES = ("right", "away", "up", "about right", "about away", "about up")
"""The six raw axes: the hand's translation, and its rotation about the same directions, right-handed.

The hardware itself counts right, towards the person and down, with rotations right-handed about those.
"""
_SIGNS = (1.0, -1.0, -1.0, 1.0, -1.0, -1.0)
_THREE = struct.Struct("<3h")
_TRANSLATION, _ROTATION, _BUTTONS = 1, 2, 3


class Reports:
    """The state after all reports fed so far."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.malformed = 0
        """Reports of axes too short to hold three; they change nothing."""
        self._axes = [0.0] * 6
        self._down: frozenset[str] = frozenset()

    @property
    def deflections(self) -> tuple[float, ...]:
        """Deflection in [-1, 1] in the order of `AXES`."""
        return tuple(self._axes)

    @property
    def axes(self) -> Mapping[str, float]:
        """Deflection in [-1, 1] by name; see `AXES`."""
        return dict(zip(AXES, self._axes, strict=True))

    @property
    def deflected(self) -> bool:
        """Whether any axis is not at rest: the hardware then reports all the time."""
        return any(self._axes)

    def feed(self, report: bytes) -> tuple[tuple[str, bool], ...]:
        """Take one report in; gives the buttons it changed. What is no known report changes nothing, whatever it is.

        A report may be longer than its contents (some systems pad with zeros), so for a model that splits them its
        length says nothing about rotation. A combined one may come short, as translation alone.
        """
        if not report:
            return ()
        number = report[0]
        if number == _BUTTONS:
            return self._press(report)
        if number in (_TRANSLATION, _ROTATION):
            if len(report) < 7:
                self.malformed += 1
                return ()
            self._set(0 if number == _TRANSLATION else 3, report, 1)
            if number == _TRANSLATION and self.model.combined and len(report) >= 13:
                self._set(3, report, 7)
        return ()

    def rest(self) -> None:
        """The hardware fell silent: no axis is deflected until it says so again."""
        self._axes = [0.0] * 6

    def _set(self, first: int, report: bytes, at: int) -> None:
        for axis, raw in enumerate(_THREE.unpack_from(report, at), first):
            self._axes[axis] = _SIGNS[axis] * max(-1.0, min(1.0, raw / FULL)) + 0.0  # + 0.0: no negative zero

    def _press(self, report: bytes) -> tuple[tuple[str, bool], ...]:
        bits = self.model.buttons.items()
        down = frozenset(name for name, (byte, bit) in bits if byte < len(report) and report[byte] >> bit & 1)
        changed = [(name, name in down) for name, _ in bits if (name in down) != (name in self._down)]
        self._down = down
        return tuple(changed)
