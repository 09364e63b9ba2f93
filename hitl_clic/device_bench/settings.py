"""Settings of the device bench. Frozen data; the command line fills it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BenchSettings:
    """One test of a device.

    Attributes:
        test: the device, KIND or KIND:WHICH, or "playback". task: task whose axes are used; empty: all axes.
        profile: a name in configs/devices or a path; empty: the device's default. recording: session folder to play.
        seconds: duration; 0: until ended by the user, or 3 s with `json` or `calibrate`.
        json: print one JSON object at the end. calibrate: set offsets and deadzones from the readings at rest.
        headless: no window. deadzone, exponent, scale: changes of the profile; None: unchanged.
        invert: axes to reverse. axis: changes of single axes, "AXIS.FIELD=VALUE".
        save: name or path for the changed profile.
    """

    test: str
    task: str = ""
    profile: str = ""
    recording: Path | None = None
    seconds: float = 0.0
    json: bool = False
    calibrate: bool = False
    headless: bool = False
    deadzone: float | None = None
    exponent: float | None = None
    scale: float | None = None
    invert: tuple[str, ...] = ()
    axis: tuple[str, ...] = ()
    save: str = ""

    @property
    def kind(self) -> str:
        """The device's name in the table."""
        return self.test.partition(":")[0]
