"""Profiles that the device bench fits, changes and saves."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from hitl_clic.device_bench.meter import Meter
from hitl_clic.devices.hardware.handheld import HandheldDevice, Reading
from hitl_clic.devices.mapping import profiles
from hitl_clic.devices.mapping.profiles import Rest, calibrated, save_profile, with_changes
from hitl_clic.devices.mapping.shaping import AxisSetting, Profile, load_profile, shape

MS = 1_000_000


class Drifting:
    """A stick with an offset of 0.1 and noise; pushed, it is at full deflection."""

    def __init__(self) -> None:
        self.rng, self.pushed = np.random.default_rng(0), 0.0

    def open(self) -> None: ...

    def close(self) -> None: ...

    def rumble(self) -> None: ...

    def read(self, timeout_s: float) -> Reading:
        raw = float(self.pushed or 0.1 + self.rng.uniform(-0.03, 0.03))
        return Reading(0, {"left x": raw, "left y": 0.0})


def test_a_drifting_stick_is_calibrated_and_keeps_its_full_range(tmp_path: Path) -> None:
    source = Drifting()
    axes = {"x": AxisSetting(source="left x"), "y": AxisSetting(source="left y", sign=-1)}
    plain = Profile(name="pad", axes=axes, engage_above=0.0, release_below=0.0, rest_limit=0.0)

    def device(profile: Profile) -> HandheldDevice:
        return HandheldDevice("pad", source, profile, retry_s=0.0, clock=lambda: MS)

    before = device(plain)
    meter = Meter(before)
    assert any(any(before.read(0.0).motion) for _ in range(20)), "it drifts"
    for _ in range(300):
        sample = before.read(0.0)
        meter.add_reading(sample, before.inputs)
    fitted = calibrated(plain, meter.rests())
    assert fitted.axes["x"].offset == pytest.approx(0.1, abs=0.01)
    assert fitted.axes["y"] == plain.axes["y"].model_copy(update={"deadzone": 0.01})
    save_profile(fitted, tmp_path / "mine.toml")
    assert load_profile(tmp_path / "mine.toml") == fitted
    after = device(load_profile(tmp_path / "mine.toml"))
    assert not any(any(after.read(0.0).motion) for _ in range(300)), "it rests"
    for end in (1.0, -1.0):
        source.pushed = end
        assert after.read(0.0).motion == (end, 0.0), "all of its way is left, to both sides"


def test_a_wide_deadzone_stays_and_a_radial_one_is_the_profiles() -> None:
    wide = Profile(name="p", axes={"x": AxisSetting()}, deadzone=0.3)
    assert calibrated(wide, {"x": Rest(0.0, -0.02, 0.02)}) == wide
    radial = Profile(name="p", axes={"x": AxisSetting()}, radial=True)
    assert calibrated(radial, {"x": Rest(0.0, -0.02, 0.02)}).deadzone == pytest.approx(0.04)


@pytest.mark.parametrize("rest", [Rest(0.1, -0.3, 0.2), Rest(0.5, 0.5, 0.5)])
def test_a_moved_device_is_not_calibrated(rest: Rest) -> None:
    with pytest.raises(ValueError, match=r"'x' .*release the device"):
        calibrated(Profile(name="p", axes={"x": AxisSetting()}), {"x": rest})


@pytest.mark.parametrize("raw", [-1.0, -0.3, 0.0, 0.2, 1.0, float("nan")])
def test_without_an_offset_nothing_is_changed(raw: float) -> None:
    profile = Profile(name="p", axes={"x": AxisSetting()})
    assert shape({"x": raw}, profile) == (raw if raw == raw else 0.0,)


def test_edits_are_validated_like_a_file() -> None:
    profile = load_profile("gamepad")
    changes = profiles.parse_axis_changes(["x.source=right x", "x.scale=0.5", "rz.sign=-1"])
    changed = with_changes(profile, {"deadzone": 0.2}, changes, ("y",))
    assert (changed.axes["x"].source, changed.axes["x"].scale, changed.axes["rz"].sign) == ("right x", 0.5, -1)
    assert (changed.deadzone, changed.axes["y"].sign) == (0.2, 1)
    assert changed.axes["z"] == profile.axes["z"]
    for wrong, named in (
        (["x"], "'x'"),
        (["x.speed=1"], "x.speed"),
        (["belt.sign=1"], "'belt'"),
        (["x.sign=2"], "sign"),
    ):
        with pytest.raises(ValueError, match=named):
            with_changes(profile, {}, profiles.parse_axis_changes(wrong), ())


def test_an_existing_profile_is_not_overwritten(tmp_path: Path) -> None:
    profile, path = load_profile("mouse"), tmp_path / "deep" / "mine.toml"
    save_profile(profile, path)
    with pytest.raises(ValueError, match="exists already"):
        save_profile(profile, path)
    save_profile(profile.model_copy(update={"deadzone": 0.5}), path, over=True)
    assert load_profile(path).deadzone == 0.5
