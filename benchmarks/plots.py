"""Plots of learning experiments from their rows. Writes PNG files; any thread."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from statistics import fmean, pstdev

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from benchmarks import tables


def write(rows: Sequence[tables.Row], folder: Path) -> list[Path]:
    """Write one plot for each task into an existing folder; returns the files."""
    written = []
    for task in sorted({row["task"] for row in rows}):
        path = folder / f"{task}.png"
        _plot(task, [row for row in rows if row["task"] == task], path)
        written.append(path)
    return written


def _plot(task: str, rows: list[tables.Row], path: Path) -> None:
    figure = Figure(figsize=(10.0, 4.0), dpi=110, layout="constrained", facecolor="white")
    FigureCanvasAgg(figure)
    figure.suptitle(task)
    by_horizon, by_episode = figure.subplots(1, 2)
    found = tables.cells(tables.plain(rows), lambda row: (row["method"], row["horizon"]))
    for method in sorted({method for method, _ in found}):
        horizons = sorted(h for m, h in found if m == method)
        here = [found[method, h] for h in horizons]
        means = [fmean(cell.success) for cell in here]
        spreads = [pstdev(cell.success) for cell in here]
        by_horizon.errorbar(horizons, means, yerr=spreads, marker="o", capsize=3, label=method)
    paper = sorted((h, row.success_rate) for (t, h), row in tables.published().items() if t == task)
    if paper:
        by_horizon.plot(*zip(*paper, strict=True), color="0.5", linestyle="--", marker="x", label="paper")
    by_horizon.set(xlabel="prediction horizon H, steps", ylabel="success rate, policy alone", ylim=(-0.03, 1.03))
    by_horizon.legend()
    own = tables.cells(
        tables.plain(rows), lambda row: (row["horizon"], row["execute"]) if row["method"] == "clic" else None
    )
    for key, cell in sorted(item for item in own.items() if item[0] is not None):
        points = sorted(set.intersection(*({point["episodes"] for point in row["curve"]} for row in cell.rows)))
        means = [
            fmean(p["success_rate"] for row in cell.rows for p in row["curve"] if p["episodes"] == point)
            for point in points
        ]
        by_episode.plot(points, means, marker="o", label=f"clic, H = {key[0]}, Ta = {key[1]}")
    by_episode.set(xlabel="episodes taught", ylim=(-0.03, 1.03), xlim=(0, None))
    if by_episode.has_data():  # a task may have rows of variants only
        by_episode.legend()
    figure.savefig(path)
