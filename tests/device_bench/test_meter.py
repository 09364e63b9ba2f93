"""What the device bench measures, and what a device says before shaping."""

from __future__ import annotations

import pytest
from fake_hid import COMPACT, FakeTransport, moved, pressed

from hitl_clic.device_bench.meter import Meter, shaped_deflections
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.inputs import Inputs
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware import spacemouse
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.mapping.shaping import AxisSetting, Profile, load_profile

MS = 1_000_000


class Still(Device):
    """A device whose readings the test gives to the meter."""

    axes = ("x", "y")

    def read(self, timeout_s: float) -> DeviceSample:
        raise NotImplementedError


def test_rate_and_jitter_exclude_pauses() -> None:
    """99 reports 8 ms apart, one after 40 ms, then a second of readings without reports."""
    now_ns = 0
    meter = Meter(Still(100.0), clock=lambda: now_ns)
    for gap_ms in [8] * 99 + [40]:
        meter.add_reading(DeviceSample(now_ns, (0.5, 0.0)), Inputs({"right": 0.6}, ("left",)))
        now_ns += gap_ms * MS
    meter.add_reading(DeviceSample(now_ns, (0.0, -0.25)), Inputs({"right": 0.0}, (), reports=3, dropped=2))
    for _ in range(100):
        now_ns += 10 * MS
        meter.add_reading(DeviceSample(now_ns, (0.0, 0.0)), Inputs({"right": 0.0}, (), reports=0))
    meter.add_reading(DeviceSample(now_ns, (0.0, 0.0), connected=False), Inputs())
    figures = meter.figures()
    assert figures.rate_hz == pytest.approx((99 + 3) / (99 * 0.008 + 0.040))
    assert figures.interval_p50_ms == pytest.approx(8.0)
    assert figures.interval_p99_ms == pytest.approx(40.0)
    assert (figures.most_waiting, figures.dropped, figures.losses) == (3, 2, 1)
    assert figures.pressed == ("left",)
    assert [(extent.low, extent.high) for extent in meter.motion] == [(0.0, 0.5), (-0.25, 0.0)]
    assert meter.rests()["right"].high == 0.6


def test_the_age_is_that_of_the_newest_sample() -> None:
    device = Still(100.0)
    device._publish(DeviceSample(0, (0.0, 0.0)))
    meter = Meter(device, clock=lambda: 7 * MS)
    meter.newest_sample()
    assert meter.figures().age_p99_ms == pytest.approx(7.0)


def test_a_spacemouse_shows_raw_axes_buttons_and_how_many_reports_waited() -> None:
    transport = FakeTransport(COMPACT)
    device = HandheldDevice("spacemouse", spacemouse.ReportSource(transport), load_profile("spacemouse"))
    device.read(0.0)
    transport.put(*moved(COMPACT, 350, 0, 0, 0, 0, 0) * 20, pressed(COMPACT, "left"))
    sample = device.read(0.01)
    assert device.inputs.raw["right"] == pytest.approx(1.0)
    assert device.inputs.held == ("left",)
    assert device.inputs.reports == 41
    assert shaped_deflections(device.inputs.raw, load_profile("spacemouse"))["x"] == pytest.approx(sample.motion[0])
    transport.plug(False)
    device.read(0.0)
    assert device.inputs == Inputs(reports=0)


def test_shaped_values_exclude_scale_and_include_a_radial_response() -> None:
    profile = Profile(name="p", axes={"x": AxisSetting(scale=0.5), "rx": AxisSetting()}, deadzone=0.2)
    assert shaped_deflections({"x": 0.6, "rx": 0.1}, profile) == pytest.approx({"x": 0.5, "rx": 0.0})
