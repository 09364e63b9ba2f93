"""A fake 3D mouse: a queue of raw reports, which a test fills, unplugs and reconnects."""

from __future__ import annotations

import collections
import struct
import threading
import time
from collections.abc import Mapping
from typing import Any

from hitl_clic.devices.hardware.spacemouse_models import MODELS, Model

COMPACT = MODELS[0x256F, 0xC635]
WIRELESS = MODELS[0x256F, 0xC62E]
PRO = MODELS[0x046D, 0xC62B]
RECEIVER = MODELS[0x256F, 0xC652]
REST = (0, 0, 0, 0, 0, 0)
"""The raw axes of a cap that is let go."""


def three(number: int, *raw: int) -> bytes:
    """A report of three axes, or of six."""
    return bytes([number]) + struct.pack(f"<{len(raw)}h", *raw)


def moved(model: Model, *raw: int) -> list[bytes]:
    """The six raw axes as this model reports them."""
    return [three(1, *raw)] if model.combined else [three(1, *raw[:3]), three(2, *raw[3:])]


def pressed(model: Model, *names: str) -> bytes:
    """The report of these buttons held."""
    report = bytearray(7)
    report[0] = 3
    for name in names:
        byte, bit = model.buttons[name]
        report[byte] |= 1 << bit
    return bytes(report)


class FakeTransport:
    """A queue of reports. While unplugged, every call raises the error of hidapi."""

    interface = "fake"

    def __init__(self, model: Model = COMPACT, plugged: bool = True) -> None:
        self.model, self.plugged = model, plugged
        self.opened = 0
        self._queue: collections.deque[bytes] = collections.deque()
        self._news = threading.Condition()

    def put(self, *reports: bytes) -> None:
        with self._news:
            self._queue.extend(reports)
            self._news.notify()

    def plug(self, plugged: bool) -> None:
        with self._news:
            self.plugged = plugged
            self._queue.clear()
            self._news.notify()

    def waiting(self) -> int:
        return len(self._queue)

    def open(self) -> Model:
        if not self.plugged:
            raise OSError("no SpaceMouse is connected")
        self.opened += 1
        return self.model

    def read(self, timeout_s: float) -> bytes:
        with self._news:
            if timeout_s > 0:
                self._news.wait_for(lambda: self._queue or not self.plugged, timeout_s)
            if not self.plugged:
                raise OSError("the SpaceMouse was unplugged")
            return self._queue.popleft() if self._queue else b""

    def close(self) -> None:
        """Do nothing."""


def entry(vendor: int, product: int, path: bytes, usage: int = 8, **more: Any) -> dict[str, Any]:
    """One entry of hidapi's list."""
    return {"vendor_id": vendor, "product_id": product, "path": path, "usage_page": 1, "usage": usage, **more}


def receiver_entries(count: int = 5) -> list[dict[str, Any]]:
    """A universal receiver with its interfaces, as hidapi lists them on Linux."""
    return [entry(0x256F, 0xC652, f"receiver{number}".encode(), interface_number=number) for number in range(count)]


class FakeHid:
    """The module hidapi. A test puts reports to paths, and unplugs paths or refuses to open them."""

    def __init__(self, *entries: Mapping[str, Any]) -> None:
        self.entries = list(entries)
        self.refused: set[bytes] = set()
        self.queues: dict[bytes, collections.deque[bytes]] = collections.defaultdict(collections.deque)
        self.open_paths: list[bytes] = []
        self.gone: set[bytes] = set()

    def put(self, path: bytes, *reports: bytes) -> None:
        """Send reports on an interface."""
        self.queues[path].extend(reports)

    def unplug(self, *paths: bytes) -> None:
        """Take interfaces away."""
        self.gone.update(paths)
        self.entries = [one for one in self.entries if one["path"] not in self.gone]

    def enumerate(self) -> list[Mapping[str, Any]]:
        return self.entries

    def device(self) -> FakeHidDevice:
        return FakeHidDevice(self)


class FakeHidDevice:
    """One handle of hidapi."""

    def __init__(self, hid: FakeHid) -> None:
        self.hid, self.path = hid, b""

    def open_path(self, path: bytes) -> None:
        if path in self.hid.refused or all(one["path"] != path for one in self.hid.entries):
            raise OSError("open failed")
        self.path = path
        self.hid.open_paths.append(path)

    def set_nonblocking(self, value: int) -> None: ...

    def read(self, length: int, timeout_ms: int = 0) -> list[int]:
        if self.path in self.hid.gone:
            raise OSError("read error")
        queue = self.hid.queues[self.path]
        return list(queue.popleft()[:length]) if queue else []

    def close(self) -> None:
        if self.path in self.hid.open_paths:
            self.hid.open_paths.remove(self.path)


class CapPush(threading.Thread):
    """Holds the cap deflected by sending reports at the hardware's rate, until `release`."""

    def __init__(self, transport: FakeTransport, reports: list[bytes], rate_hz: float = 125.0) -> None:
        super().__init__(daemon=True)
        self.transport, self.reports, self.period_s = transport, reports, 1.0 / rate_hz
        self._done = threading.Event()

    def run(self) -> None:
        while not self._done.wait(self.period_s):
            self.transport.put(*self.reports)

    def release(self) -> None:
        self._done.set()
        self.join()
        self.transport.put(*moved(self.transport.model, 0, 0, 0, 0, 0, 0))


def wait_until(condition: object, timeout_s: float = 60.0) -> float:
    """Wait until the condition holds; returns the seconds it took."""
    begun = time.perf_counter()
    while not condition():  # type: ignore[operator]
        assert time.perf_counter() - begun < timeout_s, "it did not happen"
        time.sleep(0.0005)
    return time.perf_counter() - begun
