"""Implicit approval: a teacher who drives without steering approves what the robot does.

Without this, training data contain only mistakes. Pure; actor's main thread.
"""

from __future__ import annotations

from hitl_clic.types.records import EVERYTHING, TickRecord


class ImplicitApproval:
    """Decides for each tick whether the teacher approves.

    A teacher approves on a tick of a relative correction without a command, once the correction had a command. It must
    cover all axes, and the device must be connected.

    Args:
        enabled: False never approves.

    Attributes:
        active: whether the newest tick is approved.
    """

    def __init__(self, enabled: bool) -> None:
        self._enabled = enabled
        self._commanded = False
        self.active = False

    def step(self, record: TickRecord) -> bool:
        """Take in the next tick; True if the teacher approves there."""
        self._commanded = record.state == "correcting" and (self._commanded or record.human_action is not None)
        readable = record.correction_mode == "relative" and record.correction_axes == EVERYTHING and record.connected
        self.active = self._enabled and readable and self._commanded and record.human_action is None
        return self.active
