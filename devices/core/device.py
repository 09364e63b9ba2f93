"""The Device contract and the reader thread every device runs.

`start`, `close`, `latest`, `stopped` and `released` are called by the actor's main thread, `read` by the reader thread.
`latest` never blocks. A reader must drain its source completely on every read: queued reports are lag.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Callable

from hitl_clic.devices.core.inputs import Inputs
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.core.slot import Slot


class Device(ABC):
    """A source of corrections with its own reader thread.

    Subclasses set `name` and `axes` and implement `read`.
    """

    name: str = "device"
    axes: tuple[str, ...] = ()
    """Names of the motion axes, in the order of `DeviceSample.motion` (for example "x", "y")."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self._slot: Slot[DeviceSample] = Slot()
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.failure: Exception | None = None
        """The error that ended the reader thread; the device then stays lost. None where `close` ended it."""
        self.trouble = ""
        """Why the device is not connected, in a sentence, where that is known; else empty."""
        self.inputs = Inputs()
        """The newest reading before shaping; replaced by the reader thread."""
        self.watch: Callable[[DeviceSample, Inputs], None] | None = None
        """Called in the reader thread with every reading (a device bench); quick. Set it before `start`."""

    @abstractmethod
    def read(self, timeout_s: float) -> DeviceSample:
        """Drain the source, waiting at most `timeout_s` for news, and return the newest state (reader thread)."""

    def start(self) -> None:
        """Start the reader thread (at most once)."""
        if self._thread is not None:
            raise RuntimeError(f"device {self.name!r} was started twice")
        self._slot.publish(self.idle())
        self._thread = threading.Thread(target=self._run, name=f"device-{self.name}", daemon=True)
        self._thread.start()

    def latest(self) -> DeviceSample:
        """The newest sample; an idle one before the first read. Never blocks."""
        return self._slot.latest() or self.idle()

    def stopped(self) -> None:  # noqa: B027 (most devices have nothing to make felt)
        """The robot was stopped, which the hand should feel. Called in a tick: it may only leave a note for `read`."""

    def release(self) -> None:  # noqa: B027 (most devices hold nothing)
        """Give the hardware back (reader thread, after its last `read`)."""

    def released(self) -> None:
        """The correction is over, and so are commands that last (to a gripper). Called in a tick; never blocks."""
        return

    def note(self) -> str:
        """What a push would move now, in words for the window; empty where there is no choice. Any thread."""
        return ""

    def close(self) -> None:
        """Stop the reader thread and release the hardware. Safe to call twice."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)

    def idle(self) -> DeviceSample:
        """A sample of a device nobody touches, stamped now."""
        return DeviceSample(time_ns=time.perf_counter_ns(), motion=(0.0,) * len(self.axes))

    def lost(self) -> DeviceSample:
        """A sample of a device that is gone: zero motion, `connected=False`."""
        return DeviceSample(time_ns=time.perf_counter_ns(), motion=(0.0,) * len(self.axes), connected=False)

    def _run(self) -> None:
        period_s = 1.0 / self.rate_hz
        try:
            while not self._closing.is_set():
                sample = self.read(period_s)
                self._publish(sample)
                if self.watch is not None:
                    self.watch(sample, self.inputs)
        except Exception as error:
            self.failure = error  # the loop goes on without this device, and the window says why
        finally:
            self._publish(self.lost())  # the last deflection must not stay in force after the reader ended
            self.release()

    def _publish(self, sample: DeviceSample) -> None:
        """Make a sample the newest one (reader thread only)."""
        self._slot.publish(sample)
