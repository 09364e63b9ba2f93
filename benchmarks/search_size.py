"""Success, error and time of plans by the size of the search, from kept policies of `clic`.

    python -m benchmarks.search_size SESSION_OR_POLICY ... [--searches 768/48/10 192/12/20] [--episodes 100]
    python -m benchmarks.search_size SESSION_OR_POLICY ... --energies

A search is CANDIDATES/CHAINS/STEPS, or CANDIDATES/CHAINS/STEPS/BANK for fewer human chunks. All searches start from the
same states, in blocks, block by block. Each finished block is one row of benchmarks/results/search_size.jsonl, so a
stopped measurement continues after its last row. `--energies` compares the plans of all searches at the same states
with those of a search 11 times larger, and measures their time; it writes one row for each search.
"""

from __future__ import annotations

import argparse
import json
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean
from typing import Any

import numpy as np
import torch

import hitl_clic as hc
from benchmarks.chunk_table import RESULTS, append_row, read_rows
from benchmarks.experiment import EVALUATED_FROM
from benchmarks.figure import percentiles
from benchmarks.tables import head, line, number
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.policy import EnergyPolicy
from hitl_clic.clic.settings import EnergyMethodSettings
from hitl_clic.evaluation import wilson
from hitl_clic.learner.checkpoint import read_weights
from hitl_clic.runner.parts import Parts
from hitl_clic.runner.policy import find_checkpoint
from hitl_clic.settings import SessionSettings
from hitl_clic.types.records import Array

ROWS = RESULTS / "search_size.jsonl"
SEARCHES = ("768/48/10", "384/24/10", "192/12/20", "192/12/10", "96/12/20")
BLOCK = 20
"""Episodes of one row."""
REFERENCE = "8448/528/40"
"""The search whose energies the others are compared with."""
SAME = 0.05
"""Greatest difference of two actions that count as the same, action units in each coordinate."""


@dataclass(frozen=True)
class Search:
    """A size of the search.

    Attributes:
        candidates, chains, refine_steps: as in the settings. bank: human chunks that are used; 0: all.
    """

    candidates: int
    chains: int
    refine_steps: int
    bank: int = 0

    @classmethod
    def read(cls, text: str) -> Search:
        """From "CANDIDATES/CHAINS/STEPS" or "CANDIDATES/CHAINS/STEPS/BANK". Raises ValueError."""
        sizes = [int(part) for part in text.split("/")]
        if len(sizes) not in (3, 4) or min(sizes[:3]) < 1:
            raise ValueError(f"{text} is not a search; allowed: such as {' '.join(SEARCHES)}")
        return cls(*sizes)

    def settings(self) -> dict[str, int]:
        """Its settings of `inference`."""
        return {"candidates": self.candidates, "chains": self.chains, "refine_steps": self.refine_steps}


@dataclass(frozen=True)
class Source:
    """A kept policy.

    Attributes:
        path: of its checkpoint. settings: of its session. updates: of its network.
    """

    path: Path
    settings: SessionSettings
    updates: int

    @classmethod
    def read(cls, given: str) -> Source:
        """From a session folder or a checkpoint. Raises UserError."""
        path, settings = find_checkpoint(Path(given))
        return cls(path, settings, read_weights(path)[0].step)

    def about(self, search: str) -> dict[str, Any]:
        """What identifies the rows of this policy and a search."""
        settings = self.settings
        return {
            "task": settings.task,
            "horizon": settings.horizon,
            "execute": settings.execute,
            "seed": settings.seed,
            "updates": self.updates,
            "search": search,
        }


def blocks(sources: Sequence[Source], searches: Sequence[str], episodes: int, rows: Path) -> Iterator[dict[str, Any]]:
    """The rows that are not stored yet, block by block, so that all searches have as many episodes at any time."""
    for first in range(0, episodes, BLOCK):
        for source in sources:
            for search in searches:
                about = {"figure": "search_size", **source.about(search), "first": first}
                if not any(about.items() <= row.items() for row in read_rows(rows)):
                    yield about | _evaluated(source, Search.read(search), first, min(BLOCK, episodes - first))


