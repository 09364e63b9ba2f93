"""The 3D mouse through pyspacemouse, used where the package hidapi is missing but its system library exists.

Runs in the device's reader thread. pyspacemouse reads one report per call, does not clip, returns one mutable state,
and keeps the last deflection after an unplug. It also opens one interface, which may be mute. This source corrects all
five: while an interface is silent, it opens the next one every few seconds.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from hitl_clic.devices.hardware.handheld import Reading
from hitl_clic.devices.hardware.pulse_stretch import PeakState
from hitl_clic.devices.hardware.spacemouse_models import MODELS, Model
from hitl_clic.devices.hardware.spacemouse_reports import AXES, DRAIN_MOST, INSTALL_HINT, SILENT_NS, silence

_ATTRIBUTES = ("x", "y", "z", "roll", "pitch", "yaw")
"""pyspacemouse's names for `AXES` in its convention "hid_z_up"."""
_STEP_S = 0.002
NEXT_NS = 3_000_000_000
"""An interface that is silent for this long from its opening is exchanged for the next."""
LIBRARY_HINT = (
    "pyspacemouse found no SpaceMouse, or its system library is missing: install libhidapi-hidraw0 "
    "(on Debian and Ubuntu: apt install libhidapi-hidraw0), or the package hidapi instead"
)


class PySpaceMouseSource:
    """A source that polls pyspacemouse."""

    def __init__(
        self,
        which: str = "",
        opens: Callable[[], Any] | None = None,
        clock: Callable[[], int] = time.perf_counter_ns,
    ) -> None:
        """
        Args:
            which: path of the device; empty: each connected one in turn, until one is used.
            opens: returns an open `pyspacemouse.SpaceMouseDevice`, convention "hid_z_up"; by default the next one.
            clock: nanoseconds.
        """
        self._opens = opens or _InTurn(which)
        self._clock = clock
        self._device: Any = None
        self._model = Model("SpaceMouse", False, {})
        self._names: list[str] = []
        self._reported = -1.0
        self._heard_ns = clock()
        self._down: tuple[bool, ...] = ()
        self._deflections: tuple[float, ...] = (0.0,) * len(AXES)
        self._trouble = ""
        self._opened_ns = clock()
        self._waiting = False
        """No report arrived since the opening."""

    def open(self) -> None:
        """Open a 3D mouse. Raises OSError if there is none or the system library is missing."""
        self._open_next()
        self._opened_ns, self._trouble, self._waiting = self._heard_ns, "", True

    def _open_next(self) -> None:
        self._device = self._opens()
        info = self._device.info
        self._model = MODELS.get(tuple(info.hid_id), Model(info.name, False, {}))
        places = {place: name for name, place in self._model.buttons.items()}
        self._names = [places.get((spec.byte, spec.bit), "") for spec in info.button_specs]
        self._heard_ns = self._clock()
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
        first = self._waiting and reports > 0
        if reports:
            self._heard_ns, self._trouble, self._waiting = now_ns, "", False
        deflected = any(self._deflections)
        if deflected and now_ns - self._heard_ns > SILENT_NS:
            self._trouble = f"the {self._model.name} fell silent in mid-motion"
        elif self._waiting and now_ns - self._heard_ns > NEXT_NS:
            self.close()
            self._open_next()
        new = now_ns - self._opened_ns <= SILENT_NS
        quiet = silence(self._model) if self._waiting else ""
        time_ns = self._heard_ns if deflected else now_ns
        axes = dict(zip(AXES, self._deflections, strict=True))
        peak_axes = None if peak.state is None else dict(zip(AXES, peak.state, strict=True))
        return Reading(
            time_ns,
            axes,
            tuple(changes),
            not self._trouble and not (quiet and new),
            reports,
            peak_axes,
            self._trouble or quiet,
            self._model.name,
            quiet,
            first and new,
        )

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
        pairs = zip(self._names, down, self._down, strict=True)
        changed = [(name, now) for name, now, before in pairs if name and now != before]
        self._down = down
        return changed


def _deflections(state: Any) -> tuple[float, ...]:
    """Deflections in the order of `AXES`."""
    return tuple(max(-1.0, min(1.0, float(getattr(state, name)))) for name in _ATTRIBUTES)


class _InTurn:
    """Opens one connected interface, at each call the next."""

    def __init__(self, which: str) -> None:
        self._which, self._number = which, -1

    def __call__(self) -> Any:
        try:
            import pyspacemouse
        except ImportError as error:
            raise OSError(INSTALL_HINT) from error
        try:
            if self._which:
                return pyspacemouse.open_by_path(self._which, axis_convention="hid_z_up")
            paths = sorted(pyspacemouse.get_connected_devices_by_path())
            if not paths:
                raise OSError(LIBRARY_HINT)
            self._number = (self._number + 1) % len(paths)
            return pyspacemouse.open_by_path(paths[self._number], axis_convention="hid_z_up")
        except (RuntimeError, AttributeError, ValueError) as error:
            # its reader raises AttributeError when the system library is missing
            raise OSError(LIBRARY_HINT) from error
