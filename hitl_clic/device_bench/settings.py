"""What is asked of the device bench. Frozen data; the command line fills it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class BenchSettings:
    """One test of a device.

    Attributes:
        test: name of the device, or "playback". task: name, for its axes; empty: all axes.
        profile: a name in configs/devices or a path; empty: the device's own. recording: session folder to play back.
        seconds: length of the test; 0: until it is ended, 3 with `json` or `calibrate`. json: one object at the end.
        calibrate: set offsets and deadzones from how the device rests. headless: no window.
        deadzone, exponent, scale: changes to the profile; None: as it is. invert: names of axes.
        axis: changes to single axes, "AXIS.FIELD=VALUE". save: name or path for the changed profile.
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
