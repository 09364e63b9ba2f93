"""Short tones for events that a teacher may miss while watching the robot. Off by default.

`cues` is pure. `Speaker` runs in the window's process, never in the actor. pygame mixes in its own thread, so that
drawing never waits.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import numpy as np
import pygame

from hitl_clic.cockpit.state.state import CockpitState

Cue = Literal["stop", "help_request", "learnt", "episode_end"]

RATE_HZ = 22_050
NOTES: Mapping[Cue, tuple[tuple[float, float], ...]] = {
    "stop": ((330.0, 0.14), (220.0, 0.28)),
    "help_request": ((587.0, 0.10), (880.0, 0.16)),
    "learnt": ((784.0, 0.09),),
    "episode_end": ((523.0, 0.10), (392.0, 0.16)),
}
"""Notes of each cue: (pitch in Hz, duration in s)."""
_LOUDNESS = 0.25
_RAMP_S = 0.012
"""Fade-in and fade-out of a note, s. A hard edge would click."""
_BUFFER = 512


def cues(before: CockpitState, after: CockpitState) -> tuple[Cue, ...]:
    """The cues of what happened between two states, the most urgent first."""
    learnt = "queued" in before.corrections and "queued" not in after.corrections
    conditions: tuple[tuple[Cue, bool], ...] = (
        ("stop", after.gate == "stopped" != before.gate),
        ("help_request", after.help_requested and not before.help_requested),
        ("learnt", learnt and after.pairs_learnt > before.pairs_learnt),
        ("episode_end", len(after.history) > len(before.history)),
    )
    return tuple(cue for cue, holds in conditions if holds)


def tone(cue: Cue) -> bytes:
    """A cue's samples: int16, mono, `RATE_HZ`."""
    return b"".join(_note(pitch, length_s) for pitch, length_s in NOTES[cue])


def _note(pitch: float, length_s: float) -> bytes:
    at_s = np.arange(round(length_s * RATE_HZ)) / RATE_HZ
    edge = np.minimum(at_s, at_s[::-1]) / _RAMP_S
    wave = np.sin(2 * np.pi * pitch * at_s) * np.minimum(1.0, edge) * _LOUDNESS
    return (wave * np.iinfo(np.int16).max).astype("<i2").tobytes()


class Speaker:
    """Plays cues, also several at a time. `pygame.quit` releases the sound card.

    Raises RuntimeError with one sentence if no audio device works.
    """

    def __init__(self) -> None:
        try:
            pygame.mixer.init(RATE_HZ, -16, 1, _BUFFER, allowedchanges=0)
            self._tones = {cue: pygame.mixer.Sound(buffer=tone(cue)) for cue in NOTES}
        except (pygame.error, NotImplementedError) as error:  # pygame without a mixer
            raise RuntimeError(f"no sounds: no audio device works here ({error})") from error

    def play(self, cue: Cue) -> None:
        """Start to play a cue; never waits."""
        self._tones[cue].play()
