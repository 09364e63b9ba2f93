"""Writes docs/results.md, the README's table and the plots from the rows in benchmarks/results/*.jsonl.

    python -m tools.results

tests/test_docs.py checks that the committed files equal this output.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

from benchmarks import again, plots, tables
from benchmarks.chunk_table import RESULTS, read_rows
from benchmarks.tables import Row, head, line, number

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "results.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- results: written by `python -m tools.results` -->", "<!-- results: end -->"
"""Lines before and after the README's table."""

DIM_A = {"hammer": 4, "line_following": 2, "pick_can": 7, "push_t": 2, "square": 7, "two_arm_lift": 14}
"""dim_a, numbers in an action, by task."""
TITLES = {
    "hammer": "Hammer",
    "line_following": "Line Following",
    "pick_can": "Pick-Can",
    "push_t": "Push-T",
    "square": "Square",
    "two_arm_lift": "Two-Arm Lift",
}

INTRODUCTION = """# Results

`python -m tools.results` writes this page from `benchmarks/results/*.jsonl`. No figure here is typed by hand.
Rows that were measured under old names count under the present names. [Concepts](concepts.md) explains the terms.
All runs used one machine with 2 CPU cores and no GPU, two experiments at a time."""

LEARNING = """## Learning

The scripted teacher has a person's timing (preset `oracle_human_timing`). The policy is then evaluated alone.
It starts from states that were never taught.

- Success: mean ± standard deviation over seeds, with the number of seeds in brackets.
- "Paper:": CLIC-Chunks, Table 1, after 162 episodes of its own teacher.
- Feedback: share of the taught ticks that the teacher drove. "In the last third": in the last third of the episodes.
- Teacher's steps: ticks that the teacher drove. "Paper: steps": feedback × mean length × 162.

A row is measured by a command such as:

```
python -m benchmarks.chunk_table --task hammer --horizons 1 4 8 12 15 --seeds 0 1 2 --episodes 40
```

The command skips rows that exist and continues where it was stopped. `--points` and `--evaluations` set when and how
often the policy is evaluated. A variant is a settings file in `benchmarks/variants`; `--variants NAME` chooses it.
Some variants are teachers with errors: `gaussian` has a tremor, corrections of `magnitude_*` are too small, and those
of `directional_*` are so many degrees off. `relative` and `partial_arm` change how the teacher corrects; the others
change the method."""

AGAIN = """## Learning again from the same corrections

Each variant learns from the same recorded corrections, and then acts alone. Only the variant differs between rows.
`uniform_inference` starts the search at random chunks, and `uniform_negatives` draws the negatives at random. These two
reduce success most. The other variants change it little on these data.

```
python -m benchmarks.again --sessions runs/chunk_table/hammer-clic-*-h15-*/session-* \\
    --variants plain hindsight mask no_modes paper_energy uniform_inference uniform_negatives
```"""

HELP = """## Asking for help

The teacher drives only when the robot asks, and then for 16 steps. Three ways are compared on the same starts: the
robot never asks, asks when its plans are uncertain, or asks equally often at random.

Help on uncertainty prevents most failures where the robot does not know what to do, as in `pick_can`. But plans are
also far apart where two ways are equally good. In `push_t`, help at random times prevented more failures.

```
python -m benchmarks.help_request SESSION_OR_POLICY ... --episodes 40
```"""

DEVICES = """## Simulated hands on real device paths

A simulated person teaches Pick-Can in real time through a gamepad or a 3D mouse. It sees the scene 0.25 s late, steps
in after 0.4 s of errors, and drives for at least 2 s. Its hands tremble and move at a limited rate.
The gamepad is a virtual one of SDL; the 3D mouse is read as bytes. All else is the session that a person would teach.

- Success: of the policy alone, on starts that were never taught.
- Feedback, teacher's steps: as above. Corrections: how often the person took over.

```
python -m benchmarks.device_sessions --device gamepad --seed 1
```"""

MODES = """## Two equally good ways

Half of the corrections go left around an obstacle, half go right. Plans: share of executed plans on each side.
Samples: share of low-energy chunks on each side, for methods with an energy. Mean over seeds.

```
python -m benchmarks.modes --seeds 0 1 2
```"""


