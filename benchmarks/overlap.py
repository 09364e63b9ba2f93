"""Success of a policy that plans ahead, by overlap and lead.

    python -m benchmarks.overlap SOURCE ... [--leads 1 2 4] [--episodes 20]

SOURCE is a session folder or a checkpoint. There is one JSON line for each policy, overlap and lead. Leads that are too
long for the policy's chunks are skipped. All rows use the same starts, with seeds from 1,000,000.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import hitl_clic as hc
from benchmarks.experiment import EVALUATED_FROM
from benchmarks.figure import tell
from hitl_clic.control.overlap import OVERLAPS, OverlapName, check_room

FIGURES = (
    *("task", "method", "horizon", "execute", "updates", "success_rate", "mean_timesteps", "l2_error_per_step"),
    *("step_inside", "step_at_seam", "jerk_inside", "jerk_at_seam"),
)


def ways(horizon: int, execute: int, leads: Sequence[int]) -> Iterator[tuple[OverlapName, int]]:
    """(overlap, lead): sync, then every other overlap with every lead that the chunks allow."""
    yield "sync", 0
    for lead in leads:
        try:
            check_room(horizon, execute, lead)
        except ValueError:
            continue
        for overlap in OVERLAPS:
            if overlap != "sync":
                yield overlap, lead


def measure(source: Path, leads: Sequence[int], episodes: int, processes: int | None) -> Iterator[dict[str, Any]]:
    """One row for each overlap and lead of one policy."""
    policy = hc.Policy.load(source)
    for overlap, lead in ways(policy.horizon, policy.execute, leads):
        found = hc.evaluate(
            source, episodes=episodes, seed=EVALUATED_FROM, overlap=overlap, lead=lead, processes=processes
        ).as_json()
        row = {name: found[name] for name in FIGURES}
        yield {"source": str(source), "overlap": overlap, "lead": lead, "episodes": episodes, **row}


if __name__ == "__main__":
    line = argparse.ArgumentParser(description=(__doc__ or "").partition("\n")[0])
    line.add_argument("sources", nargs="+", type=Path, help="session folders or checkpoints")
    line.add_argument("--leads", nargs="+", type=int, default=[1, 2, 4], help="ticks ahead (default 1 2 4)")
    line.add_argument("--episodes", type=int, default=20, help="episodes for each line (default 20)")
    line.add_argument("--processes", type=int, help="processes of one evaluation (default: as the machine allows)")
    given = line.parse_args()
    for source in given.sources:
        for row in measure(source, given.leads, given.episodes, given.processes):
            tell("overlap", row)
