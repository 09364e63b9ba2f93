"""The 3D mouse on its own reports: a transport of raw bytes, drained to the newest whenever it is read.

Runs in the device's reader thread. hidapi waits for reports without the interpreter's lock, so a motion is seen when
it is reported and the loop is not disturbed; the queue of the system is emptied at each reading, since old reports in
it are the best-known cause of lag with these devices.
"""

from __future__ import annotations

import importlib
import importlib.util
import sys
import time
from collections.abc import Callable, Iterable, Mapping, Sequence
from types import ModuleType
from typing import Any, Protocol

from hitl_clic.devices.hardware.handheld import HandheldDevice, Reading, Source
from hitl_clic.devices.hardware.pulse_stretch import Furthest
from hitl_clic.devices.hardware.spacemouse_models import MODELS, Model
from hitl_clic.devices.hardware.spacemouse_reports import AXES, Reports
from hitl_clic.devices.mapping.shaping import Profile

DRAIN_MOST = 4096
"""Most reports one reading takes in, far above any system's queue: a source that never runs dry must not keep the
newest state to itself."""
SILENT_NS = 100_000_000
"""A deflected cap reports every 8 ms, wireless every 16 ms; silent for this long, its receiver has lost it."""

PUSHES: Mapping[str, str] = {
    "right": "push sideways",
    "away": "push away or pull",
    "up": "press or lift",
    "about right": "tip away or back",
    "about away": "tip sideways",
    "about up": "twist",
}
"""What moves its raw axes, in words."""

NEEDS = "Needs an extra: pip install 'hitl-clic[spacemouse]'."
RIGHTS = (
    "is connected but cannot be opened: another program holds it, or the system forbids it. On Linux a udev rule "
    'helps: KERNEL=="hidraw*", ATTRS{idVendor}=="256f|046d", TAG+="uaccess"'
)


class Transport(Protocol):
    """Raw reports of one 3D mouse."""

    def open(self) -> Model:
        """Open the first one there is. Raises OSError, with a sentence, when there is none."""

    def read(self, timeout_s: float) -> bytes:
        """The oldest waiting report, its number first; empty when none comes in time. Raises OSError: unplugged."""

    def close(self) -> None:
        """Give it back. Safe to call twice."""


class ReportSource:
    """The state of a 3D mouse from its reports.

    A cap at rest is silent, and so confirmed by the open transport alone; a deflected one that falls silent is out of
    reach of its receiver, which stays plugged in: it counts as gone until it reports again.
    """

    def __init__(self, transport: Transport, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._transport, self._clock = transport, clock
        self._reports = Reports(Model("none", False, {}))
        self._heard_ns = clock()
        self._silent = False

    def open(self) -> None:
        """Open the transport; nothing is deflected or held until it reports."""
        self._reports = Reports(self._transport.open())
        self._heard_ns, self._silent = self._clock(), False

    def read(self, timeout_s: float) -> Reading:
        """Take in every waiting report."""
        changes: list[tuple[str, bool]] = []
        passed = Furthest(self._reports.deflections)
        report = self._transport.read(timeout_s)
        reports = 0
        while report and reports < DRAIN_MOST:
            reports += 1
            changes.extend(self._reports.feed(report))
            passed.see(self._reports.deflections)
            report = self._transport.read(0.0)
        now_ns = self._clock()
        if reports:
            self._heard_ns, self._silent = now_ns, False
        if self._reports.deflected and now_ns - self._heard_ns > SILENT_NS:
            self._reports.rest()
            self._silent = True
        time_ns = self._heard_ns if self._reports.deflected else now_ns
        furthest = None if passed.state is None else dict(zip(AXES, passed.state, strict=True))
        return Reading(time_ns, self._reports.axes, tuple(changes), not self._silent, reports, furthest)

    def buzz(self) -> None:
        """It cannot."""

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()


class HidTransport:
    """Reports through the package hidapi, which needs no library of the system."""

    def __init__(self) -> None:
        self._device: Any = None

    def open(self) -> Model:
        """Open the first known model, the cable before the receiver.

        Raises:
            OSError: none is connected, or none may be opened.
        """
        hid = hid_module()
        found = interfaces(hid.enumerate())
        for entry in found:
            device = hid.device()
            try:
                device.open_path(entry["path"])
                device.set_nonblocking(1)
            except (OSError, ValueError):
                continue  # another interface of it may do; if none does, the sentence below says so
            self._device = device
            return MODELS[entry["vendor_id"], entry["product_id"]]
        if found:
            raise OSError(f"{MODELS[found[0]['vendor_id'], found[0]['product_id']].name} {RIGHTS}")
        raise OSError("no SpaceMouse is connected")

    def read(self, timeout_s: float) -> bytes:
        """One report; OSError when the device is gone."""
        try:
            # without a time, hidapi does not wait for a device that was set non-blocking
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
    # on Linux its module for hidraw, if it has one: the other goes by libusb, which takes the device off the kernel
    for name in ("hidraw", "hid") if sys.platform.startswith("linux") else ("hid",):
        try:
            return importlib.import_module(name)
        except ImportError:
            continue
    raise OSError(NEEDS)


def interfaces(entries: Iterable[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """Those of hidapi's entries that are known models, the best first.

    One device may show several interfaces; the one that moves calls itself a multi-axis controller (page 1, usage 8),
    where the system tells.
    """
    order = {ids: place for place, ids in enumerate(MODELS)}
    known = [entry for entry in entries if (entry["vendor_id"], entry["product_id"]) in order]

    def rank(entry: Mapping[str, Any]) -> tuple[int, bool]:
        moves = (entry.get("usage_page"), entry.get("usage")) == (1, 8)
        return order[entry["vendor_id"], entry["product_id"]], not moves

    return sorted(known, key=rank)


def missing() -> str:
    """What is missing here to read a 3D mouse at all; empty if nothing."""
    try:
        hid_module()
    except OSError as error:
        return "" if importlib.util.find_spec("pyspacemouse") else str(error)
    return ""


def system_source() -> Source:
    """What reads a 3D mouse here: hidapi, or else pyspacemouse on the system's own library."""
    try:
        hid_module()
    except OSError:
        from hitl_clic.devices.hardware.spacemouse_fallback import PySpaceMouseSource

        return PySpaceMouseSource()
    return ReportSource(HidTransport())


def spacemouse(
    profile: Profile, source: Source | None = None, tap_hold_s: float = 0.12, axes: Sequence[str] = ()
) -> HandheldDevice:
    """A 3D mouse as a device; `source` is the system's own unless given."""
    return HandheldDevice(
        "spacemouse", source or system_source(), profile, rate_hz=100.0, tap_hold_s=tap_hold_s, axes=axes
    )