def page() -> str:
    """The whole of docs/results.md."""
    learning = read_rows(RESULTS / "learning.jsonl")
    shown = [
        f"![{TITLES[task]}: success by chunk size and by episodes](../benchmarks/results/{task}.png)" for task in TITLES
    ]
    parts = [
        INTRODUCTION,
        LEARNING,
        "\n".join(tables.learning(learning)),
        "### Plots",
        "\n\n".join(shown),
        AGAIN,
        "\n".join(again.table(read_rows(RESULTS / "again.jsonl"))),
        HELP,
        "\n".join(_help(_rows("help_request"))),
        DEVICES,
        "\n".join(_devices(_rows("device_session"))),
        MODES,
        "\n".join(_modes(read_rows(RESULTS / "modes.jsonl"))),
    ]
    return "\n\n".join(part.rstrip() for part in parts) + "\n"


def summary() -> str:
    """The README's table: for each task the row of `clic` with the longest chunk."""
    rows = [row for row in tables.plain(read_rows()) if row["method"] == "clic" and row["task"] in TITLES]
    found = tables.cells(rows, lambda row: (row["task"], row["horizon"], row["execute"]))
    paper = tables.published()
    lines = head(("Task", "H", "numbers in a chunk", "episodes", "success", "in the paper", "minutes"))
    for task, title in TITLES.items():
        _, horizon, execute = max(key for key in found if key[0] == task)
        cell, theirs = found[task, horizon, execute], paper.get((task, horizon))
        minutes = (cell.mean("wall_s") or 0) / 60
        published = number(theirs.success_rate) if theirs else "not reported"
        size = horizon * DIM_A[task]
        lines.append(line(title, horizon, size, cell.episodes, cell.text(), published, number(minutes, 0)))
    return "\n".join(lines)


def with_summary(readme: str) -> str:
    """The README's text with the new table between `BEGIN` and `END`.

    Raises:
        ValueError: `BEGIN` or `END` is missing.
    """
    before, begin, rest = readme.partition(BEGIN)
    _, end, after = rest.partition(END)
    if not begin or not end:
        raise ValueError(f"README.md has no table between {BEGIN} and {END}")
    return f"{before}{BEGIN}\n{summary()}\n{END}{after}"


def main() -> int:
    """Write all files; the exit status."""
    PAGE.write_text(page(), encoding="utf-8")
    README.write_text(with_summary(README.read_text(encoding="utf-8")), encoding="utf-8")
    for path in (PAGE, README, *plots.write(read_rows(), RESULTS)):
        sys.stdout.write(f"wrote {path.relative_to(ROOT)}\n")
    return 0


def _rows(figure: str) -> list[Row]:
    """The stored rows of one figure, from all files."""
    return [row for path in sorted(RESULTS.glob("*.jsonl")) for row in read_rows(path) if row["figure"] == figure]


def _help(rows: Sequence[Row]) -> list[str]:
    names = ("task", "H", "robot asks", "failures per episode", "calls per episode", "teacher's steps per episode")
    lines = head((*names, "episodes"))
    for row in rows:
        calls, steps = number(row["calls_per_episode"], 1), number(row["teacher_steps_per_episode"], 0)
        failures = number(row["failures_per_episode"])
        lines.append(line(row["task"], row["horizon"], row["asks"], failures, calls, steps, row["episodes"]))
    return lines


def _devices(rows: Sequence[Row]) -> list[str]:
    names = ("device", "seed", "H", "Ta", "episodes", "success", "evaluated", "feedback", "in the last third")
    lines = head((*names, "teacher's steps", "corrections", "minutes"))
    for row in rows:
        about = (row["device"], row["seed"], row["horizon"], row["execute"], row["episodes"])
        shares = (number(row["feedback"]), number(row["feedback_last_third"]))
        effort = (row["teacher_steps"], row["corrections"], number(row["minutes"], 0))
        lines.append(line(*about, number(row["success_rate"]), row["evaluations"], *shares, *effort))
    return lines


def _modes(rows: Sequence[Row]) -> list[str]:
    lines = head(("method", "plans left", "plans right", "samples left", "samples right", "seeds"))
    for method in sorted({row["method"] for row in rows}):
        of_method = [row for row in rows if row["method"] == method]
        shares = [_share(of_method, kind, side) for kind in ("plans", "samples") for side in ("left", "right")]
        lines.append(line(method, *shares, len(of_method)))
    return lines


def _share(rows: Sequence[Row], kind: str, side: str) -> str:
    shares = [row[kind][side] for row in rows if row[kind] is not None]
    return number(sum(shares) / len(shares)) if shares else ""


if __name__ == "__main__":
    raise SystemExit(main())
