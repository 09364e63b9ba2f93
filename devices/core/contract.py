"""A test of the device contract, for the package's devices and for your own. Runs on the test's thread."""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from hitl_clic.devices.core.device import Device
from hitl_clic.devices.core.sample import DeviceSample

LATEST_LIMIT_S = 1e-3
"""Greatest median duration of a call of `latest`, seconds: it must not block."""


def check_device(
    make: Callable[[], Device],
    deflect: Callable[[Device], None] | None = None,
    lose: Callable[[Device], None] | None = None,
    timeout_s: float = 2.0,
) -> None:
    """Check a device against the contract. A device needs `name`, `axes` and `read`.

    Args:
        make: returns a new device, not started.
        deflect: deflects the started device, which must then report non-zero motion.
        lose: disconnects the hardware; the device must then report `connected=False` and zero motion.
        timeout_s: seconds to wait for either.

    Raises:
        AssertionError: the device breaks the contract; names the rule.
    """
    device = make()
    _check(bool(device.name) and len(device.axes) > 0, "a device needs a name and at least one axis")
    _check(len(set(device.axes)) == len(device.axes), f"axis names repeat: {device.axes}")
    _check_sample(device, device.latest())
    _check(not any(device.latest().motion) and not device.latest().engage, "idle before start")
    device.start()
    try:
        _refuses_second_start(device)
        calls_ns = []
        for _ in range(200):
            started_ns = time.perf_counter_ns()
            sample = device.latest()
            calls_ns.append(time.perf_counter_ns() - started_ns)
            _check_sample(device, sample)
        _check(sorted(calls_ns)[100] * 1e-9 < LATEST_LIMIT_S, "latest() blocks")
        _check(not device.take_commands(), "a device gives commands that nobody pressed")
        if deflect is not None:
            deflect(device)
            _wait(lambda: any(device.latest().motion), timeout_s, "a deflected device reports motion")
            _check_sample(device, device.latest())
        if lose is not None:
            lose(device)
            _wait(lambda: not device.latest().connected, timeout_s, "a disconnected device reports it")
            _check_sample(device, device.latest())
    finally:
        device.close()
        device.close()
    _check(not any(device.latest().motion) and not device.latest().engage, "zero motion after close")
    _check(device.failure is None, f"the reader thread failed: {device.failure!r}")


def _check_sample(device: Device, sample: DeviceSample) -> None:
    _check(len(sample.motion) == len(device.axes), f"{len(sample.motion)} motions for axes {device.axes}")
    _check(all(math.isfinite(v) and -1.0 <= v <= 1.0 for v in sample.motion), f"motion out of [-1, 1]: {sample.motion}")
    _check(sample.connected or not (any(sample.motion) or sample.engage), "a disconnected device reports motion")
    _check(not (sample.still and any(sample.motion)), "a device moves while it teaches standing still")
    _check(0.0 <= sample.age_s(time.perf_counter_ns()) < 3600.0, "the sample's time is not perf_counter_ns")


def _refuses_second_start(device: Device) -> None:
    try:
        device.start()
    except RuntimeError:
        return
    raise AssertionError("start twice must raise RuntimeError")


def _wait(condition: Callable[[], bool], timeout_s: float, what: str) -> None:
    deadline_ns = time.perf_counter_ns() + round(timeout_s * 1e9)
    while not condition():
        _check(time.perf_counter_ns() < deadline_ns, f"within {timeout_s} s: {what}")
        time.sleep(0.001)


def _check(holds: bool, what: str) -> None:
    if not holds:
        raise AssertionError(what)
