"""The 3D mouse through pyspacemouse, used where the package hidapi is missing but its system library exists.

Runs in the device's reader thread. pyspacemouse reads one report per call, does not clip, returns one mutable state,
and keeps the last deflection after an unplug. This source corrects all four.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from hitl_clic.devices.hardware.handheld import Reading
from hitl_clic.devices.hardware.pulse_stretch import PeakState
from hitl_clic.devices.hardware.spacemouse_reports import AXES, DRAIN_MOST, INSTALL_HINT, SILENT_NS

_ATTRIBUTES = ("x", "y", "z", "roll", "pitch", "yaw")
"""pyspacemouse's names for `AXES` in its convention "hid_z_up"."""
_STEP_S = 0.002
LIBRARY_HINT = (
    "pyspacemouse found no SpaceMouse, or its system library is missing: install libhidapi-hidraw0 "
    "(on Debian and Ubuntu: apt install libhidapi-hidraw0), or the package hidapi instead"
)


class PySpaceMouseSource:
    """A source that polls pyspacemouse."""

    def __init__(self, opens: Callable[[], Any] | None = None, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        """`opens` returns an open `pyspacemouse.SpaceMouseDevice`, convention "hid_z_up"; by default the first."""
        self._opens = opens or _open_first
        self._clock = clock
        self._device: Any = None
        self._reported = -1.0
        self._heard_ns = clock()
        self._down: tuple[bool, ...] = ()
        self._deflections: tuple[float, ...] = (0.0,) * len(AXES)
        self._silent = False

    def open(self) -> None:
        """Open the first 3D mouse. Raises OSError if there is none or the system library is missing."""
        self._device = self._opens()
        self._heard_ns, self._silent = self._clock(), False
        state = self._device.read()
        self._reported = -1.0
        self._down = (False,) * len(state.buttons)
        self._deflections = _deflections(state)

    def read(self, timeout_s: float) -> Reading:
        """Read until no report is new."""
        deadline_ns = self._clock() + round(timeout_s * 1e9)
        changes: list[tuple[str, bool]] = []
        state = self._poll()
        peak = PeakState(self._deflections)
        while state.t == self._reported and self._clock() < deadline_ns:
            time.sleep(_STEP_S)
            state = self._poll()
        reports = 0
        while state.t != self._reported and reports < DRAIN_MOST:
            reports += 1
            self._reported = state.t
            changes.extend(self._press(state.buttons))
            self._deflections = _deflections(state)
            peak.add(self._deflections)
            state = self._poll()
        now_ns = self._clock()
        if reports:
            self._heard_ns, self._silent = now_ns, False
        deflected = any(self._deflections)
        self._silent = self._silent or (deflected and now_ns - self._heard_ns > SILENT_NS)
        time_ns = self._heard_ns if deflected else now_ns
        axes = dict(zip(AXES, self._deflections, strict=True))
        peak_axes = None if peak.state is None else dict(zip(AXES, peak.state, strict=True))
        return Reading(time_ns, axes, tuple(changes), not self._silent, reports, peak_axes)

    def rumble(self) -> None:
        """Do nothing: there is no motor."""

    def close(self) -> None:
        device, self._device = self._device, None
        if device is not None:
            device.close()

    def _poll(self) -> Any:
        from easyhid import HIDException  # pyspacemouse's own reader

        try:
            return self._device.read()
        except (HIDException, OSError) as error:
            raise OSError("the SpaceMouse was unplugged") from error

    def _press(self, buttons: Any) -> list[tuple[str, bool]]:
        down = tuple(bool(value) for value in buttons)
        names = [name.lower().replace("btn_", "").replace("_", " ") for name in self._device.info.button_names]
        changed = [(name, now) for name, now, before in zip(names, down, self._down, strict=True) if now != before]
        self._down = down
        return changed


def _deflections(state: Any) -> tuple[float, ...]:
    """Deflections in the order of `AXES`."""
    return tuple(max(-1.0, min(1.0, float(getattr(state, name)))) for name in _ATTRIBUTES)


def _open_first() -> Any:
    try:
        import pyspacemouse
    except ImportError as error:
        raise OSError(INSTALL_HINT) from error
    try:
        return pyspacemouse.open(axis_convention="hid_z_up")
    except (RuntimeError, AttributeError, ValueError) as error:
        # its reader raises AttributeError when the system library is missing
        raise OSError(LIBRARY_HINT) from error
