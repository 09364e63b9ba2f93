"""Shaping: properties of the response curve, the axis map, and errors of profiles."""

from __future__ import annotations

import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hitl_clic.devices.mapping.shaping import AxisSetting, Profile, count_non_finite, curve, load_profile, shape

deadzones = st.floats(0, 0.9)
exponents = st.floats(0.2, 5)
values = st.floats(-3, 3)
everything = st.floats(allow_nan=True, allow_infinity=True)


@given(values, deadzones, exponents)
def test_odd(value: float, deadzone: float, exponent: float) -> None:
    assert curve(-value, deadzone, exponent) == -curve(value, deadzone, exponent)


@given(values, values, deadzones, exponents)
def test_monotone(a: float, b: float, deadzone: float, exponent: float) -> None:
    low, high = sorted((a, b))
    assert curve(low, deadzone, exponent) <= curve(high, deadzone, exponent)


@given(st.floats(0, 1), deadzones, exponents)
def test_zero_inside_the_deadzone_continuous_at_its_edge_full_at_the_end(
    share: float, deadzone: float, exponent: float
) -> None:
    assert curve(share * deadzone, deadzone, exponent) == 0.0
    assert 0.0 <= curve(deadzone + 1e-12, deadzone, exponent) <= (2e-11) ** exponent
    assert curve(1.0, deadzone, exponent) == 1.0
    assert curve(2.0, deadzone, exponent) == 1.0


@given(everything, everything, deadzones, exponents, st.booleans(), st.floats(0.1, 10))
def test_bounded_and_finite_for_any_input(
    x: float, y: float, deadzone: float, exponent: float, radial: bool, scale: float
) -> None:
    axes = {"x": AxisSetting(scale=scale), "y": AxisSetting()}
    profile = Profile(name="p", axes=axes, deadzone=deadzone, exponent=exponent, radial=radial)
    assert all(-1.0 <= value <= 1.0 for value in shape({"x": x, "y": y}, profile))


@pytest.mark.parametrize("bad", [math.nan, math.inf, -math.inf])
@pytest.mark.parametrize("radial", [False, True])
def test_non_finite_readings_are_zero_and_counted(bad: float, radial: bool) -> None:
    profile = Profile(name="p", axes={"x": AxisSetting(), "y": AxisSetting()}, radial=radial)
    assert shape({"x": bad, "y": 0.5}, profile) == pytest.approx((0.0, 0.5))
    assert count_non_finite({"x": bad, "y": 0.5}) == 1


def test_axis_map_sign_scale_and_missing_axis() -> None:
    axes = {"up": AxisSetting(source="y", sign=-1, scale=0.5), "x": AxisSetting(), "z": AxisSetting()}
    assert shape({"x": 0.25, "y": 1.0}, Profile(name="p", axes=axes)) == (-0.5, 0.25, 0.0)


@given(st.floats(-2, 2), st.floats(-2, 2))
def test_radial_keeps_direction_and_length_at_most_one(x: float, y: float) -> None:
    profile = Profile(name="p", axes={"x": AxisSetting(), "y": AxisSetting()}, radial=True, deadzone=0.1, exponent=2.0)
    motion = shape({"x": x, "y": y}, profile)
    assert math.hypot(*motion) <= 1 + 1e-9
    assert (motion == (0.0, 0.0)) == (math.hypot(x, y) <= 0.1) or math.hypot(x, y) < 0.1001
    assert motion[0] * y == pytest.approx(motion[1] * x, abs=1e-9)


def test_presets_load_from_any_working_directory(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    keyboard = load_profile("keyboard")
    assert tuple(keyboard.axes) == ("x", "y", "z", "rx", "ry", "rz")
    assert keyboard.keys["up"] == keyboard.keys["w"] == "-y", "y points down in the scene"
    assert load_profile("mouse").radial


def test_a_profile_file(tmp_path: Path) -> None:
    path = tmp_path / "mine.toml"
    path.write_text('name = "mine"\n[axes.z]\nsource = "y"\n[keys]\nw = "+y"\n')
    assert load_profile(path) == load_profile(str(path))
    assert tuple(load_profile(path).axes) == ("z",)


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("name = ", "not TOML"),
        ('name = "p"\n[axes.x]\nsign = 2\n', "axes.x.sign"),
        ('name = "p"\ndeadzone = 1.0\n[axes.x]\n', "deadzone"),
        ('name = "p"\nspeed = 1.0\n[axes.x]\n', "speed"),
        ('name = "p"\n[axes.x]\n[keys]\nw = "+z"\n', r"'w' is bound to '\+z'; known are \+x, -x"),
        ('name = "p"\n[axes.x]\n[keys]\nw = "+x"\nw = "stop"\n', "given twice: bind each key once"),
        ('name = "p"\n[axes.x]\n[keys]\nspcae = "+x"\n', "no key 'spcae'; did you mean 'space'"),
        ('name = "p"\n[axes.x]\n[keys]\nW = "+x"\n', "no key 'W'"),
        ('name = "p"\n[axes.x]\n[keys]\ng = "griper"\n', r"key 'g' is bound to 'griper'; did you mean 'gripper'"),
        ('name = "p"\n[axes.x]\n[buttons]\nleft = "fly"\n', "button 'left' is bound to 'fly'"),
        ('name = "p"\nscale = 0.2\n[axes.x]\n', "precise_scale = 0.35 must be at most scale = 0.2"),
    ],
)
def test_wrong_profiles_are_refused_by_name(tmp_path: Path, text: str, named: str) -> None:
    path = tmp_path / "p.toml"
    path.write_text(text)
    with pytest.raises(ValueError, match=named):
        load_profile(path)


def test_an_unknown_preset_names_the_presets() -> None:
    with pytest.raises(ValueError, match="keyboard, mouse"):
        load_profile("joystick")
