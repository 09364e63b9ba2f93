"""One test of a device: the device, what is measured of it, its profile as it is now, and where that is kept.

Main thread; the window's thread reads it, which only follows references to what never changes.
"""

from __future__ import annotations

import time
from itertools import count
from pathlib import Path
from typing import Literal

from hitl_clic.cockpit.state.bench_state import BenchKnob
from hitl_clic.device_bench.meter import Figures, Meter
from hitl_clic.device_bench.settings import BenchSettings
from hitl_clic.devices.core.controls import key_label
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.mapping.mapped_device import MappedDevice
from hitl_clic.devices.mapping.profiles import calibrated, place, save_profile
from hitl_clic.devices.mapping.shaping import Profile
from hitl_clic.devices.mapping.tuning import BACK, KNOBS, NEXT, Tuning
from hitl_clic.runner.device_registry import DEVICES
from hitl_clic.types.errors import SettingsError

SAVE = ("s", "f9")
"""Keys that keep the profile: the first that it does not bind."""
RECENT = 500
"""Readings behind the live figures."""
State = Literal["away", "rest", "drives", "stop"]


class Trial:
    """A device on the bench.

    Attributes:
        device: started by whoever runs the test. meter: measures it. label: its name for people.
        tuning: the changes to its profile; None where it has none. fixed: why nothing can be changed, in a sentence.
        kept: where the profile was saved, if it was. calibrates: it is fitted at the end to how it rested.
    """

    def __init__(self, device: Device, label: str, profile: Profile | None, bench: BenchSettings) -> None:
        self.device, self.label, self.meter = device, label, Meter(device)
        self.calibrates = bench.calibrate
        self.kept: Path | None = None
        self.tuning = None if profile is None else Tuning(profile, tuple(DEVICES[bench.test].raw))
        self.fixed = "" if profile else f"The {label} gives a task's own actions: there is no curve or map to change."
        self._bench, self._saved, self._said = bench, profile, ""

    @property
    def profile(self) -> Profile | None:
        """As it is now."""
        return None if self.tuning is None else self.tuning.profile

    @property
    def changed(self) -> bool:
        """Whether the profile is other than when it was loaded or last kept."""
        return self.profile != self._saved

    @property
    def message(self) -> str:
        """What the last key led to, where that is not plain to see."""
        return self._said or (self.tuning.message if self.tuning is not None else "")

    @property
    def use(self) -> str:
        """The options that take what was kept."""
        kept = self.kept or Path()
        return f"--device {self._bench.test} --profile {kept.stem if place(kept.stem) == kept else kept}"

    def press(self, key: str) -> None:
        """A key of the bench went down."""
        if self.tuning is None:
            return
        if key == self._save_key(self.tuning):
            try:
                self._said = f"Saved as {self.keep().name}: teach {self.use}"
            except SettingsError as error:
                self._said = str(error)
        elif self.tuning.press(key):
            self._said = ""
            self._tune(self.tuning.profile)

    def calibrate(self) -> None:
        """Fit offsets and deadzones to how the device rested so far.

        Raises:
            SettingsError: it was not there, or not at rest.
        """
        rests = self.meter.rests()
        if self.tuning is None or not rests:
            why = self.device.trouble or f"the {self.device.name} is not there"
            raise SettingsError(f"nothing was measured: {why}")
        try:
            self.tuning.profile = calibrated(self.tuning.profile, rests)
        except ValueError as error:
            raise SettingsError(str(error)) from error

    def keep(self) -> Path:
        """Save the profile under the name asked for, or a free one; gives the file.

        Raises:
            SettingsError: it cannot be written.
        """
        assert self.tuning is not None
        path = self.kept or (place(self._bench.save) if self._bench.save else _free(self._bench.test))
        profile = self.tuning.profile.model_copy(update={"name": path.stem})
        try:
            save_profile(profile, path, over=self.kept is not None or self._bench.profile == self._bench.save)
        except ValueError as error:
            raise SettingsError(str(error)) from error
        self.kept, self._saved = path, self.tuning.profile
        return path

    def knobs(self) -> tuple[BenchKnob, ...]:
        """What can be changed about the chosen axis."""
        tuning = self.tuning
        if tuning is None:
            return ()
        return tuple(BenchKnob(knob.name, knob.reads(tuning), knob.less, knob.more) for knob in KNOBS)

    def hints(self) -> tuple[tuple[str, str], ...]:
        """The other keys: (label, what it does)."""
        tuning = self.tuning
        if tuning is None:
            return ()
        rows = ((NEXT, "next axis"), (BACK, "take back"), (self._save_key(tuning), "save"))
        return tuple((key_label(key), does) for key, does in rows)

    def _tune(self, profile: Profile) -> None:
        if isinstance(self.device, MappedDevice):
            self.device.tune(profile)

    def _save_key(self, tuning: Tuning) -> str:
        return next((key for key in SAVE if key not in tuning.profile.keys), "")


def _free(device: str) -> Path:
    """A name that no profile has."""
    names = (f"my-{device}{'' if number == 1 else f'-{number}'}" for number in count(1))
    return next(path for path in map(place, names) if not path.exists())


# ---- what is said of a device, in window and terminal alike


def trouble(device: Device) -> str:
    """Why it is not connected, as far as it knows."""
    return device.trouble or (str(device.failure) if device.failure else "")


def state(device: Device, sample: DeviceSample) -> tuple[State, str]:
    """How it is, and that in words."""
    if not sample.connected:
        return "away", f"not connected: {trouble(device) or 'it is not there'}"
    if sample.stop:
        return "stop", "STOP is held"
    return ("drives", "drives") if sample.engage else ("rest", "at rest")


def rate(figures: Figures) -> str:
    """Rate, jitter and queue in a line."""
    waiting = f"at most {figures.most_waiting} reports at once" if figures.most_waiting > 1 else "no report waited"
    dropped = f", {figures.dropped} dropped" if figures.dropped else ""
    return (
        f"{figures.rate_hz:.0f} reports/s, every {figures.interval_p50_ms:.1f} ms "
        f"(99%: {figures.interval_p99_ms:.1f} ms), {waiting}{dropped}"
    )


def facts(trial: Trial, sample: DeviceSample) -> tuple[tuple[str, str], ...]:
    """Rate, jitter, queue and age as they are now: (what, figure)."""
    figures = trial.meter.figures(RECENT)
    return (
        ("reports", f"{figures.rate_hz:.0f} a second"),
        ("apart", f"{figures.interval_p50_ms:.1f} ms, 99% within {figures.interval_p99_ms:.1f}"),
        ("most at once", f"{figures.most_waiting}" + (f", {figures.dropped} dropped" if figures.dropped else "")),
        (
            "age",
            f"{sample.age_s(time.perf_counter_ns()) * 1e3:.1f} ms, 99% under {figures.age_p99_ms:.1f}",
        ),
    )
