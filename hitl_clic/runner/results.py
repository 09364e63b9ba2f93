"""What the functions of `hitl_clic` return. Frozen data; any thread."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from hitl_clic.session.replay import VerifyReport
from hitl_clic.types.records import EpisodeRecord


@dataclass(frozen=True, eq=False)
class SessionSummary:
    """A session, at its end or so far.

    Attributes:
        folder: holds recording, settings, checkpoints and figures.
        success: bool [N], whether each finished episode succeeded.
        feedback_per_step: float64 [N], share of ticks the teacher drove ([CC] Eq. 13).
        l2_error_per_step: float64 [N], mean ||a^r - a*|| ([CC] Eq. 12); NaN where a* was never known.
        timesteps: int64 [N], lengths in ticks.
        ticks, updates, weight_swaps, pairs_made, pairs_ingested: counts. wall_s: seconds.
        figures: everything in `summary.json`, by name.
    """

    folder: Path
    success: NDArray[np.bool_]
    feedback_per_step: NDArray[np.float64]
    l2_error_per_step: NDArray[np.float64]
    timesteps: NDArray[np.int64]
    ticks: int
    updates: int
    weight_swaps: int
    pairs_made: int
    pairs_ingested: int
    wall_s: float
    figures: Mapping[str, Any]

    @property
    def episodes(self) -> int:
        """Finished episodes, N."""
        return len(self.success)

    @property
    def success_rate(self) -> float:
        """Share of finished episodes that succeeded; NaN before the first has ended."""
        return float(np.mean(self.success)) if self.episodes else float("nan")

    @classmethod
    def of(cls, folder: Path, figures: Mapping[str, Any]) -> SessionSummary:
        """From the content of `summary.json`."""
        return cls(
            folder=folder,
            success=np.array(figures["success"], bool),
            feedback_per_step=np.array(figures["feedback_per_step"], float),
            l2_error_per_step=np.array(figures["l2_error_per_step"], float),  # None becomes NaN
            timesteps=np.array(figures["timesteps"], np.int64),
            ticks=figures["ticks"],
            updates=figures["updates"],
            weight_swaps=figures["weight_swaps"],
            pairs_made=figures["pairs"]["made"],
            pairs_ingested=figures["pairs"]["ingested"],
            wall_s=figures["wall_s"],
            figures=figures,
        )


@dataclass(frozen=True, slots=True)
class PracticeResult:
    """The episodes of a practice.

    Attributes:
        episodes: in order. rate_hz: ticks per second.
    """

    episodes: tuple[EpisodeRecord, ...]
    rate_hz: float


@dataclass(frozen=True, slots=True)
class LearnResult:
    """A policy learnt from recordings.

    Attributes:
        folder: with its settings and checkpoint; `evaluate` and `Policy.load` take it.
        checkpoint: the file. pairs: learnt from, count. updates: of the network, count.
        wall_s: time of the updates, seconds.
    """

    folder: Path
    checkpoint: Path
    pairs: int
    updates: int
    wall_s: float


@dataclass(frozen=True, slots=True)
class ReplayResult:
    """What `replay` found.

    Attributes:
        path: the recording. summary: the figures, computed from its records.
        report: of the verification; None without one.
        pictures: the files written.
    """

    path: Path
    summary: SessionSummary
    report: VerifyReport | None = None
    pictures: tuple[Path, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the session was verified and every tick was equal bit for bit."""
        return self.report is not None and self.report.ok


@dataclass(frozen=True, slots=True)
class ExportResult:
    """A dataset written by `export`.

    Attributes:
        folder: of the dataset. format: its name. episodes, frames, pairs: written, counts.
        wall_s: time of the export, seconds.
    """

    folder: Path
    format: str
    episodes: int
    frames: int
    pairs: int
    wall_s: float


@dataclass(frozen=True, slots=True)
class SessionRow:
    """A recorded session in a table of sessions, as its labels leave it.

    Attributes:
        folder: of the session. task: its name. teacher: the device. started_at: ISO 8601 in UTC; empty if unknown.
        episodes: finished and not discarded. successes: of these, as recorded or labelled. corrections: not withdrawn.
        bytes: size of the folder. damage: what cannot be read, as a sentence; empty if nothing.
    """

    folder: Path
    task: str
    teacher: str
    started_at: str
    episodes: int
    successes: int
    corrections: int
    bytes: int
    damage: str = ""


@dataclass(frozen=True, slots=True)
class ImportResult:
    """A session made of a dataset.

    Attributes:
        folder: of the session; `learn`, `evaluate`, `export` and `teach(begins_from=...)` take it.
        episodes, reached, ticks, pairs: counts. updates: of the policy's network, count.
    """

    folder: Path
    episodes: int
    reached: int
    ticks: int
    pairs: int
    updates: int
