"""Slow motion: the loop at half or a quarter of its rate, chosen by a command or held by a control.

Actor's main thread, in the tick. Each tick stays one control step: actions, labels and their scale do not change.
What a person does counts in wall time, such as the reaction, and what the robot does counts in ticks.
"""

from __future__ import annotations

from collections import deque

from hitl_clic.control.clock import Clock
from hitl_clic.devices.core.device import Device

SPEEDS = (1.0, 0.5, 0.25)
"""Shares of the rate that the command goes through."""
HELD = 0.5
"""Share of the rate while the control is held."""
_REMEMBERED = 4096
"""Ticks behind a reaction, at most."""


class Tempo:
    """The present speed of the loop.

    Args:
        clock: of the loop; one without real time keeps full speed. device: its short presses last longer in slow
            motion, so that no tick misses them.

    Attributes:
        speed: share of the rate, 1 at full speed.
    """

    def __init__(self, clock: Clock, device: Device) -> None:
        self._clock, self._device = clock, device
        self._chosen = SPEEDS[0]
        self._lengths: deque[float] = deque(maxlen=_REMEMBERED)
        """Lengths of the past ticks, in ticks at full speed."""
        self.speed = 1.0

    def choose_next(self) -> float:
        """The command: choose the next speed, after the last the first. The speed that will be in force."""
        self._chosen = SPEEDS[(SPEEDS.index(self._chosen) + 1) % len(SPEEDS)]
        self.update(False)
        return self.speed

    def update(self, held: bool) -> None:
        """Set the speed from this tick on; `held`: the control is held."""
        speed = self._clock.set_speed(min(self._chosen, HELD) if held else self._chosen)
        if speed != self.speed:
            self.speed = speed
            self._device.slowed(speed)

    def passed(self) -> None:
        """A tick was executed at the present speed."""
        self._lengths.append(1.0 / self.speed)

    def ticks_behind(self, reaction: int) -> int:
        """Ticks that began within a reaction time.

        Args:
            reaction: the reaction time, in ticks at full speed.
        """
        left, behind = float(reaction), 0
        for length in reversed(self._lengths):
            left -= length
            if left < 0.0:
                return behind
            behind += 1
        return reaction if left > 0.0 else behind
