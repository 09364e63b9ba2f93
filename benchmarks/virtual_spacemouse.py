"""A virtual 3D mouse: stands in for the package hidapi, and gives its reports as bytes.

Put it in place with `plug_in` before the device opens; everything above hidapi is then the real device. Any thread may
send reports; the device's reader thread reads them.
"""

from __future__ import annotations

import collections
import struct
import sys
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any

from hitl_clic.devices.hardware.spacemouse_models import MODELS

COMPACT = (0x256F, 0xC635)
"""USB ids of the most common model, with two buttons."""
_TRANSLATION, _ROTATION, _BUTTONS = 1, 2, 3


class VirtualSpaceMouse:
    """One connected 3D mouse; `ids` are its USB ids, a key of `MODELS`."""

    def __init__(self, ids: tuple[int, int] = COMPACT) -> None:
        self.ids, self.model = ids, MODELS[ids]
        self.opened = threading.Event()
        self._waiting: collections.deque[bytes] = collections.deque()
        self._news = threading.Condition()

    def cap(self, raw: Sequence[int]) -> None:
        """Report the six raw axes: right, towards the operator, down, and right-handed rotations about them."""
        if self.model.combined:
            self._send(bytes([_TRANSLATION]) + struct.pack("<6h", *raw))
        else:
            self._send(bytes([_TRANSLATION]) + struct.pack("<3h", *raw[:3]))
            self._send(bytes([_ROTATION]) + struct.pack("<3h", *raw[3:]))

    def buttons(self, *names: str) -> None:
        """Report that exactly these buttons are held."""
        report = bytearray(7)
        report[0] = _BUTTONS
        for name in names:
            byte, bit = self.model.buttons[name]
            report[byte] |= 1 << bit
        self._send(bytes(report))

    def _send(self, report: bytes) -> None:
        with self._news:
            self._waiting.append(report)
            self._news.notify()

    # ---- called by the device's reader thread, through hidapi's names

    def open_path(self, path: bytes) -> None:
        """Open it."""
        del path
        self.opened.set()

    def set_nonblocking(self, on: int) -> None:
        """Do nothing: `read` waits only when it is told a time."""

    def read(self, size: int, timeout_ms: int = 0) -> list[int]:
        """The oldest waiting report; empty after the timeout."""
        with self._news:
            if timeout_ms > 0:
                self._news.wait_for(lambda: self._waiting, timeout_ms * 1e-3)
            return list(self._waiting.popleft()[:size]) if self._waiting else []

    def close(self) -> None:
        """Do nothing: it stays connected."""


@contextmanager
def plug_in(mouse: VirtualSpaceMouse) -> Iterator[None]:
    """Let the package hidapi have this 3D mouse alone."""
    entry: Mapping[str, Any] = {
        "path": b"virtual 3D mouse",
        "vendor_id": mouse.ids[0],
        "product_id": mouse.ids[1],
        "product_string": mouse.model.name,
        "serial_number": "",
        "interface_number": 0,
        "usage_page": 1,
        "usage": 8,
    }
    name = "hidraw" if sys.platform.startswith("linux") else "hid"
    package, before = ModuleType(name), sys.modules.get(name)
    package.__dict__.update(enumerate=lambda *ids: [entry], device=lambda: mouse)
    sys.modules[name] = package
    try:
        yield
    finally:
        if before is None:
            del sys.modules[name]
        else:
            sys.modules[name] = before
