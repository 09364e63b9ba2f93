"""How large an update should be: the error on held-back corrections by seconds of learning.

    python -m benchmarks.update_size cost SESSION ... --sizes before small
    python -m benchmarks.update_size learn SESSION ... --sizes before small --seeds 0 1 2 --seconds 60
    python -m benchmarks.update_size success SESSION ... --sizes before small --seeds 0 1 2 --seconds 60

`cost` measures the time of one update; the sizes take turns in one process with one thread. It needs a quiet machine.
`learn` trains as many updates as the seconds hold at that cost. So it may run beside other work. It learns from four
fifths of a session's episodes. On the corrections of the others it compares plans with the person's chunks. `success`
lets its policies act alone. There is one JSON line for each figure, stored in benchmarks/results/update_size.jsonl;
stored figures are skipped. `python -m tools.results` writes the table into docs/results.md.

Expected before the first measurement:
- Half the pairs in a batch lose little for each update, so they gain for each second.
- Half the samples lose little too. Without Langevin steps (`no_chain`) the error grows: the samples are too easy.
- The penalty needs few samples: it only bounds the slope.
- A network of half the width is quicker and no better where chunks are long.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import fmean, pstdev
from typing import Any, Literal

import numpy as np
import torch
import tyro

from benchmarks.chunk_table import RESULTS, append_row, read_rows
from benchmarks.experiment import EVALUATED_FROM
from benchmarks.tables import Row, head, line, number
from benchmarks.update import counted_update, timed_update
from hitl_clic.clic.network import ChunkShape
from hitl_clic.clic.settings import ClicSettings
from hitl_clic.clic.trainer import ChunkTrainer
from hitl_clic.methods import make_policy, make_trainer
from hitl_clic.runner.evaluating import evaluate
from hitl_clic.runner.learning import settings_to_learn, symmetries_of, write_policy
from hitl_clic.runner.parts import Parts
from hitl_clic.runner.recordings import open_session, pairs_of_session
from hitl_clic.settings import SessionSettings
from hitl_clic.types.messages import ChunkPair
from hitl_clic.types.symmetry import Symmetry

ROWS = RESULTS / "update_size.jsonl"
HELD_BACK = 5
"""Each fifth episode is held back."""
COMPARED = 200
"""Greatest number of held-back corrections that are compared, evenly spaced over all."""
MARKS = 4
"""The error is measured after all seconds, a half, a quarter, an eighth."""
SHOWN = ("error after a quarter", "after half", "at the end")
"""The table's columns for the last marks."""
ROUNDS, WARM = 4, 3


@dataclass(frozen=True)
class Size:
    """The numbers that set the work of one update, and its learning rate; all else is the preset `clic`."""

    batch: int = 128
    samples: int = 16
    steps: int = 1
    penalty: int = 6
    hidden: int = 128
    trunk: int = 256
    rate: float = 1e-3

    @property
    def work(self) -> dict[str, int]:
        """What the time of an update depends on."""
        numbers = asdict(self)
        del numbers["rate"]
        return numbers

    def policy(self) -> dict[str, Any]:
        """The settings of the method."""
        return {
            "batch": self.batch,
            "penalty_samples": self.penalty,
            "learning_rate": self.rate,
            "negatives": {"samples": self.samples, "steps": self.steps},
            "network": {"hidden": [self.hidden] * 3, "trunk": [self.trunk] * 2},
        }


SIZES = {
    "before": Size(),
    "batch_64": Size(batch=64),
    "batch_32": Size(batch=32),
    "samples_8": Size(samples=8, penalty=3),
    "penalty_2": Size(penalty=2),
    "no_chain": Size(steps=0),
    "width_64": Size(hidden=64, trunk=128),
    "small": Size(batch=64, samples=8, penalty=3),
    "small_no_chain": Size(batch=64, samples=8, penalty=2, steps=0),
    "wide_batch": Size(batch=128, samples=8, penalty=2, steps=0),
    "rate_2e-3": Size(rate=2e-3),
    "wide_rate_2e-3": Size(batch=128, samples=8, penalty=2, steps=0, rate=2e-3),
}
"""Sizes by name. `before` is what `clic` had when this was measured first."""


@dataclass(frozen=True)
class Arguments:
    """What to measure."""

    measure: tyro.conf.Positional[Literal["cost", "learn", "success"]]
    """cost: time of one update. learn: error on held-back corrections. success: of the policies of `learn`."""
    sessions: tyro.conf.Positional[tuple[Path, ...]]
    """Session folders, one for each task."""
    sizes: tuple[str, ...] = tuple(SIZES)
    """Names in SIZES."""
    seeds: tuple[int, ...] = (0,)
    """Seeds of the learning."""
    seconds: float = 60.0
    """Of learning; for cost, of measuring each size."""
    evaluations: int = 100
    """Episodes for success."""
    runs: Path = Path("runs/update_size")
    """Output folder of the policies."""


