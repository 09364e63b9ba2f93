"""A device unplugged in mid-motion, on its reader thread: motion is zero by the next tick at 20 Hz."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager

import pytest
from fake_hid import COMPACT, CapPush, FakeTransport, moved, wait_until
from real_time import TooBusyError, late_ms, when_calm
from virtual_pads import RIGHT_SHOULDER, VirtualPads

from hitl_clic.control.clock import RealTimeClock
from hitl_clic.control.gate import Gate, GateOutput
from hitl_clic.devices.core.device import Device
from hitl_clic.devices.hardware.connected_pads import connected_pads
from hitl_clic.devices.hardware.gamepad import gamepad
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.hardware.spacemouse import ReportSource
from hitl_clic.devices.mapping.shaping import load_profile

RATE_HZ, TIMES = 20.0, 5
Rig = Callable[[], AbstractContextManager[tuple[Device, Callable[[], None], Callable[[], None]]]]
"""(device, connect and push, unplug)."""


@contextmanager
def spacemouse_rig() -> Iterator[tuple[Device, Callable[[], None], Callable[[], None]]]:
    """The device, a function that connects and pushes it, and one that unplugs it during the push."""
    transport = FakeTransport(COMPACT)
    profile = load_profile("spacemouse")
    device = HandheldDevice("spacemouse", ReportSource(transport), profile, retry_s=0.01, axes=("x", "y"))
    push = CapPush(transport, moved(COMPACT, 350, 0, 0, 0, 0, 0))
    push.start()
    try:
        yield device, lambda: transport.plug(True), lambda: transport.plug(False)
    finally:
        push.release()


@contextmanager
def gamepad_rig() -> Iterator[tuple[Device, Callable[[], None], Callable[[], None]]]:
    if connected_pads():
        pytest.skip("a real gamepad is connected, which the device would find first")
    pads = VirtualPads()

    def plug() -> None:
        pad = pads.attach()
        pad.axis(0, 1.0)
        pad.button(RIGHT_SHOULDER)

    try:
        yield gamepad(load_profile("gamepad"), axes=("x", "y")), plug, lambda: pads.attached[-1].unplug()
    finally:
        for pad in pads.attached:
            pad.unplug()


@pytest.mark.realtime
@pytest.mark.parametrize("rig", [spacemouse_rig, gamepad_rig])
def test_nothing_moves_from_the_next_tick_on(rig: Rig) -> None:
    when_calm(lambda: unplugged_in_motion(rig))


def unplugged_in_motion(rig: Rig) -> None:
    with ExitStack() as stack:
        device, plug, unplug = stack.enter_context(rig())
        device.start()
        stack.callback(device.close)
        clock, gate, late = RealTimeClock(RATE_HZ), Gate(person=False), 0  # a hand would have to let go first

        def tick() -> GateOutput:
            clock.wait()
            sample = device.latest()
            output = gate.step(sample, sample.time_ns)
            clock.finish()
            return output

        clock.start()
        for _ in range(TIMES):
            plug()
            wait_until(lambda: tick().motion == (1.0, 0.0), 30.0)
            unplug()
            output = tick()
            late += any(output.motion) or output.driver == "human"
            wait_until(lambda: not device.latest().connected)
            for _ in range(2):
                output = tick()
                assert (output.driver, output.motion, output.stale) == ("robot", (0.0, 0.0), True)
        if late and late_ms() > 3.0:
            raise TooBusyError("it may keep the reader waiting for a whole tick")
        assert late == 0
    assert device.failure is None
