"""Decodes the HID reports of a 3D mouse into six axes and buttons. Pure; called by one reader thread."""

from __future__ import annotations

import struct
from collections.abc import Mapping

from hitl_clic.devices.hardware.spacemouse_models import Model

FULL = 350.0
"""Raw value of a full deflection. Greater values are clipped."""
DRAIN_MOST = 4096
"""Most reports per reading, far above any system queue. Without a limit, a source that never empties blocks `read`."""
SILENT_NS = 100_000_000
"""A deflected cap reports every 8 ms, wireless every 16 ms. After this much silence, the connection is lost."""
INSTALL_HINT = "Needs an extra: pip install 'hitl-clic[spacemouse]'."

AXES = ("right", "away", "up", "about right", "about away", "about up")
"""The six raw axes: translation of the cap, and rotation about the same directions, right-handed.

The hardware's own directions are right, towards the operator and down, with right-handed rotations about them.
"""
_SIGNS = (1.0, -1.0, -1.0, 1.0, -1.0, -1.0)
_THREE = struct.Struct("<3h")
_TRANSLATION, _ROTATION, _BUTTONS = 1, 2, 3


def silence(model: Model) -> str:
    """Why a mouse that never sent a report is not used, as a sentence."""
    wireless = "; if that changes nothing, switch the mouse on, charge it or pair it" if model.receiver else ""
    return f"the {model.name} is connected but silent: push its cap once and let go{wireless}"


class Reports:
    """Decoder; its state is that after the newest report."""

    def __init__(self, model: Model) -> None:
        self.model = model
        self.malformed = 0
        """Count of axis reports too short for three values; they are ignored."""
        self.heard = False
        """Whether a report of axes or buttons arrived. Others, as of the battery, do not show that the cap is read."""
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
        """Whether any axis is not at rest. The hardware then reports continuously."""
        return any(self._axes)

    def feed(self, report: bytes) -> tuple[tuple[str, bool], ...]:
        """Decode one report. Unknown reports are ignored.

        Some systems pad reports with zeros, so length does not show whether a report holds rotation: the model does.
        A combined report may be short and hold translation alone.

        Returns:
            the buttons that changed, as (name, pressed).
        """
        if not report:
            return ()
        number = report[0]
        if number == _BUTTONS:
            self.heard = True
            return self._press(report)
        if number in (_TRANSLATION, _ROTATION):
            if len(report) < 7:
                self.malformed += 1
                return ()
            self.heard = True
            self._set(0 if number == _TRANSLATION else 3, report, 1)
            if number == _TRANSLATION and self.model.combined and len(report) >= 13:
                self._set(3, report, 7)
        return ()

    def rest(self) -> None:
        """Set all axes to zero, after the hardware fell silent."""
        self._axes = [0.0] * 6

    def released(self) -> tuple[tuple[str, bool], ...]:
        """The releases of all held buttons, after the hardware was exchanged."""
        down, self._down = self._down, frozenset()
        return tuple((name, False) for name in sorted(down))

    def _set(self, first: int, report: bytes, at: int) -> None:
        for axis, raw in enumerate(_THREE.unpack_from(report, at), first):
            self._axes[axis] = _SIGNS[axis] * max(-1.0, min(1.0, raw / FULL)) + 0.0  # + 0.0: no negative zero

    def _press(self, report: bytes) -> tuple[tuple[str, bool], ...]:
        bits = self.model.buttons.items()
        down = frozenset(name for name, (byte, bit) in bits if byte < len(report) and report[byte] >> bit & 1)
        changed = [(name, name in down) for name, _ in bits if (name in down) != (name in self._down)]
        self._down = down
        return tuple(changed)
