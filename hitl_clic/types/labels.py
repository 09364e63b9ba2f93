"""Labels that a person gives to a recorded session afterwards. Pure data; any thread."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

LabelName = Literal["success", "failure", "discard", "keep", "withdraw", "restore"]
OF_EPISODES: tuple[LabelName, ...] = ("success", "failure", "discard", "keep")
"""Labels of episodes: it counts as reached or not; it is left out or taken again."""
OF_CORRECTIONS: tuple[LabelName, ...] = ("withdraw", "restore")
"""Labels of corrections: its pairs are left out, or taken again."""


@dataclass(frozen=True, slots=True)
class Label:
    """One label.

    Attributes:
        label: its name. at: when it was given, ISO 8601 in UTC.
        episode: number from 0; -1 for a label of a correction.
        first, last: ticks of the correction, both included; -1 for a label of an episode.
    """

    label: LabelName
    at: str
    episode: int = -1
    first: int = -1
    last: int = -1
