"""Writes docs/results.md, the README's table and the plots from the rows in benchmarks/results/*.jsonl.

    python -m tools.results

tests/test_docs.py checks that the committed files equal this output.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path
from statistics import fmean

from benchmarks import again, first_correction, plots, search_size, tables, update_size
from benchmarks.chunk_table import RESULTS, read_rows
from benchmarks.tables import Row, head, line, number

ROOT = Path(__file__).parent.parent
PAGE = ROOT / "docs" / "results.md"
README = ROOT / "README.md"
BEGIN, END = "<!-- results: written by `python -m tools.results` -->", "<!-- results: end -->"
"""Lines before and after the README's table."""

DIM_A = {"hammer": 4, "line_following": 2, "pick_can": 7, "push_t": 2, "square": 7, "two_arm_lift": 14}
"""dim_a, numbers in an action, by task."""
PLAN_SIZES = (8, 16, 32, 56, 112)
"""Chunk sizes of `benchmarks.plan`."""
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
- Evaluated: episodes of each seed.
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

SIZES = """## The work of one update

Networks learn from the corrections of one session, with one thread. `SIZES` in the benchmark has what differs: the
pairs of a batch, the samples and Langevin steps of each pair, and the learning rate.

None is shown to learn 1.5 times as quickly as `before` up to the end, so the method `clic` keeps that size. Smaller
updates are up to 2.6 times quicker, but each teaches less. They are ahead early in Pick-Can, and not at the end.
In Push-T, half a batch has the greater error after the same seconds. `wide_batch` has fewer samples a pair, no Langevin
step and a smaller penalty: it ends where `before` does, in 1.7 times as many updates. Twice the learning rate ends
higher. With one seed, differences of a few hundredths may be chance. An empty success was not measured.

- ms: the time of one update on a quiet machine, an AMD EPYC with AVX-512. Updates: how many the seconds hold.
- Error: distance of a plan from the teacher's chunk a step, on episodes that were held back; action units. It is given
  after a quarter of the seconds, after half and at the end.
- Followed: share of held-back corrections whose desired set the plan reaches. Success: of the policy alone.

```
python -m benchmarks.update_size cost runs/push_t-oracle runs/pick_can-oracle --seconds 4
python -m benchmarks.update_size learn runs/push_t-oracle runs/pick_can-oracle --seconds 60
```"""

FIRST = """## The first corrections

"Kept": the policy of a whole session, its learner with one correction more from another session, and the same learner
without it. "Untaught": an untrained policy after its first pairs. Both learn as they would live: 20 updates a second,
and 10 seconds after the last pair. Zero pairs stand for the robot that stands still.

- Error at other states: distance of the first action from the teacher's, at corrected states of another session.
- Error per step: the same along the policy's own way.
- Without caution: `policy.cautious_pairs` is 0, see [Teaching](teaching.md).

```
python -m benchmarks.first_correction SESSION SESSION ...
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

SEARCH = """## Size of the search

A search is written CANDIDATES/CHAINS/STEPS, and a fourth number limits the human chunks. All searches act from the same
starts with the same kept policies. Energy above: mean distance from the lowest energy known, over plans from the same
states. A search 11 times larger also looks for that energy. Same actions: share of plans whose executed actions are
within 0.05 of those of the larger search. Times were taken on a quiet machine, one thread; the
policy without times was taught with a keyboard.

More candidates and chains find hardly lower energies, because the human chunks are the better starts. More steps do. So
`clic`, `clic_robust` and `ibc` search with 192/12/20; before, with 768/48/10.

```
python -m benchmarks.search_size SESSION_OR_POLICY ... --searches 768/48/10 192/12/20
python -m benchmarks.search_size SESSION_OR_POLICY ... --energies
```"""

PLANS = """## Time of a plan

Time in ms, p50 / p99, one thread, mean of two turns; D is the number of numbers in a chunk. The old code, the compiled
search of the same size, and the smaller search took turns on a quiet machine. AVX2: the same machine with AVX-512
switched off. A search is written CANDIDATES/CHAINS/STEPS. D = 60 of the old code stands under 56.

```
python -m benchmarks.plan --search 768/48/10
```"""

PRIORITIES = """## Lateness beside a busy planner

Lateness of ticks in ms on 2 cores, beside a planner that never pauses, a learner and a drawing process. Level: nice
level of the planner below the tick; 0 is no order of threads. Each row is one run of 8 s, and none shows that level 3
helps. Level 19 has the lowest p99, but beside other programs plans would then wait for all of them. A session uses 3.

```
python -m benchmarks.priorities --rates-hz 20 50 100 --levels 0 3 10 19
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
        SIZES,
        "\n".join(update_size.table(read_rows(update_size.ROWS))),
        FIRST,
        "\n".join(first_correction.table(read_rows(first_correction.ROWS))),
        HELP,
        "\n".join(_help(_rows("help_request"))),
        DEVICES,
        "\n".join(_devices(_rows("device_session"))),
        SEARCH,
        "\n".join(search_size.table(read_rows(RESULTS / "search_size.jsonl"))),
        PLANS,
        "\n".join(_plans(_rows("plan"))),
        PRIORITIES,
        "\n".join(_priorities(_rows("priorities"))),
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
        published = number(theirs.success_rate) if theirs else "not reported"
        size = horizon * DIM_A[task]
        lines.append(line(title, horizon, size, cell.episodes, cell.text(), published, number(tables.minutes(cell), 0)))
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


def _plans(rows: Sequence[Row]) -> list[str]:
    groups: dict[tuple[str, str, str], list[Row]] = {}
    for row in rows:
        search = f"{row['candidates']}/{row['chains']}/{row['refine_steps']}"
        groups.setdefault((row["instructions"], row["code"], search), []).append(row)
    lines = head(("instructions", "code", "search", *(f"D = {size}" for size in PLAN_SIZES)))
    for about, found in groups.items():
        turns = [list(row["plan_ms"].values()) for row in found]
        means = [[fmean(turn[i][level] for turn in turns) for level in ("p50", "p99")] for i in range(len(PLAN_SIZES))]
        lines.append(line(*about, *(f"{number(p50, 1)} / {number(p99, 1)}" for p50, p99 in means)))
    return lines


def _priorities(rows: Sequence[Row]) -> list[str]:
    lines = head(("ticks per second", "other programs", "level", "p50", "p99", "max", "plans per second"))
    for row in rows:
        about = (number(row["rate_hz"], 0), row["other_programs"], row["planner_level"])
        late = (number(row["lateness_ms"][level]) for level in ("p50", "p99", "max"))
        lines.append(line(*about, *late, number(row["plans_per_s"], 0)))
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
