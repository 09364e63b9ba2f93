"""What all devices that a hand holds share: a profile, the pilot that goes by it, and a change of profile in use."""

from __future__ import annotations

from collections.abc import Sequence

from hitl_clic.devices.core.device import Device
from hitl_clic.devices.mapping.command_mapper import CommandMapper
from hitl_clic.devices.mapping.shaping import Profile


class MappedDevice(Device):
    """Keeps profile and pilot, which belong to the reader thread; others only leave word for it.

    Subclasses call `_heed` at each reading, before they use either.
    """

    def __init__(self, rate_hz: float, profile: Profile, axes: Sequence[str] = ()) -> None:
        """
        Args:
            rate_hz: of readings. profile: axes, bindings and response.
            axes: the task's, as its actions name them; empty for those that the profile names.

        Raises:
            ValueError: the profile has none of these axes.
        """
        super().__init__(rate_hz)
        self._mapper = CommandMapper(profile, axes)
        self.axes = self._mapper.axes
        self.non_finite_readings = 0
        """Raw readings that were not finite numbers and were taken as zero."""
        self._profile = self._wanted = profile
        self._lets_go = False

    def tune(self, profile: Profile) -> None:
        """Shape by this profile, of the same axes and bindings, from the next reading on. Any thread."""
        self._wanted = profile

    def correction_ended(self) -> None:
        self._lets_go = True

    def status_text(self) -> str:
        return self._mapper.status_text()

    def _heed(self) -> None:
        """Do what was asked of the pilot since the last reading (reader thread)."""
        if (wanted := self._wanted) is not self._profile:
            self._profile = wanted
            self._mapper.tune(wanted)
        if self._lets_go:
            self._lets_go = False
            self._mapper.release_grippers()
