"""Label errors of recorded sessions with a scripted teacher, by averaging time (`correction.label_average_s`).

    python -m benchmarks.labels runs/push_t-... --averages 0 0.2 0.4

A simulated keyboard offers eight directions and reacts late, so labels err. The error compares a label's first step
with the scripted teacher's action at the pair's stimulus. There is one JSON line for each session and time.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import tyro
from numpy.typing import NDArray

from benchmarks.figure import percentiles, tell
from hitl_clic.runner.recordings import pairs_of_session, recorded_correction
from hitl_clic.session.reader import Session
from hitl_clic.tasks.registry import make_teacher
from hitl_clic.types.records import TickRecord


@dataclass(frozen=True)
class Arguments:
    """Which sessions to read."""

    sessions: tyro.conf.Positional[tuple[Path, ...]]
    """Session folders."""
    averages: tuple[float, ...] = (0.0, 0.2, 0.4, 0.6)
    """Averaging times, seconds."""


def wanted_by_tick(session: Session) -> dict[int, NDArray[np.float64]]:
    """The scripted teacher's action at the stimulus of each tick, [dim_a]."""
    teacher, found, stimulus, episode = make_teacher(session.settings.task), {}, {}, -1
    for tick in session.of(TickRecord):
        if tick.episode != episode:
            teacher.reset()
            episode = tick.episode
        found[tick.tick] = np.asarray(teacher.action(tick.observation), np.float64)
        stimulus[tick.tick] = tick.stimulus
    return {tick: found[then] for tick, then in stimulus.items()}


def measure(session: Session, wanted: Mapping[int, NDArray[np.float64]], label_average_s: float) -> dict[str, Any]:
    """Mean error of the labels' first steps, action units, and percentiles of their angles, degrees."""
    changes = {"label_average_s": label_average_s, "implicit_approval": False}
    pairs = pairs_of_session(session, recorded_correction(session).model_copy(update=changes))
    label = np.array([pair.human[0] for pair in pairs], np.float64)
    right = np.array([wanted[pair.tick] for pair in pairs])
    lengths = np.linalg.norm(label, axis=1) * np.linalg.norm(right, axis=1)
    angle = np.degrees(np.arccos(np.clip((label * right).sum(1) / np.maximum(lengths, 1e-9), -1.0, 1.0)))
    error = float(np.linalg.norm(label - right, axis=1).mean())
    return {"pairs": len(pairs), "error": error, "degrees": percentiles(list(angle), 50, 75, 90)}


def main() -> None:
    arguments = tyro.cli(Arguments)
    for path in arguments.sessions:
        session = Session.open(path)
        wanted = wanted_by_tick(session)
        for label_average_s in arguments.averages:
            tell(
                "labels",
                {"session": str(path), "label_average_s": label_average_s, **measure(session, wanted, label_average_s)},
            )


if __name__ == "__main__":
    main()
