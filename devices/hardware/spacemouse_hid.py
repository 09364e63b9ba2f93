"""The interfaces of 3D mice through hidapi: all are listened to, and the one that speaks is read.

Runs in the device's reader thread, except `hid_module`, `interfaces` and `unknown_mice`, which list without opening.

A 3D mouse can have several interfaces, a universal receiver five. Only one sends motion, and which one depends on the
paired mouse. Nothing but a report shows it. So every candidate is open, and the first valid report chooses.
"""

from __future__ import annotations

import importlib
import os
import struct
import sys
import time
from collections.abc import Callable, Iterable, Mapping
from types import ModuleType
from typing import Any

from hitl_clic.devices.hardware.spacemouse_models import MODELS, Model
from hitl_clic.devices.hardware.spacemouse_own import Ids, known_models
from hitl_clic.devices.hardware.spacemouse_reports import DRAIN_MOST, INSTALL_HINT, SILENT_NS

Entry = Mapping[str, Any]
"""One entry of hidapi's list."""

CANNOT_OPEN = (
    "is connected but cannot be opened: another program uses it, or the system denies access. On Linux a udev rule "
    'helps: KERNEL=="hidraw*", ATTRS{idVendor}=="256f|046d", TAG+="uaccess"'
)
RESCAN_NS = 2_000_000_000
"""While the cap rests, new interfaces are looked for this often: a cable may be plugged in beside a receiver."""
_POLL_S = 0.001
"""Pause between two looks at several interfaces; a mouse reports every 8 ms."""
_PLAUSIBLE = 1000
"""Largest raw value of a report that may choose an interface. A keyboard's report can look like motion, but larger."""
_VENDOR = 0x256F
_MULTI_AXIS, _UNSAID = (1, 8), (0, 0)
"""Usage page and usage of an interface with axes, and those of a system that does not say them."""
_SHORTS = {7: struct.Struct("<3h"), 13: struct.Struct("<6h")}


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


def ids_of(entry: Entry) -> Ids:
    """Vendor and product id of an entry."""
    return entry["vendor_id"], entry["product_id"]


def interfaces(
    entries: Iterable[Entry], models: Mapping[Ids, Model] | None = None, which: str = ""
) -> list[tuple[Entry, Model]]:
    """The interfaces that may send motion, one entry for each path, with their models; cables before receivers.

    Args:
        entries: hidapi's list. It names a path once for each usage of it.
        models: known ones, by default those of the package.
        which: path, serial number or ids ("256f:c62e") of the wanted device; empty: any.
    """
    models = MODELS if models is None else models
    order = {ids: place for place, ids in enumerate(models)}
    known = [entry for entry in entries if ids_of(entry) in order and _is(entry, which)]
    usages: dict[tuple[Any, ...], set[tuple[int, int]]] = {}
    for entry in known:
        usages.setdefault(_device(entry), set()).add(_usage(entry))
    found: dict[bytes, Entry] = {}
    for entry in known:
        says = _MULTI_AXIS in usages[_device(entry)]
        if not says or _usage(entry) in (_MULTI_AXIS, _UNSAID):
            found.setdefault(entry["path"], entry)
    ranked = sorted(found.values(), key=lambda entry: (models[ids_of(entry)].receiver, order[ids_of(entry)]))
    return [(entry, models[ids_of(entry)]) for entry in ranked]


def unknown_mice(entries: Iterable[Entry], models: Mapping[Ids, Model]) -> list[str]:
    """Connected multi-axis devices of 3Dconnexion that no list knows: "256f:c670 (product name)"."""
    found = {
        f"{entry['vendor_id']:04x}:{entry['product_id']:04x} ({entry.get('product_string') or 'no name'})"
        for entry in entries
        if entry["vendor_id"] == _VENDOR and ids_of(entry) not in models and _usage(entry) == _MULTI_AXIS
    }
    return sorted(found)


def _device(entry: Entry) -> tuple[Any, ...]:
    return *ids_of(entry), entry.get("serial_number") or ""


def _usage(entry: Entry) -> tuple[int, int]:
    return entry.get("usage_page") or 0, entry.get("usage") or 0


def _is(entry: Entry, which: str) -> bool:
    if not which:
        return True
    vendor, product = ids_of(entry)
    path = os.fsdecode(entry["path"])
    names = {path, entry.get("serial_number") or path, f"{vendor:04x}:{product:04x}"}
    return which in names or os.path.realpath(which) == path


def speaks(report: bytes) -> bool:
    """Whether a report is motion or buttons of a 3D mouse, by its number, its length and the size of its values."""
    if len(report) < 2:
        return False
    if report[0] == 3:
        return True
    if report[0] not in (1, 2) or len(report) < 7:
        return False
    return max(map(abs, _values(report))) <= _PLAUSIBLE


def _values(report: bytes) -> tuple[int, ...]:
    return _SHORTS[13 if len(report) >= 13 else 7].unpack_from(report, 1)


