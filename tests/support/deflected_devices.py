"""A 3D mouse by HID bytes and a virtual pad of SDL, whose deflections a test sets, and who drives."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass

from fake_hid import COMPACT, FakeTransport, moved
from virtual_pads import VirtualPads

from hitl_clic.control.gate import Gate
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.hardware.gamepad import PadSource
from hitl_clic.devices.hardware.handheld import HandheldDevice
from hitl_clic.devices.hardware.spacemouse import ReportSource
from hitl_clic.devices.mapping.shaping import Profile, load_profile

MS = 1_000_000
ARM = ("x", "y", "z", "rx", "ry", "rz", "gripper")
STEP_MS = 8
TICK = 6
"""Readings in a tick of 20 Hz."""
MODES = ("hold", "touch", "toggle")


@dataclass
class Hand:
    """A device, a clock, and who drives; `read` gives one sample, each sixth of which is a tick."""

    device: HandheldDevice
    move: Callable[[tuple[float, ...]], None]
    now_ns: int = 10**10
    count: int = 0

    def read(self, *raw: float) -> DeviceSample:
        """One reading, with six deflections, 1 at full; the rest of them 0."""
        self.now_ns += STEP_MS * MS
        self.move((*raw, *[0.0] * (6 - len(raw))))
        return self.device.read(0.0)

    def hold(self, seconds: float, *raw: float) -> DeviceSample:
        for _ in range(max(1, round(seconds * 1e3 / STEP_MS))):
            sample = self.read(*raw)
        return sample

    def drivers(self, gate: Gate, readings: list[tuple[float, ...]]) -> list[str]:
        """The driver at each tick."""
        found = []
        for raw in readings:
            sample = self.read(*raw)
            self.count += 1
            if self.count % TICK == 0:
                found.append(gate.step(sample, self.now_ns).driver)
        return found


def changes(drivers: list[str]) -> int:
    return sum(now != before for now, before in zip(drivers[1:], drivers, strict=False))


def cap(profile: Profile | None = None) -> Hand:
    """A 3D mouse: right, away, up and the rotations about them, by HID bytes."""
    transport = FakeTransport(COMPACT)

    def move(raw: tuple[float, ...]) -> None:
        signs = (1, -1, -1, 1, -1, -1)
        transport.put(*moved(COMPACT, *[round(350 * value * sign) for value, sign in zip(raw, signs, strict=True)]))

    hand = Hand(None, move)  # type: ignore[arg-type]
    source = ReportSource(transport, clock=lambda: hand.now_ns)
    hand.device = HandheldDevice(
        "spacemouse", source, profile or load_profile("spacemouse"), clock=lambda: hand.now_ns, axes=ARM
    )
    hand.device.read(0.0)
    hand.transport = transport  # type: ignore[attr-defined]
    return hand


def stick(pads: VirtualPads) -> Hand:
    """A gamepad: left x, left y, right x and right y. The profile's dead-man control is not held."""
    pad = pads.attach()

    def move(raw: tuple[float, ...]) -> None:
        for number, value in enumerate(raw[:4]):
            pad.axis(number, value)

    hand = Hand(None, move)  # type: ignore[arg-type]
    source = PadSource(clock=lambda: hand.now_ns)
    hand.device = HandheldDevice("gamepad", source, load_profile("gamepad"), clock=lambda: hand.now_ns, axes=ARM)
    hand.pad = pad  # type: ignore[attr-defined]
    return hand


def noisy(about: float, noise: float, seconds: float = 4.0) -> list[tuple[float, ...]]:
    """A reading that trembles, and that moves up and down by the same amount every 0.2 s."""
    rng, readings = random.Random(0), []
    for number in range(round(seconds * 1e3 / STEP_MS)):
        wander = noise / 2 * (1 if number // 25 % 2 else -1)
        readings.append((about + wander + rng.uniform(-noise, noise) / 2,))
    return readings
