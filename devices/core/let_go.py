"""Whether the hand was released since the robot took over. Pure; stepped by its owner.

The gate has one for its device, and a combined device one for each part.

A control that is still held when an episode ends was meant for that episode. It must neither drive nor teach the next.
"""

from __future__ import annotations

from hitl_clic.devices.core.sample import DeviceSample


class LetGo:
    """Keeps the robot driving until the hand was released once.

    Args:
        asks: False for a scripted teacher and for playback, which have no hand.

    Attributes:
        asks: as given.
        needed: the teacher cannot take over before a release.
        held: the newest fresh sample shows a held control or a push.
    """

    def __init__(self, asks: bool) -> None:
        self.asks = asks
        self.needed = False
        self.held = False

    def ask(self) -> None:
        """From now on, what is held does not count until it was released once."""
        self.needed = self.asks

    def update(self, sample: DeviceSample, threshold: float) -> None:
        """Take in a fresh sample. A push up to `threshold`, share of full motion, is a hand at rest.

        A lasting command, such as a closed gripper, is no held control: nobody has to press anything for it.
        """
        lasting = sample.lasting or (False,) * len(sample.motion)
        pushes = (abs(value) for value, lasts in zip(sample.motion, lasting, strict=True) if not lasts)
        self.held = sample.engage or sample.still or max(pushes, default=0.0) > threshold
        self.needed = self.needed and self.held
