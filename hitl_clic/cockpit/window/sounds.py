"""Short tones for what a teacher who looks at the robot may miss. Off by default.

`cues` is pure. `Speaker` belongs to the window's process, which owns the sound card while it plays; pygame mixes in a
thread of its own, so that drawing never waits. Never in the actor.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pygame

from hitl_clic.cockpit.state.state import CockpitState

Cue = Literal["stop", "asks", "learned", "over"]

RATE_HZ = 22_050
NOTES: Mapping[Cue, tuple[tuple[float, float], ...]] = {
    "stop": ((330.0, 0.14), (220.0, 0.28)),
    "asks": ((587.0, 0.10), (880.0, 0.16)),
    "learned": ((784.0, 0.09),),
    "over": ((523.0, 0.10), (392.0, 0.16)),
}
"""What each sounds like: (pitch in hertz, length in seconds), one note after the other; no two alike."""
_LOUDNESS = 0.25
_RAMP_S = 0.012
"""A note swells and dies away over this long: one that is cut off clicks."""
_BUFFER = 512


def cues(before: CockpitState, after: CockpitState) -> tuple[Cue, ...]:
    """What happened between two states that is worth a tone, the most urgent first."""
    learned = "queued" in before.corrections and "queued" not in after.corrections
    happened: tuple[tuple[Cue, bool], ...] = (
        ("stop", after.gate == "stopped" != before.gate),
        ("asks", after.asks and not before.asks),
        ("learned", learned and after.pairs_learned > before.pairs_learned),
        ("over", len(after.history) > len(before.history)),
    )
    return tuple(cue for cue, is_so in happened if is_so)


def tone(cue: Cue) -> bytes:
    """A cue's samples, int16, one channel, `RATE_HZ` of them a second."""
    return b"".join(_note(pitch, length_s) for pitch, length_s in NOTES[cue])


def _note(pitch: float, length_s: float) -> bytes:
    at_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    edge = np.minimum(at_s, at_s[::-1]) / _RAMP_S
    wave = np.sin(2 * np.pi * pitch * at_s) * np.minimum(1.0, edge) * _LOUDNESS
    return (wave * np.iinfo(np.int16).max).astype("<i2").tobytes()


class Speaker:
    """Plays cues; a new one does not cut off another. `pygame.quit` gives the sound card back."""

    def __init__(self) -> None:
        """
        Raises:
            RuntimeError: there is nothing to play them on, in a sentence.
        """
        try:
            pygame.mixer.init(RATE_HZ, -16, 1, _BUFFER, allowedchanges=0)
            self._tones = {cue: pygame.mixer.Sound(buffer=tone(cue)) for cue in NOTES}
        except (pygame.error, NotImplementedError) as error:  # the latter where pygame was built without a mixer
            raise RuntimeError(f"no sounds: this machine has nothing to play them on ({error})") from error

    def play(self, cue: Cue) -> None:
        """Begin to play it; never waits."""
        self._tones[cue].play()
