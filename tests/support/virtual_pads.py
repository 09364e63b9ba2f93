"""Virtual gamepads of `benchmarks.virtual_gamepad`; a test is skipped where this SDL has none."""

from __future__ import annotations

import pytest

pytest.importorskip("pygame")

from benchmarks.virtual_gamepad import (
    FLIGHT_STICK,
    GAMECONTROLLER,
    LEFT_SHOULDER,
    LEFT_TRIGGER,
    REST,
    RIGHT_SHOULDER,
    RIGHT_TRIGGER,
    UNKNOWN,
    WHEEL,
    A,
    B,
    NoVirtualPads,
    VirtualPad,
)
from benchmarks.virtual_gamepad import VirtualPads as _VirtualPads

__all__ = [
    "FLIGHT_STICK",
    "GAMECONTROLLER",
    "LEFT_SHOULDER",
    "LEFT_TRIGGER",
    "REST",
    "RIGHT_SHOULDER",
    "RIGHT_TRIGGER",
    "UNKNOWN",
    "WHEEL",
    "A",
    "B",
    "VirtualPad",
    "VirtualPads",
]


class VirtualPads(_VirtualPads):
    """SDL's virtual joysticks; skips the test where this SDL has none."""

    def __init__(self) -> None:
        try:
            super().__init__()
        except NoVirtualPads as missing:
            pytest.skip(str(missing))

    def attach(
        self, kind: int = GAMECONTROLLER, name: bytes | None = None, counts: tuple[int, int, int] = (6, 15, 1)
    ) -> VirtualPad:
        """Connect one; skips the test where SDL refuses."""
        try:
            return super().attach(kind, name, counts)
        except NoVirtualPads as refused:
            pytest.skip(str(refused))
