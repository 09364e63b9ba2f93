"""Base of all devices with a profile: the command mapper, and changes of profile while in use."""

from __future__ import annotations

from collections.abc import Sequence

from hitl_clic.devices.core.device import Device
from hitl_clic.devices.mapping.command_mapper import CommandMapper
from hitl_clic.devices.mapping.shaping import Profile


class MappedDevice(Device):
    """Holds the profile and the command mapper, which only the reader thread uses. Other threads leave requests.

    Subclasses call `_apply_pending` at the start of each reading.
    """

    def __init__(self, rate_hz: float, profile: Profile, axes: Sequence[str] = ()) -> None:
        """
        Args:
            rate_hz: lowest rate of readings. profile: axes, bindings and response.
            axes: the task's axis names; empty: the profile's.

        Raises:
            ValueError: the profile has none of these axes.
        """
        super().__init__(rate_hz)
        self._mapper = CommandMapper(profile, axes, self.give_command)
        self.axes = self._mapper.axes
        self.non_finite_readings = 0
        """Count of raw values that were not finite; they are read as zero."""
        self._profile = self._new_profile = profile
        self._correction_ended = False

    def tune(self, profile: Profile) -> None:
        """Use this profile, which has the same axes and bindings, from the next reading. Any thread."""
        self._new_profile = profile

    def correction_ended(self) -> None:
        self._correction_ended = True

    def status_text(self) -> str:
        return self._mapper.status_text()

    def _apply_pending(self) -> None:
        """Apply the requests since the last reading (reader thread)."""
        if (profile := self._new_profile) is not self._profile:
            self._profile = profile
            self._mapper.tune(profile)
        if self._correction_ended:
            self._correction_ended = False
            self._mapper.release_grippers()