@dataclass(frozen=True)
class Taught:
    """The corrections of one session.

    Attributes:
        settings: to learn with. symmetries: of the task.
        learnt, held: the corrections to learn from, and those held back.
    """

    settings: SessionSettings
    symmetries: tuple[Symmetry, ...]
    learnt: tuple[ChunkPair, ...]
    held: tuple[ChunkPair, ...]

    @property
    def about(self) -> dict[str, Any]:
        """What all rows of the session have in common."""
        return {"task": self.settings.task, "horizon": self.settings.horizon}

    def trainer(self) -> ChunkTrainer:
        """An untrained network with the corrections to learn from."""
        first = self.learnt[0]
        sizes = (first.state.size, first.human.shape[1], self.settings.horizon)
        made = make_trainer(*sizes, self.settings.policy, self.settings.seed, self.symmetries)
        for pair in self.learnt:
            made.add(pair.id, pair.correction_mode, pair.state, pair.robot, pair.human, pair.mask)
        return made


def taught(session: Path, size: Size, seed: int) -> Taught:
    """The corrections of a session, and the settings that learn from them."""
    settings = settings_to_learn(session, {"method": "clic", "seed": seed, "policy": size.policy(), "out": session})
    pairs = pairs_of_session(open_session(session), settings.correction)
    held = [pair for pair in pairs if pair.episode % HELD_BACK == HELD_BACK - 1]
    chosen = np.linspace(0, len(held) - 1, min(COMPARED, len(held))).astype(int)
    learnt = tuple(pair for pair in pairs if pair.episode % HELD_BACK != HELD_BACK - 1)
    return Taught(settings, symmetries_of(settings, Parts()), learnt, tuple(held[i] for i in chosen))


def compare(trainer: ChunkTrainer, of: Taught) -> dict[str, float]:
    """How far plans are from the held-back chunks: `error` a step, action units, and `followed`, a share.

    A plan follows a correction if it lies within the ball of radius gamma ||a^r - a^h|| around a^h ([CC] Eq. 5).
    """
    policy_settings = of.settings.policy
    assert isinstance(policy_settings, ClicSettings)
    first = of.held[0]
    shape = ChunkShape(*first.human.shape)
    generator = torch.Generator().manual_seed(0)
    policy = make_policy(trainer.weights(), first.state.size, shape, policy_settings, generator)
    nothing = np.zeros((0, shape.dim_a), np.float32)
    errors, follows = [], []
    for pair in of.held:
        off = (policy.plan(pair.state, nothing, None).chunk - pair.human) * pair.mask
        steps = pair.mask.any(1)
        errors.append(float(np.linalg.norm(off[steps], axis=1).mean()))
        apart = np.linalg.norm((pair.robot - pair.human) * pair.mask)
        follows.append(bool(np.linalg.norm(off) <= policy_settings.radius_ratio * apart))
    return {"error": round(fmean(errors), 4), "followed": round(fmean(follows), 4)}


def measure_cost(session: Path, sizes: Sequence[str], seconds: float) -> Iterator[Row]:
    """Time of one update of each size, in turns."""
    cases = {name: taught(session, SIZES[name], 0) for name in sizes}
    trainers = {name: case.trainer() for name, case in cases.items()}
    times: dict[str, list[float]] = {name: [] for name in sizes}
    flop: dict[str, int] = {}
    for _ in range(ROUNDS):
        for name, trainer in trainers.items():
            for _ in range(WARM):
                flop[name] = counted_update(trainer)[1]
            until = time.perf_counter() + seconds / ROUNDS
            while time.perf_counter() < until:
                times[name].append(timed_update(trainer))
    for name, case in cases.items():
        cost = {"ms": round(1e3 * float(np.median(times[name])), 3), "gflop": round(flop[name] * 1e-9, 4)}
        yield {"figure": "update_cost", **case.about, "size": name, **SIZES[name].work, **cost}


def policy_folder(runs: Path, of: Taught, size: str, seed: int, seconds: float) -> Path:
    """Where `learn` leaves a policy."""
    return runs / f"{of.settings.task}-h{of.settings.horizon}-{size}-s{seed}-{seconds:g}s"


def measure_learning(of: Taught, size: str, seed: int, seconds: float, ms: float, runs: Path) -> Row:
    """Train for so many seconds at a cost of `ms` an update; the errors at the marks."""
    trainer = of.trainer()
    curve = []
    for mark in range(MARKS - 1, -1, -1):
        until = seconds / 2**mark
        while trainer.updates < round(1e3 * until / ms):
            trainer.update()
        curve.append({"seconds": until, "updates": trainer.updates, **compare(trainer, of)})
    folder = policy_folder(runs, of, size, seed, seconds)
    settings = of.settings.model_copy(update={"out": folder})
    write_policy(trainer, settings, of.learnt)
    (folder / "settings.toml").write_text(settings.to_toml(), encoding="utf-8")
    pairs = {"pairs": len(of.learnt), "held_back": len(of.held)}
    return {
        "figure": "update_size",
        **of.about,
        "size": size,
        "seed": seed,
        "seconds": seconds,
        **pairs,
        "curve": curve,
    }


