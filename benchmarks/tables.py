"""Markdown tables of learning experiments from their rows. Pure; any thread."""

from __future__ import annotations

import csv
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any

from benchmarks.experiment import PLAIN

Row = dict[str, Any]
PUBLISHED = Path(__file__).parent / "published.csv"
"""[CC] Table 1, by task and H."""
EPISODES = 162
"""Episodes of a training in [CC]."""


@dataclass(frozen=True)
class Cell:
    """One cell of a table: the seeds of one experiment.

    Attributes:
        rows: one for each seed. episodes: the greatest number of taught episodes after which all seeds were evaluated.
        success: success rate of each seed after that number.
    """

    rows: tuple[Row, ...]
    episodes: int
    success: tuple[float, ...]

    def text(self) -> str:
        """Mean ± standard deviation over the seeds, and the number of seeds."""
        spread = f" ± {pstdev(self.success):.2f}" if len(self.success) > 1 else ""
        return f"{fmean(self.success):.2f}{spread} ({len(self.success)})"

    @property
    def evaluated(self) -> str:
        """Evaluated episodes of each seed, as "20", or "20-100" where they differ."""
        counts = sorted({row.get("evaluations", 0) for row in self.rows})
        return str(counts[0]) if len(counts) == 1 else f"{counts[0]}-{counts[-1]}"

    def mean(self, key: str) -> float | None:
        """Mean of a column over the rows that have it; None if no row has it."""
        known = [row[key] for row in self.rows if row.get(key) is not None]
        return fmean(known) if known else None


def cells(rows: Iterable[Row], key: Callable[[Row], Any]) -> dict[Any, Cell]:
    """Cells by key. Of several rows of a seed, the one with the most evaluations is used, then the most episodes."""
    groups: dict[Any, dict[int, Row]] = defaultdict(dict)
    for row in rows:
        seeds = groups[key(row)]
        if row["seed"] not in seeds or _weight(row) >= _weight(seeds[row["seed"]]):
            seeds[row["seed"]] = row
    made = {}
    for name, seeds in groups.items():
        curves = [{point["episodes"]: point["success_rate"] for point in row["curve"]} for row in seeds.values()]
        common = set.intersection(*(set(curve) for curve in curves))
        if common:
            last = max(common)
            made[name] = Cell(tuple(seeds.values()), last, tuple(curve[last] for curve in curves))
    return made


def _weight(row: Row) -> tuple[int, int]:
    """Rows of greater weight say more about their experiment."""
    return row.get("evaluations", 0), row["episodes"]


@dataclass(frozen=True)
class Published:
    """A row of [CC] Table 1."""

    success_rate: float
    feedback_per_step: float
    avg_timesteps: float

    @property
    def teacher_steps(self) -> float:
        """Approximate number of corrected steps in a training of `EPISODES` episodes."""
        return self.feedback_per_step * self.avg_timesteps * EPISODES


def published() -> Mapping[tuple[str, int], Published]:
    """[CC] Table 1 by (task, H)."""
    names = ("success_rate", "feedback_per_step", "avg_timesteps")
    with PUBLISHED.open(encoding="utf-8", newline="") as file:
        return {
            (row["task"], int(row["horizon"])): Published(*(float(row[name]) for name in names))
            for row in csv.DictReader(file)
        }


def learning(rows: Sequence[Row]) -> list[str]:
    """Markdown: for each task a table by chunk size, and a table by variant if there are variants."""
    text: list[str] = []
    for task in sorted({row["task"] for row in rows}):
        of_task = [row for row in rows if row["task"] == task]
        text += [f"### {task}", "", *_chunk_table(task, of_task), ""]
        if any(row["variant"] != PLAIN for row in of_task):
            text += [*_variant_table(of_task), ""]
    return text


def _chunk_table(task: str, rows: list[Row]) -> list[str]:
    lines = head(
        (
            *(
                "method",
                "H",
                "Ta",
                "episodes",
                "success",
                "evaluated",
                "paper: success",
                "feedback",
                "paper: feedback",
                "in the last third",
            ),
            *("teacher's steps", "paper: steps", "minutes a run"),
        )
    )
    found = cells(plain(rows), lambda row: (row["session"], row["method"], row["horizon"], row["execute"]))
    paper = published()
    for (session, method, horizon, execute), cell in sorted(found.items()):
        theirs, feedback = paper.get((task, horizon)), cell.mean("feedback_per_step")
        steps = None if feedback is None else feedback * (cell.mean("ticks") or 0)
        name = method if session == "oracle_human_timing" else f"{method} ({session})"
        lines.append(
            line(
                name,
                horizon,
                execute,
                cell.episodes,
                cell.text(),
                cell.evaluated,
                number(theirs.success_rate if theirs else None),
                number(feedback),
                number(theirs.feedback_per_step if theirs else None),
                number(cell.mean("feedback_last_third")),
                number(steps, 0),
                number(theirs.teacher_steps if theirs else None, 0),
                number(minutes(cell), 1),
            )
        )
    return lines


def minutes(cell: Cell) -> float | None:
    """Mean duration of a run; None where it is not known, for example because the run was interrupted."""
    seconds = cell.mean("wall_s")
    return None if seconds is None else seconds / 60


def _variant_table(rows: list[Row]) -> list[str]:
    """One table for each (H, Ta) with variants: a row a variant, a column a method."""
    found = cells(rows, lambda row: (row["horizon"], row["execute"], row["variant"], row["method"]))
    lines: list[str] = []
    varied = {(h, ta) for h, ta, variant, _ in found if variant != PLAIN}
    for horizon, execute in sorted(varied):
        here = {key[2:]: cell for key, cell in found.items() if key[:2] == (horizon, execute)}
        lines += ["", f"H = {horizon}, Ta = {execute}, settings of `benchmarks/variants`:", "", *grid(here)]
    return lines[1:]


def grid(found: Mapping[tuple[str, str], Cell]) -> list[str]:
    """A table of cells by (variant, method): a row a variant, a column a method."""
    methods = sorted({method for _, method in found})
    names = sorted({variant for variant, _ in found}, key=lambda name: (name != PLAIN, name))
    lines = head(("variant", *methods))
    for name in names:
        lines.append(line(name, *(found[name, m].text() if (name, m) in found else "" for m in methods)))
    return lines


def plain(rows: Iterable[Row]) -> list[Row]:
    """The rows without a variant."""
    return [row for row in rows if row["variant"] == PLAIN]


def head(names: Sequence[str]) -> list[str]:
    """The first two lines of a table."""
    return [line(*names), "|" + "---|" * len(names)]


def line(*values: Any) -> str:
    """One row of a table."""
    return "| " + " | ".join(str(value) for value in values) + " |"


def number(value: float | None, digits: int = 2) -> str:
    """A number as text; empty for None."""
    return "" if value is None else f"{value:.{digits}f}"
