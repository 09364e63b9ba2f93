"""What tests of devices share: virtual pads."""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from virtual_pads import VirtualPads


@pytest.fixture
def pads() -> Iterator[VirtualPads]:
    """Without pygame only the tests that use this are skipped, so it is imported here."""
    pytest.importorskip("pygame")
    from virtual_pads import VirtualPads

    from hitl_clic.devices.hardware.gamepad import connected_pads

    connected_pads()
    virtual = VirtualPads()
    yield virtual
    for pad in virtual.attached:
        pad.unplug()
