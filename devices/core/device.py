"""The Device contract and the reader thread every device runs.

The main thread of the actor calls `start`, `close`, `latest`, `take_commands`, `robot_stopped` and `correction_ended`.
The reader thread calls `read`, `give_command` and `release`. `latest` never blocks. `read` must drain its source,
because queued reports are lag.
"""

from __future__ import annotations

import threading
import time
from abc import ABC, abstractmethod
from collections import deque
from collections.abc import Callable, Mapping

from hitl_clic.devices.core.inputs import Inputs
from hitl_clic.devices.core.sample import DeviceSample
from hitl_clic.devices.core.slot import Slot
from hitl_clic.types.commands import COMMANDS

MOST_COMMANDS = 32
"""Commands that wait for the next tick; more presses than that between two ticks drop the oldest."""


class Device(ABC):
    """A source of corrections with its own reader thread.

    Subclasses set `name` and `axes` and implement `read`.
    """

    name: str = "device"
    axes: tuple[str, ...] = ()
    """Names of the motion axes, in the order of `DeviceSample.motion` (for example "x", "y")."""
    person: bool = True
    """A hand is at the device: it must let go before it takes over anew, and teaches only once it has pushed."""

    def __init__(self, rate_hz: float) -> None:
        self.rate_hz = rate_hz
        self._slot: Slot[DeviceSample] = Slot()
        self._commands: deque[str] = deque(maxlen=MOST_COMMANDS)
        self._closing = threading.Event()
        self._thread: threading.Thread | None = None
        self.failure: Exception | None = None
        """The error that ended the reader thread; the device then stays disconnected. None after `close`."""
        self.trouble = ""
        """Why the device is not connected, as a sentence; empty if unknown or connected."""
        self.lost_parts: Mapping[str, str] = {}
        """Of several devices in one: why a part is not connected, by its name. The reader thread replaces it."""
        self.inputs = Inputs()
        """The newest reading before shaping; replaced by the reader thread."""
        self.on_reading: Callable[[DeviceSample, Inputs], None] | None = None
        """Called with every reading, in the reader thread; must be fast. Set it before `start` (device bench)."""

    @abstractmethod
    def read(self, timeout_s: float) -> DeviceSample:
        """Wait at most `timeout_s` seconds for input, drain the source, return the newest state (reader thread)."""

    def start(self) -> None:
        """Start the reader thread. Raises RuntimeError at a second call."""
        if self._thread is not None:
            raise RuntimeError(f"device {self.name!r} was started twice")
        self._slot.publish(self.idle())
        self._thread = threading.Thread(target=self._run, name=f"device-{self.name}", daemon=True)
        self._thread.start()

    def latest(self) -> DeviceSample:
        """The newest sample; an idle one before the first read. Never blocks."""
        return self._slot.latest() or self.idle()

    def give_command(self, name: str) -> None:
        """Give a command of `COMMANDS`, once for each press (reader thread). Samples are newest-wins; this is a queue.

        Raises:
            ValueError: there is no such command.
        """
        if name not in COMMANDS:
            raise ValueError(f"device {self.name!r} gives the command {name!r}; known are {', '.join(COMMANDS)}")
        self._commands.append(name)

    def take_commands(self) -> list[str]:
        """The commands given since the last call, oldest first. Called in a tick: it does not block."""
        taken: list[str] = []
        while self._commands:
            taken.append(self._commands.popleft())
        return taken

    def robot_stopped(self) -> None:  # noqa: B027 (most devices have no motor)
        """The emergency stop fired; rumble at the next `read`. Called in a tick: it must not block."""

    def slowed(self, speed: float) -> None:  # noqa: B027 (a device without buttons has no short presses)
        """The loop runs at this share of its rate: short presses last longer. Called in a tick: it must not block."""

    def release(self) -> None:  # noqa: B027 (most devices have no handle)
        """Close the hardware (reader thread, after the last `read`)."""

    def correction_ended(self) -> None:
        """No correction is under way: drop persistent gripper commands. Called in a tick: it must not block."""
        return

    def status_text(self) -> str:
        """Present mode, arm and gripper, for the window; empty if there is no choice. Any thread."""
        return ""

    def close(self) -> None:
        """Stop the reader thread and release the hardware. Safe to call twice."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(timeout=2.0)

    def idle(self) -> DeviceSample:
        """A sample at rest, stamped now."""
        return DeviceSample(time_ns=time.perf_counter_ns(), motion=(0.0,) * len(self.axes))

    def lost(self) -> DeviceSample:
        """A sample of a disconnected device: zero motion, `connected=False`."""
        return DeviceSample(time_ns=time.perf_counter_ns(), motion=(0.0,) * len(self.axes), connected=False)

    def _run(self) -> None:
        period_s = 1.0 / self.rate_hz
        try:
            while not self._closing.is_set():
                sample = self.read(period_s)
                self._publish(sample)
                if self.on_reading is not None:
                    self.on_reading(sample, self.inputs)
        except Exception as error:
            self.failure = error  # the loop continues without this device, and the window shows the error
        finally:
            self._publish(self.lost())  # without this, the last deflection would stay in force
            self.release()

    def _publish(self, sample: DeviceSample) -> None:
        """Publish the newest sample (reader thread only)."""
        self._slot.publish(sample)
