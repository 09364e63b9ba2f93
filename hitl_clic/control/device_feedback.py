"""What the device is told of the loop's state: stops, and the end of a correction. Main thread; never waits."""

from __future__ import annotations

from hitl_clic.control.gate import GateOutput
from hitl_clic.devices.core.device import Device


class DeviceFeedback:
    """Follows the gate from tick to tick, and tells the device of changes."""

    def __init__(self, device: Device) -> None:
        self._device = device
        self._stale = self._stopped = self._human_drove = False

    def update(self, output: GateOutput) -> str | None:
        """Take in the gate's verdict; the name of the event where input was lost or came back."""
        stopped = output.state == "stopped"
        if stopped and not self._stopped:
            self._device.stopped()
        self._stopped = stopped
        if output.driver == "human":
            self._human_drove = True
        elif self._human_drove and not output.stale:  # a gap in the samples is no release: nobody let go
            self._human_drove = False
            self._device.released()
        if output.stale == self._stale:
            return None
        self._stale = output.stale
        return "device_lost" if output.stale else "device_back"
