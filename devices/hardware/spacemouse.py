"""The 3D mouse through hidapi: every reading drains the queue of raw reports.

Runs in the device's reader thread. hidapi waits for reports without the interpreter lock, so reading adds no delay to
the control loop. Undrained reports are the best-known cause of lag with these devices.
"""

from __future__ import annotations

import importlib.util
import os
import time
from collections.abc import Callable, Mapping, Sequence
from typing import Protocol

from hitl_clic.devices.hardware.handheld import HandheldDevice, Reading, Source
from hitl_clic.devices.hardware.pulse_stretch import PeakState
from hitl_clic.devices.hardware.spacemouse_fallback import PySpaceMouseSource
from hitl_clic.devices.hardware.spacemouse_hid import CANNOT_OPEN, HidTransport, hid_module, interfaces, unknown_mice
from hitl_clic.devices.hardware.spacemouse_models import Model
from hitl_clic.devices.hardware.spacemouse_own import known_models, own_file
from hitl_clic.devices.hardware.spacemouse_reports import AXES, DRAIN_MOST, SILENT_NS, Reports, silence
from hitl_clic.devices.mapping.shaping import Profile

AXIS_LABELS: Mapping[str, str] = {
    "right": "push left or right",
    "away": "pull or push away",
    "up": "press or lift",
    "about right": "tip away or back",
    "about away": "tip left or right",
    "about up": "twist right or left",
}
"""Raw axis to the gestures that move it, below 0 first. `key_rows` gives what they do in the same order."""


class Transport(Protocol):
    """Raw reports of one 3D mouse."""

    @property
    def model(self) -> Model:
        """The model of the newest report."""

    @property
    def interface(self) -> str:
        """The interface that is read, in words."""

    def open(self) -> Model:
        """Open the first one that is connected. Raises OSError with a sentence if there is none."""

    def read(self, timeout_s: float) -> bytes:
        """The oldest waiting report, its number first; empty after a timeout. Raises OSError when unplugged."""

    def close(self) -> None:
        """Close it. Safe to call twice."""


class ReportSource:
    """The state of a 3D mouse from its reports.

    A cap at rest sends nothing, and a deflected one reports continuously. So silence is rest, after a report as from
    the opening on. For `SILENT_NS` after the opening the cap may be held, so the reading is not alive until a report.
    A receiver without its mouse cannot be told from a cap at rest; until the first report, the reading notes that.

    Buttons of the first report in that time were down before; a mouse reports later ones when they are pressed.

    A deflected cap that falls silent is out of range of its receiver. It counts as disconnected until it reports again.
    A mouse that falls asleep or runs out of battery at rest cannot be told from one at rest.
    """

    def __init__(self, transport: Transport, clock: Callable[[], int] = time.perf_counter_ns) -> None:
        self._transport, self._clock = transport, clock
        self._reports = Reports(Model("none", False, {}))
        self._heard_ns = self._opened_ns = clock()
        self._trouble = ""
        self._waiting = False
        """No report arrived since the opening."""

    def open(self) -> None:
        """Open the transport. All axes and buttons are at rest until the first report."""
        self._reports = Reports(self._transport.open())
        self._heard_ns = self._opened_ns = self._clock()
        self._trouble, self._waiting = "", True

    def read(self, timeout_s: float) -> Reading:
        """Decode every waiting report."""
        changes: list[tuple[str, bool]] = []
        peak = PeakState(self._reports.deflections)
        report = self._transport.read(timeout_s)
        reports = 0
        while report and reports < DRAIN_MOST:
            reports += 1
            if self._transport.model is not self._reports.model:  # another mouse is used now
                changes.extend(self._reports.released())
                self._reports = Reports(self._transport.model)
            changes.extend(self._reports.feed(report))
            peak.add(self._reports.deflections)
            report = self._transport.read(0.0)
        now_ns = self._clock()
        if reports:
            self._heard_ns = now_ns
        first = self._waiting and self._reports.heard
        if self._reports.heard and reports:
            self._trouble, self._waiting = "", False
        if self._reports.deflected and now_ns - self._heard_ns > SILENT_NS:
            self._reports.rest()
            self._trouble = f"the {self._reports.model.name} fell silent in mid-motion"
        new = now_ns - self._opened_ns <= SILENT_NS
        quiet = silence(self._reports.model) if self._waiting else ""
        time_ns = self._heard_ns if self._reports.deflected else now_ns
        peak_axes = None if peak.state is None else dict(zip(AXES, peak.state, strict=True))
        return Reading(
            time_ns,
            self._reports.axes,
            tuple(changes),
            not self._trouble and not (quiet and new),
            reports,
            peak_axes,
            self._trouble or quiet,
            self._transport.interface,
            quiet,
            first and new,
        )

    def rumble(self) -> None:
        """Do nothing: there is no motor."""

    def close(self) -> None:
        """Close the transport."""
        self._transport.close()


def missing() -> str:
    """What is missing or wrong here, as a sentence: a package, or the user's list of models; empty if nothing."""
    try:
        known_models()
        hid_module()
    except ValueError as error:
        return str(error)
    except OSError as error:
        return "" if importlib.util.find_spec("pyspacemouse") else str(error)
    return ""


def status() -> tuple[bool, str]:
    """(usable now, sentence) for the device list. Opens no device, so it cannot know whether one speaks."""
    if lacking := missing():
        return False, lacking
    models = known_models()
    try:
        entries = list(hid_module().enumerate())
    except OSError:
        entries = []  # pyspacemouse alone is installed, which finds devices only by opening them
    found = interfaces(entries, models)
    unknown = "".join(
        f" {name} is connected but unknown; add it to {own_file()}." for name in unknown_mice(entries, models)
    )
    if not found:
        return False, f"None is connected; plug one in, also during a session.{unknown}"
    if closed := [model.name for entry, model in found if not _may_open(entry["path"])]:
        return False, f"{closed[0]} {CANNOT_OPEN}{unknown}"
    silent = [silence(model) for _, model in found if model.receiver]
    names = []
    for name in dict.fromkeys(model.name for _, model in found):
        places = [
            (entry.get("serial_number") or os.fsdecode(entry["path"])) for entry, model in found if model.name == name
        ]
        names.append(f"{name} ({', '.join(dict.fromkeys(places))})")
    note = f" Until then {silent[0]}." if len(silent) == len(found) else ""
    return True, f"Ready: {', '.join(names)} is connected; push the cap to move.{note}{unknown}"


def _may_open(path: bytes) -> bool:
    """Whether the device file may be read and written. True where devices are not files."""
    return not path.startswith(b"/dev/") or os.access(path, os.R_OK | os.W_OK)


def system_source(which: str = "") -> Source:
    """The best source here: hidapi, or else pyspacemouse with the system's library.

    `which`: path, serial number or ids of the device; empty: any.
    """
    try:
        hid_module()
    except OSError:
        return PySpaceMouseSource(which)
    return ReportSource(HidTransport(which))


def spacemouse(
    profile: Profile,
    source: Source | None = None,
    tap_hold_s: float = 0.12,
    axes: Sequence[str] = (),
    which: str = "",
) -> HandheldDevice:
    """A 3D mouse as a device; `source` defaults to the system's, `which` says which of them."""
    return HandheldDevice(
        "spacemouse", source or system_source(which), profile, rate_hz=100.0, tap_hold_s=tap_hold_s, axes=axes
    )
