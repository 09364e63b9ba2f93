"""Virtual gamepads of `benchmarks.virtual_gamepad`; a test is skipped where this SDL has none."""

from __future__ import annotations

import pytest

pytest.importorskip("pygame")

from benchmarks.virtual_gamepad import (
    GAMECONTROLLER,
    LEFT_SHOULDER,
    LEFT_TRIGGER,
    REST,
    RIGHT_SHOULDER,
    RIGHT_TRIGGER,
    UNKNOWN,
    A,
    B,
    NoVirtualPads,
    VirtualPad,
)
from benchmarks.virtual_gamepad import VirtualPads as _VirtualPads

__all__ = [
    "GAMECONTROLLER",
    "LEFT_SHOULDER",
    "LEFT_TRIGGER",
    "REST",
    "RIGHT_SHOULDER",
    "RIGHT_TRIGGER",
    "UNKNOWN",
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

    def attach(self, kind: int = GAMECONTROLLER) -> VirtualPad:
        """Connect one."""
        try:
            return super().attach(kind)
        except NoVirtualPads as refused:
            pytest.skip(str(refused))