def _evaluated(source: Source, search: Search, first: int, episodes: int) -> dict[str, Any]:
    if search.bank:
        raise hc.UserError("a search with fewer human chunks is measured with --energies only")
    found = hc.evaluate(
        source.path, episodes=episodes, seed=EVALUATED_FROM + first, inference=search.settings(), processes=1
    )
    return {
        "episodes": episodes,
        "success_rate": found.success_rate,
        "l2_error_per_step": found.l2_error_per_step,
        "mean_timesteps": found.mean_timesteps,
    }


@torch.no_grad()
def energies(source: Source, searches: Sequence[str], starts: int, steps: int) -> Iterator[dict[str, Any]]:
    """For each search a row: its plans' energies above the lowest known one, and their times.

    The robot follows the reference's plans; at each plan all searches plan from the same state and previous chunk.

    Args:
        starts: episodes. steps: greatest length of each, ticks.
    """
    policies = {search: _policy(source, Search.read(search)) for search in (REFERENCE, *searches)}
    gaps: dict[str, list[float]] = {search: [] for search in searches}
    same: dict[str, list[bool]] = {search: [] for search in searches}
    times: dict[str, list[float]] = {search: [] for search in searches}  # milliseconds
    parts, execute = Parts(), source.settings.execute
    task = parts.make_task(source.settings)
    try:
        for start in range(starts):
            observation, _ = task.reset(seed=EVALUATED_FROM + start)
            rest: Array | None = None
            for _ in range(steps // execute):
                chunks = {
                    search: _timed(policy, observation, rest, times.get(search)) for search, policy in policies.items()
                }
                found = _energies(policies[REFERENCE], observation, chunks)
                least = min(found.values())
                for search in searches:
                    gaps[search].append(found[search] - least)
                    apart = np.abs(chunks[search][:execute] - chunks[REFERENCE][:execute]).max()
                    same[search].append(bool(apart <= SAME))
                done = False
                for action in chunks[REFERENCE][:execute]:
                    observation, _, terminated, truncated, _ = task.step(action)
                    done = done or terminated or truncated
                if done:
                    break
                rest = chunks[REFERENCE][execute:]
    finally:
        parts.close(task)
    for search in searches:
        yield {
            "figure": "search_energy",
            **source.about(search),
            "plans": len(gaps[search]),
            "gap_mean": round(fmean(gaps[search]), 4),
            "gap": percentiles(gaps[search], 50, 95, 99, 100),
            "same_actions": round(fmean(same[search]), 4),
            "plan_ms": percentiles(times[search], 0, 50, 99),
        }


def _policy(source: Source, search: Search) -> EnergyPolicy:
    weights, agreed = read_weights(source.path)
    tensors: Mapping[str, Array] = weights.tensors
    if search.bank:
        chunks = tensors["human_chunks"]  # as the learner chooses them: evenly spaced, the newest included
        kept = np.linspace(0, len(chunks) - 1, min(search.bank, len(chunks))).astype(int)
        tensors = {**tensors, "human_chunks": chunks[kept]}
    method = source.settings.policy
    assert isinstance(method, EnergyMethodSettings)
    method = method.model_copy(update={"inference": method.inference.model_copy(update=search.settings())})
    chunk = ChunkShape(int(agreed["horizon"]), int(agreed["dim_a"]))
    return EnergyPolicy(tensors, int(agreed["dim_o"]), chunk, method, torch.Generator().manual_seed(0))


def _timed(policy: EnergyPolicy, observation: Array, rest: Array | None, times: list[float] | None) -> Array:
    nothing = np.zeros((0, policy.dim_a), np.float32)
    began = time.perf_counter_ns()
    chunk = policy.plan(observation, nothing, rest).chunk
    if times is not None:
        times.append((time.perf_counter_ns() - began) * 1e-6)
    return chunk


def _energies(policy: EnergyPolicy, observation: Array, chunks: Mapping[str, Array]) -> dict[str, float]:
    """E(s, a) of each search's chunk."""
    context = policy.network.context(torch.from_numpy(observation)[None])
    flat = torch.from_numpy(np.stack([chunk.reshape(-1) for chunk in chunks.values()]))[None]
    return dict(zip(chunks, policy.network.energy(context, flat)[0].tolist(), strict=True))


def table(rows: Sequence[dict[str, Any]]) -> list[str]:
    """Markdown: success by task and search, then energies and times."""
    groups: dict[tuple[str, int, str], list[dict[str, Any]]] = {}
    for row in rows:
        if row["figure"] == "search_size":
            groups.setdefault((row["task"], row["horizon"], row["search"]), []).append(row)
    lines = head(("task", "H", "search", "policies", "starts", "success", "95 % interval", "error per step", "steps"))
    for (task, horizon, search), found in sorted(groups.items(), key=lambda item: (item[0][:2], -_size(item[0][2]))):
        starts = [row["episodes"] for row in found]
        success, error, steps = (
            float(np.average([row[key] for row in found], weights=starts))
            for key in ("success_rate", "l2_error_per_step", "mean_timesteps")
        )
        low, high = wilson(success, sum(starts))
        policies = len({(row["seed"], row["updates"]) for row in found})
        interval = f"{number(low)} to {number(high)}"
        figures = (number(success), interval, number(error, 3), number(steps, 0))
        lines.append(line(task, horizon, search, policies, sum(starts), *figures))
    names = ("task", "H", "search", "plans", "energy above", "95 % below", "same actions", "plan p50, ms")
    lines += ["", *head(names)]
    for row in sorted(
        (row for row in rows if row["figure"] == "search_energy"),
        key=lambda row: (row["task"], row["horizon"], row["updates"], -_size(row["search"])),
    ):
        gaps = (number(row["gap_mean"], 3), number(row["gap"]["p95"], 3), number(row["same_actions"]))
        about = (row["task"], row["horizon"], row["search"], row["plans"])
        lines.append(line(*about, *gaps, number((row["plan_ms"] or {}).get("p50"), 2)))
    return lines


def _size(search: str) -> int:
    sizes = Search.read(search)
    return sizes.candidates * 1_000_000 + sizes.chains * sizes.refine_steps * 1000 + (sizes.bank or 999)


def main(arguments: Sequence[str] | None = None) -> None:
    """The command line."""
    made = argparse.ArgumentParser(description="Success, error and time of plans by the size of the search.")
    made.add_argument("sources", nargs="+", help="session folders or checkpoints of clic")
    made.add_argument("--searches", nargs="+", default=SEARCHES, help="CANDIDATES/CHAINS/STEPS[/BANK]")
    made.add_argument("--episodes", type=int, default=100, help="starts of each search (default 100)")
    made.add_argument("--energies", action="store_true", help="compare energies and times instead of success")
    made.add_argument("--starts", type=int, default=5, help="with --energies: starts (default 5)")
    made.add_argument("--steps", type=int, default=150, help="with --energies: ticks of each start (default 150)")
    made.add_argument("--rows", type=Path, default=ROWS, help="file of the rows")
    given = made.parse_args(arguments)
    torch.set_num_threads(1)
    sources = [Source.read(source) for source in given.sources]
    if given.energies:
        for source in sources:
            _keep(energies(source, given.searches, given.starts, given.steps), given.rows)
    else:
        _keep(blocks(sources, given.searches, given.episodes, given.rows), given.rows)


def _keep(found: Iterator[dict[str, Any]], rows: Path) -> None:
    for row in found:
        append_row(row, rows)
        print(json.dumps(row), flush=True)


if __name__ == "__main__":
    main()
