"""The 3D mouse through pyspacemouse, for where hidapi is not to be had but the system has its own library.

Runs in the device's reader thread. pyspacemouse reads one report at a call, clips nothing, hands out the one state it
goes on changing, and after an unplug keeps the last deflection; what follows is made to hold all the same.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

from hitl_clic.devices.hardware.handheld import Reading
from hitl_clic.devices.hardware.pulse_stretch import Furthest
from hitl_clic.devices.hardware.spacemouse import DRAIN_MOST, NEEDS, SILENT_NS
from hitl_clic.devices.hardware.spacemouse_reports import AXES

_ATTRIBUTES = ("x", "y", "z", "roll", "pitch", "yaw")
"""pyspacemouse's names for `AXES` in its convention "hid_z_up"."""
_STEP_S = 0.002
LIBRARY = (
    "pyspacemouse found no SpaceMouse, or not the library it reads one with: install libhidapi-hidraw0 "
    "(on Debian and Ubuntu: apt install libhidapi-hidraw0), or the package hidapi in its place"
)


class PySpaceMouseSource:
    """pyspacemouse's state as a source."""

    def __init__(self, opens: Callable[[], Any] | None = None, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        """`opens` gives an open `pyspacemouse.SpaceMouseDevice` in the convention "hid_z_up"; the first by default."""
        self._opens = opens or _open_first
        self._clock = clock
        self._device: Any = None
        self._reported = -1.0
        self._heard_ns = clock()
        self._down: tuple[bool, ...] = ()
        self._deflections: tuple[float, ...] = (0.0,) * len(AXES)
        self._silent = False

    def open(self) -> None:
        """Open the first 3D mouse. Raises OSError: there is none, or the system's library is missing."""
        self._device = self._opens()
        self._heard_ns, self._silent = self._clock(), False
        state = self._device.read()
        self._reported = -1.0
        self._down = (False,) * len(state.buttons)
        self._deflections = _deflections(state)

    def read(self, timeout_s: float) -> Reading:
        """Read until nothing is new."""
        deadline_ns = self._clock() + round(timeout_s * 1e9)
        changes: list[tuple[str, bool]] = []
        state = self._ask()
        passed = Furthest(self._deflections)
        while state.t == self._reported and self._clock() < deadline_ns:
            time.sleep(_STEP_S)
            state = self._ask()
        reports = 0
        while state.t != self._reported and reports < DRAIN_MOST:
            reports += 1
            self._reported = state.t
            changes.extend(self._press(state.buttons))
            self._deflections = _deflections(state)
            passed.see(self._deflections)
            state = self._ask()
        now_ns = self._clock()
        if reports:
            self._heard_ns, self._silent = now_ns, False
        deflected = any(self._deflections)
        self._silent = self._silent or (deflected and now_ns - self._heard_ns > SILENT_NS)
        time_ns = self._heard_ns if deflected else now_ns
        axes = dict(zip(AXES, self._deflections, strict=True))
        furthest = None if passed.state is None else dict(zip(AXES, passed.state, strict=True))
        return Reading(time_ns, axes, tuple(changes), not self._silent, reports, furthest)

    def buzz(self) -> None:
        """It cannot."""

    def close(self) -> None:
        """Close the device."""
        device, self._device = self._device, None
        if device is not None:
            device.close()

    def _ask(self) -> Any:
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
    """In the order of `AXES`."""
    return tuple(max(-1.0, min(1.0, float(getattr(state, name)))) for name in _ATTRIBUTES)


def _open_first() -> Any:
    try:
        import pyspacemouse
    except ImportError as error:
        raise OSError(NEEDS) from error
    try:
        return pyspacemouse.open(axis_convention="hid_z_up")
    except (RuntimeError, AttributeError, ValueError) as error:
        # AttributeError: how its reader says that the system's library is missing
        raise OSError(LIBRARY) from error