class _Interface:
    """One open interface: what it last said about motion."""

    def __init__(self, entry: Entry, model: Model, device: Any) -> None:
        self.path: bytes = entry["path"]
        self.model, self.device = model, device
        number = entry.get("interface_number", -1)
        self.label = os.fsdecode(self.path) + (f", interface {number}" if number is not None and number >= 0 else "")
        self.heard_ns = 0
        self._moved = {1: False, 2: False}

    @property
    def moved(self) -> bool:
        """Whether its newest reports deflect an axis."""
        return any(self._moved.values())

    def note(self, report: bytes, now_ns: int) -> bool:
        """Note a report. Returns whether it shows that a hand uses this interface."""
        if not speaks(report):
            return False
        self.heard_ns = now_ns
        if report[0] in self._moved:
            self._moved[report[0]] = any(_values(report))
        return any(report[1:])


class HidTransport:
    """Reports of the interface that speaks, through the package hidapi, which needs no system library.

    The first valid report chooses an interface. While the chosen one is at rest or silent, another that is used takes
    its place. Reports of all others are thrown away, so that no queue fills.

    Args:
        which: path, serial number or ids of the device; empty: the first that is used.
        clock: nanoseconds.
    """

    def __init__(self, which: str = "", clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._which, self._clock = which, clock
        self._open: dict[bytes, _Interface] = {}
        self._chosen: _Interface | None = None
        self._denied = 0
        self._scanned_ns = 0

    @property
    def model(self) -> Model:
        """The model that is read; before the first report the first that is open."""
        return (self._chosen or next(iter(self._open.values()))).model

    @property
    def interface(self) -> str:
        """The interface that is read, in words."""
        count = len(self._open)
        if self._chosen is None:
            denied = f", {self._denied} cannot be opened" if self._denied else ""
            return f"none yet of {count} that are listened to{denied}"
        return self._chosen.label + (f" (of {count})" if count > 1 else "")

    def open(self) -> Model:
        """Open every interface that may speak.

        Raises:
            OSError: none is connected, access is denied, or the user's list of models is wrong.
        """
        names = self._scan()
        if self._open:
            return self.model
        if names:
            raise OSError(f"{names[0]} {CANNOT_OPEN}")
        named = f" at {self._which}" if self._which else ""
        raise OSError(f"no SpaceMouse is connected{named}")

    def read(self, timeout_s: float) -> bytes:
        """One report of the chosen interface; empty after a timeout. Raises OSError when it is gone."""
        deadline_ns = self._clock() + round(timeout_s * 1e9)
        while True:
            report = self._next(timeout_s if self._chosen is not None else 0.0)
            if report or self._clock() >= deadline_ns:
                return report
            if self._chosen is None:
                time.sleep(_POLL_S)

    def close(self) -> None:
        """Close all interfaces."""
        opened, self._open, self._chosen = self._open, {}, None
        for interface in opened.values():
            interface.device.close()

    def _next(self, timeout_s: float) -> bytes:
        chosen = self._chosen
        if chosen is not None:
            report = self._read(chosen, timeout_s)
            if report is None:
                raise OSError("the SpaceMouse was unplugged")
            if report:
                chosen.note(report, self._clock())
                return report
        if chosen is not None and chosen.moved and self._clock() - chosen.heard_ns <= SILENT_NS:
            return b""  # a hand holds the cap, so nothing else is looked at
        if self._clock() - self._scanned_ns > RESCAN_NS:
            self._scan()
        return self._listen()

    def _listen(self) -> bytes:
        """The first report of another interface that is used; that one is then chosen."""
        for other in [interface for interface in self._open.values() if interface is not self._chosen]:
            for _ in range(DRAIN_MOST):
                report = self._read(other, 0.0)
                if report is None:
                    other.device.close()
                    del self._open[other.path]
                    if not self._open:
                        raise OSError("the SpaceMouse was unplugged")
                if not report:
                    break
                used = other.note(report, self._clock())
                if used or (self._chosen is None and speaks(report)):
                    self._chosen = other
                    return report
        return b""

    def _read(self, interface: _Interface, timeout_s: float) -> bytes | None:
        """One waiting report; None if the interface is gone."""
        try:
            # without a timeout, hidapi does not wait, since the device is non-blocking
            data = interface.device.read(64, round(timeout_s * 1e3)) if timeout_s > 0 else interface.device.read(64)
        except (OSError, ValueError):
            return None
        return bytes(data)

    def _scan(self) -> list[str]:
        """Open the interfaces that are not open yet. Returns the names of models that are connected."""
        self._scanned_ns = self._clock()
        hid = hid_module()
        try:
            found = interfaces(hid.enumerate(), known_models(), self._which)
        except ValueError as error:
            raise OSError(str(error)) from error
        self._denied = 0
        for entry, model in found:
            if entry["path"] in self._open:
                continue
            device = hid.device()
            try:
                device.open_path(entry["path"])
                device.set_nonblocking(1)
            except (OSError, ValueError):
                self._denied += 1  # try the other interfaces
                continue
            self._open[entry["path"]] = _Interface(entry, model, device)
        return [model.name for _, model in found]
