"""The 3D mouse through hidapi: every reading drains the queue of raw reports.

Runs in the device's reader thread. hidapi waits for reports without the interpreter lock, so reading adds no delay to
the control loop. Undrained reports are the best-known cause of lag with these devices.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, Protocol

from hitl_clic.devices.hardware.handheld import HandheldDevice, Reading, Source
from hitl_clic.devices.hardware.pulse_stretch import PeakState
from hitl_clic.devices.hardware.spacemouse_fallback import PySpaceMouseSource
from hitl_clic.devices.hardware.spacemouse_models import MODELS, Model
from hitl_clic.devices.hardware.spacemouse_reports import AXES, DRAIN_MOST, INSTALL_HINT, SILENT_NS, Reports
from hitl_clic.devices.mapping.shaping import Profile

AXIS_LABELS: Mapping[str, str] = {
    "right": "push sideways",
    "away": "push away or pull",
    "up": "press or lift",
    "about right": "tip away or back",
    "about away": "tip sideways",
    "about up": "twist",
}
"""Raw axis to the gesture that moves it."""

CANNOT_OPEN = (
    "is connected but cannot be opened: another program uses it, or the system denies access. On Linux a udev rule "
    'helps: KERNEL=="hidraw*", ATTRS{idVendor}=="256f|046d", TAG+="uaccess"'
)


class Transport(Protocol):
    """Raw reports of one 3D mouse."""

    def open(self) -> Model:
        """Open the first one that is connected. Raises OSError with a sentence if there is none."""

    def read(self, timeout_s: float) -> bytes:
        """The oldest waiting report, its number first; empty after a timeout. Raises OSError when unplugged."""

    def close(self) -> None:
        """Close it. Safe to call twice."""


class ReportSource:
    """The state of a 3D mouse from its reports.

    A cap at rest sends nothing, so an open transport is enough to confirm rest. A deflected cap that falls silent is
    out of range of its wireless receiver. It counts as disconnected until it reports again.
    """

    def __init__(self, transport: Transport, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._transport, self._clock = transport, clock
        self._reports = Reports(Model("none", False, {}))
        self._heard_ns = clock()
        self._silent = False

    def open(self) -> None:
        """Open the transport. All axes and buttons are at rest until the first report."""
        self._reports = Reports(self._transport.open())
        self._heard_ns, self._silent = self._clock(), False

    def read(self, timeout_s: float) -> Reading:
        """Decode every waiting report."""
        changes: list[tuple[str, bool]] = []
        peak = PeakState(self._reports.deflections)
        report = self._transport.read(timeout_s)
        reports = 0
        while report and reports < DRAIN_MOST:
            reports += 1
            changes.extend(self._reports.feed(report))
            peak.add(self._reports.deflections)
            report = self._transport.read(0.0)
        now_ns = self._clock()
        if reports:
            self._heard_ns, self._silent = now_ns, False
        if self._reports.deflected and now_ns - self._heard_ns > SILENT_NS:
            self._reports.rest()
            self._silent = True
        time_ns = self._heard_ns if self._reports.deflected else now_ns
        peak_axes = None if peak.state is None else dict(zip(AXES, peak.state, strict=True))
        return Reading(time_ns, self._reports.axes, tuple(changes), not self._silent, reports, peak_axes)

    def rumble(self) -> None:
        """Do nothing: there is no motor."""

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()


class HidTransport:
    """Reports through the package hidapi, which needs no system library."""

    def __init__(self) -> None:
        self._device: Any = None

    def open(self) -> Model:
        """Open the first known model, by cable before by receiver.

        Raises:
            OSError: none is connected, or access is denied.
        """
        hid = hid_module()
        found = interfaces(hid.enumerate())
        for entry in found:
            device = hid.device()
            try:
                device.open_path(entry["path"])
                device.set_nonblocking(1)
            except (OSError, ValueError):
                continue  # try its other interfaces
            self._device = device
            return MODELS[entry["vendor_id"], entry["product_id"]]
        if found:
            raise OSError(f"{MODELS[found[0]['vendor_id'], found[0]['product_id']].name} {CANNOT_OPEN}")
        raise OSError("no SpaceMouse is connected")

    def read(self, timeout_s: float) -> bytes:
        """One report. Raises OSError when the device is gone."""
        try:
            # without a timeout, hidapi does not wait, since the device is non-blocking
            data = self._device.read(64, round(timeout_s * 1e3)) if timeout_s > 0 else self._device.read(64)
        except (OSError, ValueError) as error:
            raise OSError("the SpaceMouse was unplugged") from error
        return bytes(data)

    def close(self) -> None:
        """Close the device."""
        device, self._device = self._device, None
        if device is not None:
            device.close()


def hid_module() -> ModuleType:
    """The package hidapi.

    Raises:
        OSError: it is not installed.
    """
    # on Linux prefer its hidraw module: the other uses libusb, which detaches the kernel driver
    for name in ("hidraw", "hid") if sys.platform.startswith("linux") else ("hid",):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise OSError(INSTALL_HINT)


def interfaces(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The entries of hidapi that are known models, best first.

    A device may have several interfaces. The one with the axes is a multi-axis controller (usage page 1, usage 8),
    where the system reports usages.
    """
    order = {ids: place for place, ids in enumerate(MODELS)}
    known = [entry for entry in entries if (entry["vendor_id"], entry["product_id"]) in order]

    def rank(entry: Mapping[str, Any]) -> tuple[int, bool]:
        has_axes = (entry.get("usage_page"), entry.get("usage")) == (1, 8)
        return order[entry["vendor_id"], entry["product_id"]], not has_axes

    return sorted(known, key=rank)


def missing() -> str:
    """The package that is missing, as a sentence; empty if none."""
    try:
        hid_module()
    except OSError as error:
        return "" if importlib.util.find_spec("pyspacemouse") else str(error)
    return ""


def status() -> tuple[bool, str]:
    """(usable now, sentence) for the device list. Opens no device."""
    if lacking := missing():
        return False, lacking
    try:
        found = interfaces(hid_module().enumerate())
    except OSError:
        found = []  # pyspacemouse alone is installed, which finds devices only by opening them
    if not found:
        return False, "None is connected; plug one in, also during a session."
    if closed := [entry for entry in found if not _may_open(entry["path"])]:
        return False, f"{MODELS[closed[0]['vendor_id'], closed[0]['product_id']].name} {CANNOT_OPEN}"
    names = sorted({MODELS[entry["vendor_id"], entry["product_id"]].name for entry in found})
    return True, f"Ready: {', '.join(names)} is connected; push the cap to move."


def _may_open(path: bytes) -> bool:
    """Whether the device file may be read and written. True where devices are not files."""
    return not path.startswith(b"/dev/") or os.access(path, os.R_OK | os.W_OK)


def system_source() -> Source:
    """The best source here: hidapi, or else pyspacemouse with the system's library."""
    try:
        hid_module()
    except OSError:
        return PySpaceMouseSource()
    return ReportSource(HidTransport())


def spacemouse(
    profile: Profile, source: Source | None = None, tap_hold_s: float = 0.12, axes: Sequence[str] = ()
) -> HandheldDevice:
    """A 3D mouse as a device; `source` defaults to the system's."""
    return HandheldDevice(
        "spacemouse", source or system_source(), profile, rate_hz=100.0, tap_hold_s=tap_hold_s, axes=axes
    )
