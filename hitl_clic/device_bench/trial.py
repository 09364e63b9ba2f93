"""One test of a device: device, measurements, present profile, and saving.

Main thread. The window's thread also reads it, through references to immutable objects only.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from itertools import count
from pathlib import Path
from typing import Literal

from hitl_clic.cockpit.state.bench_state import BenchKnob
from hitl_clic.cockpit.window.key_reading import KeyUse
from hitl_clic.device_bench.meter import Figures, Meter
from hitl_clic.device_bench.settings import BenchSettings
from hitl_clic.devices.core.controls import key_label
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.mapping.mapped_device import MappedDevice
from hitl_clic.devices.mapping.profiles import calibrated, profile_path, save_profile
from hitl_clic.devices.mapping.push import thresholds
from hitl_clic.devices.mapping.shaping import Profile
from hitl_clic.devices.mapping.tuning import KNOBS, NEXT, UNDO, Tuning
from hitl_clic.devices.registry import DEVICES
from hitl_clic.types.errors import SettingsError

SAVE = ("s", "f9")
"""Keys that save the profile; the first one that the profile does not bind is used."""
RECENT = 500
"""Number of readings in the live figures."""
State = Literal["away", "rest", "drives", "stop"]


class Trial:
    """A device on the bench.

    Attributes:
        device: started by the caller. meter: its measurements. label: its display name.
        tuning: changes of its profile; None without a profile. fixed: why there is no tuning, as a sentence.
        saved_to: file of the saved profile; None before saving. calibrates: whether to calibrate at the end.
    """

    def __init__(self, device: Device, label: str, profile: Profile | None, bench: BenchSettings) -> None:
        self.device, self.label, self.meter = device, label, Meter(device)
        self.calibrates = bench.calibrate
        self.saved_to: Path | None = None
        self.tuning = None if profile is None else Tuning(profile, tuple(DEVICES[bench.kind].axis_labels))
        self.fixed = (
            ""
            if profile
            else f"The {label} gives the task's actions directly, so it has no response or axis map to tune."
        )
        self._bench, self._saved_profile, self._message = bench, profile, ""

    @property
    def profile(self) -> Profile | None:
        """The present profile; None if the device has none."""
        return None if self.tuning is None else self.tuning.profile

    @property
    def changed(self) -> bool:
        """Whether the profile differs from the loaded or last saved one."""
        return self.profile != self._saved_profile

    @property
    def message(self) -> str:
        """Result or error of the last key; empty if none."""
        return self._message or (self.tuning.message if self.tuning is not None else "")

    @property
    def use(self) -> str:
        """The options that select the saved profile."""
        saved = self.saved_to or Path()
        return f"--device {self._bench.test} --profile {saved.stem if profile_path(saved.stem) == saved else saved}"

    def press(self, key: str) -> None:
        """Handle a key of the bench."""
        if self.tuning is None:
            return
        if key == self._save_key(self.tuning):
            try:
                self._message = f"Saved as {self.save().name}: teach {self.use}"
            except SettingsError as error:
                self._message = str(error)
        elif self.tuning.press(key):
            self._message = ""
            self._tune(self.tuning.profile)

    def calibrate(self) -> None:
        """Set offsets and deadzones from the readings so far.

        Raises:
            SettingsError: the device was not connected, or not at rest.
        """
        rests = self.meter.rests()
        if self.tuning is None or not rests:
            why = self.device.trouble or f"the {self.device.name} is not connected"
            raise SettingsError(f"nothing was measured: {why}")
        try:
            self.tuning.profile = calibrated(self.tuning.profile, rests)
        except ValueError as error:
            raise SettingsError(str(error)) from error

    def save(self) -> Path:
        """Save the profile under the requested name, or a free one. Returns the file.

        Raises:
            SettingsError: it cannot be written.
        """
        assert self.tuning is not None
        path = self.saved_to or (profile_path(self._bench.save) if self._bench.save else _free(self._bench.kind))
        profile = self.tuning.profile.model_copy(update={"name": path.stem})
        try:
            save_profile(profile, path, over=self.saved_to is not None or self._bench.profile == self._bench.save)
        except ValueError as error:
            raise SettingsError(str(error)) from error
        self.saved_to, self._saved_profile = path, self.tuning.profile
        return path

    def knobs(self) -> tuple[BenchKnob, ...]:
        """The adjustable parameters of the selected axis."""
        tuning = self.tuning
        if tuning is None:
            return ()
        return tuple(BenchKnob(knob.name, knob.value(tuning), knob.less, knob.more) for knob in KNOBS)

    def hints(self, printed: Mapping[str, str] | None = None) -> tuple[tuple[str, str], ...]:
        """The other keys, as (label, function). `printed`: what is printed on keys that have another name."""
        tuning = self.tuning
        if tuning is None:
            return ()
        rows = ((NEXT, "next axis"), (UNDO, "undo"), (self._save_key(tuning), "save"))
        labels = {} if printed is None else printed
        return tuple((key_label(labels.get(key, key)), does) for key, does in rows)

    def key_use(self) -> KeyUse:
        """The keys of the profile, and those that tune it."""
        if self.profile is None:
            return KeyUse()
        use, tuning = KeyUse.of(self.profile), self.tuning
        if tuning is None:
            return use
        keys = (key for knob in KNOBS for key in (knob.less, knob.more))
        return KeyUse(use.motion, tuple(dict.fromkeys((*use.commands, *keys, NEXT, UNDO, self._save_key(tuning)))))

    def _tune(self, profile: Profile) -> None:
        if isinstance(self.device, MappedDevice):
            self.device.tune(profile)

    def _save_key(self, tuning: Tuning) -> str:
        return next((key for key in SAVE if key not in tuning.profile.keys), "")


def _free(device: str) -> Path:
    """The file of an unused profile name."""
    names = (f"my-{device}{'' if number == 1 else f'-{number}'}" for number in count(1))
    return next(path for path in map(profile_path, names) if not path.exists())


# ---- texts for window and terminal


def trouble(device: Device) -> str:
    """Why the device is not connected; empty if unknown."""
    return device.trouble or (str(device.failure) if device.failure else "")


def state(device: Device, sample: DeviceSample) -> tuple[State, str]:
    """The state of a device, and a text that describes it."""
    if not sample.connected:
        return "away", f"not connected: {trouble(device) or 'no device found'}"
    if sample.stop:
        return "stop", "STOP is held"
    return ("drives", "drives") if sample.engage else ("rest", "at rest")


def rate_text(figures: Figures) -> str:
    """Rate, jitter and queue in one line."""
    waiting = f"at most {figures.most_waiting} reports at once" if figures.most_waiting > 1 else "no report waited"
    dropped = f", {figures.dropped} dropped" if figures.dropped else ""
    return (
        f"{figures.rate_hz:.0f} reports/s, every {figures.interval_p50_ms:.1f} ms "
        f"(99%: {figures.interval_p99_ms:.1f} ms), {waiting}{dropped}"
    )


def hardware_facts(trial: Trial) -> dict[str, str]:
    """The chosen interface, the thresholds of a push and the learnt offsets at rest, by label, where there are any."""
    inputs, facts = trial.device.inputs, {}
    if inputs.origin:
        facts["interface"] = inputs.origin
    if trial.profile is not None and isinstance(trial.device, HandheldDevice):
        limits = thresholds(trial.profile)
        facts["engages above"] = _by_value({axis: pair[0] for axis, pair in limits.items()})
        facts["releases below"] = (
            _by_value({axis: pair[1] for axis, pair in limits.items()}) + f", after {trial.profile.release_after_s:g} s"
        )
        offsets = ", ".join(f"{name} {value:+.3f}" for name, value in inputs.rest.items() if abs(value) >= 0.0005)
        facts["rest offsets"] = offsets or "none"
    return facts


def _by_value(values: Mapping[str, float]) -> str:
    """Axes with equal values together: "0.126 (x y z), 0.240 (rx ry rz)"."""
    groups: dict[str, list[str]] = {}
    for axis, value in values.items():
        groups.setdefault(f"{value:.3f}", []).append(axis)
    return ", ".join(f"{value} ({' '.join(axes)})" for value, axes in groups.items())


def live_figures(trial: Trial, sample: DeviceSample) -> tuple[tuple[str, str], ...]:
    """Present rate, jitter, queue and age, and what the device says about itself, as (label, value)."""
    figures = trial.meter.figures(RECENT)
    return (
        ("reports", f"{figures.rate_hz:.0f} per second"),
        ("interval", f"{figures.interval_p50_ms:.1f} ms, 99% within {figures.interval_p99_ms:.1f}"),
        ("most at once", f"{figures.most_waiting}" + (f", {figures.dropped} dropped" if figures.dropped else "")),
        (
            "age",
            f"{sample.age_s(time.perf_counter_ns()) * 1e3:.1f} ms, 99% under {figures.age_p99_ms:.1f}",
        ),
        *hardware_facts(trial).items(),
    )