def measure_success(of: Taught, size: str, seed: int, seconds: float, evaluations: int, runs: Path) -> Row:
    """The policy of `learn`, alone on unseen starts."""
    folder = policy_folder(runs, of, size, seed, seconds)
    found = evaluate(folder, episodes=evaluations, seed=EVALUATED_FROM)
    figures = {"success_rate": found.success_rate, "l2_error_per_step": found.l2_error_per_step}
    about = {"size": size, "seed": seed, "seconds": seconds, "evaluations": evaluations}
    return {"figure": "update_success", **of.about, **about, **figures}


def stored(rows: Sequence[Row], figure: str, **about: Any) -> Row | None:
    """The newest row of a figure with these values."""
    wanted = {"figure": figure, **about}
    return next((row for row in reversed(rows) if wanted.items() <= row.items()), None)


def missing(arguments: Arguments, rows: Sequence[Row]) -> Iterator[Row]:
    """Measure what is not stored.

    Raises:
        SystemExit: `learn` without a cost.
    """
    for session in arguments.sessions:
        if arguments.measure == "cost":
            yield from measure_cost(session, arguments.sizes, arguments.seconds)
            continue
        for seed in arguments.seeds:
            for size in arguments.sizes:
                of = taught(session, SIZES[size], seed)
                about = {**of.about, "size": size, "seed": seed, "seconds": arguments.seconds}
                if arguments.measure == "success":
                    evaluations = arguments.evaluations
                    if not stored(rows, "update_success", **about, evaluations=evaluations):
                        yield measure_success(of, size, seed, arguments.seconds, evaluations, arguments.runs)
                    continue
                cost = stored(rows, "update_cost", **of.about, **SIZES[size].work)
                if cost is None:
                    raise SystemExit(f"update_size: size {size} has no cost on {of.settings.task}; measure cost first")
                if not stored(rows, "update_size", **about):
                    yield measure_learning(of, size, seed, arguments.seconds, cost["ms"], arguments.runs)


def table(rows: Sequence[Row]) -> list[str]:
    """Markdown: one row for each task, number of seconds and size; mean ± standard deviation over seeds."""
    names = ("task", "H", "size", "GFLOP", "ms", "seconds", "updates", *SHOWN, "followed", "success", "seeds")
    lines = head(names)
    learnt = [row for row in rows if row["figure"] == "update_size"]
    order = list(SIZES)
    kinds = {(row["task"], row["horizon"], row["seconds"], order.index(row["size"])) for row in learnt}
    for task, horizon, seconds, place in sorted(kinds):
        about = {"task": task, "horizon": horizon, "size": order[place]}
        here = [row for row in learnt if {**about, "seconds": seconds}.items() <= row.items()]
        ends = [row["curve"][-1] for row in here]
        errors = [spread([row["curve"][mark]["error"] for row in here], 3) for mark in range(-len(SHOWN), 0)]
        about_work = {"task": task, "horizon": horizon, **SIZES[order[place]].work}
        cost = stored(rows, "update_cost", **about_work) or {}
        tried = [row for row in rows if row["figure"] == "update_success"]
        tried = [row for row in tried if {**about, "seconds": seconds}.items() <= row.items()]
        lines.append(
            line(
                *(task, horizon, order[place], number(cost.get("gflop")), number(cost.get("ms"), 1)),
                *(f"{seconds:g}", ends[0]["updates"], *errors),
                *(spread([end["followed"] for end in ends]), spread([row["success_rate"] for row in tried])),
                len(here),
            )
        )
    return lines


def spread(values: Sequence[float], digits: int = 2) -> str:
    """Mean ± standard deviation; the number alone for one seed, empty for none."""
    if not values:
        return ""
    return number(fmean(values), digits) + (f" ± {pstdev(values):.{digits}f}" if len(values) > 1 else "")


def main() -> int:
    """Measure what is missing; the exit status."""
    arguments = tyro.cli(Arguments, description=__doc__)
    unknown = [name for name in arguments.sizes if name not in SIZES]
    if unknown:
        sys.stderr.write(f"update_size: sizes = {unknown[0]} is not allowed; allowed: {', '.join(SIZES)}\n")
        return 2
    torch.set_num_threads(1)
    for row in missing(arguments, read_rows(ROWS)):
        append_row(row, ROWS)
        sys.stdout.write(json.dumps(row) + "\n")
        sys.stdout.flush()
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
