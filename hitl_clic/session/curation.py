"""Labels that a person gives to a recorded session afterwards: events beside the recording, which stays as it is.

Any thread. `labels.jsonl` in the session's folder holds one label a line, appended; a later label of the same episode
or correction counts.
"""

from __future__ import annotations

import json
import os
import time
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import get_args

from hitl_clic.session.reader import Session
from hitl_clic.types.dates import utc_text
from hitl_clic.types.labels import Label, LabelName
from hitl_clic.types.records import EpisodeRecord, TickRecord

FILE_NAME = "labels.jsonl"


@dataclass(frozen=True, slots=True)
class Choice:
    """Which episodes of a session count.

    Attributes:
        without: numbers of the episodes left out, from 0. only_successes: leave out episodes that were not reached.
        first: take only the first so many; 0 is all.
    """

    without: frozenset[int] = frozenset()
    only_successes: bool = False
    first: int = 0


EVERY_EPISODE = Choice()


@dataclass(frozen=True, slots=True)
class Curation:
    """The labels of one session that are in force.

    Attributes:
        outcomes: whether an episode was reached, by its number from 0. discarded: numbers of episodes left out.
        withdrawn: first and last tick of each withdrawn correction.
    """

    outcomes: Mapping[int, bool] = field(default_factory=dict)
    discarded: frozenset[int] = frozenset()
    withdrawn: frozenset[tuple[int, int]] = frozenset()

    @classmethod
    def of(cls, session: Session) -> Curation:
        """The labels beside a recording. Raises ValueError: the file of labels cannot be read."""
        outcomes: dict[int, bool] = {}
        discarded: set[int] = set()
        withdrawn: set[tuple[int, int]] = set()
        for label in read_labels(session.path.parent):
            match label.label:
                case "success" | "failure":
                    outcomes[label.episode] = label.label == "success"
                case "discard":
                    discarded.add(label.episode)
                case "keep":
                    discarded.discard(label.episode)
                case "withdraw":
                    withdrawn.add((label.first, label.last))
                case "restore":
                    withdrawn.discard((label.first, label.last))
        return cls(outcomes, frozenset(discarded), frozenset(withdrawn))

    def success(self, episode: int, end: EpisodeRecord | None) -> bool:
        """Whether an episode was reached: as labelled, else as recorded; an interrupted episode was not."""
        return self.outcomes.get(episode, end is not None and end.success)

    def takes(self, episode: int, end: EpisodeRecord | None, choice: Choice) -> bool:
        """Whether an episode counts under a choice."""
        if episode in self.discarded or episode in choice.without or (choice.first and episode >= choice.first):
            return False
        return not choice.only_successes or self.success(episode, end)

    def withdraws(self, tick: int) -> bool:
        """Whether a pair of this tick belongs to a withdrawn correction."""
        return any(first <= tick <= last for first, last in self.withdrawn)


def corrections_of(ticks: Iterable[TickRecord]) -> list[tuple[int, int, int]]:
    """Episode from 0, first and last tick of each correction, in order; people count them from 1."""
    found: list[tuple[int, int, int]] = []
    before: TickRecord | None = None
    for tick in ticks:
        if tick.state == "correcting":
            follows = before is not None and before.state == "correcting" and before.episode == tick.episode
            first = found.pop()[1] if follows else tick.tick
            found.append((tick.episode, first, tick.tick))
        before = tick
    return found


def read_labels(folder: Path) -> list[Label]:
    """The labels in a session's folder, in order; a line without its end (the machine stopped) is skipped.

    Raises:
        ValueError: a line is no label, or the file cannot be read.
    """
    path = folder / FILE_NAME
    if not path.exists():
        return []
    try:
        lines = path.read_text(encoding="utf-8").split("\n")[:-1]
    except (OSError, UnicodeDecodeError) as problem:
        raise ValueError(f"{path} cannot be read: {problem}") from problem
    return [_label(line, f"{path}, line {number}") for number, line in enumerate(lines, 1)]


def append_labels(folder: Path, labels: Sequence[Label]) -> None:
    """Append labels to the file of a session.

    Raises:
        OSError: it cannot be written.
    """
    text = "".join(json.dumps(asdict(label)) + "\n" for label in labels)
    with (folder / FILE_NAME).open("a", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())


def episode_label(label: LabelName, episode: int) -> Label:
    """A label of an episode, given now. episode: from 0."""
    return Label(label, utc_text(time.time_ns()), episode=episode)


def correction_label(label: LabelName, first: int, last: int) -> Label:
    """A label of the correction from tick `first` to `last`, given now."""
    return Label(label, utc_text(time.time_ns()), first=first, last=last)


def _label(line: str, place: str) -> Label:
    try:
        found = json.loads(line)
        label = Label(found["label"], str(found["at"]), int(found["episode"]), int(found["first"]), int(found["last"]))
    except (ValueError, KeyError, TypeError) as problem:
        raise ValueError(f"{place} is not a label") from problem
    if label.label not in get_args(LabelName):
        raise ValueError(f"{place} has the unknown label {label.label!r}")
    return label
