"""What one correction does to a policy, and what the first pairs do to an untaught one.

    python -m benchmarks.first_correction SESSION SESSION ...

The sessions are of one task, with different seeds. Each continues once with the first correction of the next session,
as its learner would live, and once without it. An untaught policy learns from the first pairs of each session.
Every policy is then evaluated alone. Rows are stored in benchmarks/results/first_correction.jsonl; stored rows are
skipped. `python -m tools.results` writes the tables into docs/results.md.

One process, apart from the evaluations. Sessions are read and never changed.
"""

from __future__ import annotations

import json
import shutil
import sys
import tempfile
from collections import defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from statistics import fmean
from typing import Any, Literal

import numpy as np
import torch
import tyro

import hitl_clic as hc
from benchmarks import tables
from benchmarks.chunk_table import RESULTS, append_row, read_rows
from benchmarks.experiment import EVALUATED_FROM, PLAIN, VARIANTS, variant_names
from benchmarks.tables import Row
from hitl_clic import methods
from hitl_clic.aliases import current_flat_settings
from hitl_clic.learner import checkpoint
from hitl_clic.learner.journal import Journal, read_journal
from hitl_clic.learner.run import Run
from hitl_clic.learner.trainer import Trainer
from hitl_clic.runner.recordings import open_session
from hitl_clic.settings import SessionSettings
from hitl_clic.settings_layers import load
from hitl_clic.types.messages import ChunkPair, Hello, Weights
from hitl_clic.types.schema import Scalars
from hitl_clic.types.symmetry import from_text

ROWS = RESULTS / "first_correction.jsonl"
STRANGER = "first_correction"
"""Run id of the actor that gives the correction."""
Part = Literal["kept", "kept, more updates", "kept, one correction", "untaught"]
"""`pairs` = 0 of "untaught" is the robot that stands still."""


@dataclass(frozen=True)
class Arguments:
    """Which policies to teach, and how far."""

    sessions: tyro.conf.Positional[tuple[Path, ...]]
    """Session folders of one task, at least two for the kept policies."""
    pairs: tuple[int, ...] = (1, 8, 16, 32, 64)
    """Numbers of first pairs for an untaught policy."""
    updates_per_s: float = 20.0
    """Updates that the learner does in a second of the session."""
    seconds: float = 10.0
    """Time to learn after the last pair, s."""
    evaluations: int = 100
    """Evaluated episodes of a kept policy."""
    untaught_evaluations: int = 20
    """Evaluated episodes of an untaught policy; 0: none, only the error at held-out states."""
    held_out: int = 300
    """First pairs of the next session, at whose states the error is measured too."""
    untaught_only: bool = False
    """Leave out the kept policies."""
    variant: str = PLAIN
    """Name of a file in benchmarks/variants, for the untaught policies."""
    rows: Path = ROWS
    """File of the rows."""


@dataclass(frozen=True)
class Taught:
    """What a benchmark needs of a recorded session.

    Attributes:
        folder: of the session. settings: its settings. pairs: its pairs, in the order in which they were made.
        agreed: settings between actor and learner. tick_hz: ticks per second.
    """

    folder: Path
    settings: SessionSettings
    pairs: tuple[ChunkPair, ...]
    agreed: Scalars
    tick_hz: float


def read(folder: Path) -> Taught:
    """A recorded session.

    Raises:
        UserError: it cannot be read.
    """
    session = open_session(folder)
    entries = read_journal(folder / "checkpoints" / "pairs.journal")[1]
    hello = next(entry.message for entry in entries if isinstance(entry.message, Hello))
    return Taught(
        folder,
        SessionSettings.from_toml(folder / "settings.toml"),
        tuple(session.pairs),
        current_flat_settings(hello.settings),
        session.settings.tick_hz,
    )


def first_correction(pairs: Sequence[ChunkPair], horizon: int) -> tuple[ChunkPair, ...]:
    """The pairs of the first correction: up to the first gap of more than `horizon` ticks, or the next episode."""
    for count, (before, after) in enumerate(pairwise(pairs), 1):
        if after.tick - before.tick > horizon or after.episode != before.episode:
            return tuple(pairs[:count])
    return tuple(pairs)


def held_out(policy: hc.Policy, pairs: Sequence[ChunkPair]) -> float:
    """Mean distance of the policy's first action from the teacher's at the states of the pairs, action units."""
    return fmean(float(np.linalg.norm(policy.plan(pair.state).actions[0] - pair.human[0])) for pair in pairs)


@contextmanager
def continued(taught: Taught) -> Iterator[Run]:
    """The learner of a session, as if it went on: its newest checkpoint and all its pairs, in a copy."""
    with tempfile.TemporaryDirectory(prefix="hitl-clic-") as copy:
        folder = Path(copy) / "checkpoints"
        shutil.copytree(taught.folder / "checkpoints", folder)
        journal = Journal(folder / "pairs.journal", STRANGER)
        try:
            run = Run(journal, folder, trainer(taught.agreed, taught.settings), taught.agreed)
            for entry in run.tail:
                run.apply(entry)
            run.request = None
            yield run
        finally:
            journal.close()


def trainer(agreed: Scalars, settings: SessionSettings) -> Trainer:
    """An untrained trainer, as the session's learner makes it."""
    sizes = (int(agreed["dim_o"]), int(agreed["dim_a"]), int(agreed["horizon"]))
    symmetries = from_text(str(agreed.get("symmetries", "")))
    return methods.make_live_trainer(*sizes, settings.policy, int(agreed["seed"]), symmetries)


@contextmanager
def kept(taught: Taught, settings: SessionSettings, learner: Trainer) -> Iterator[Path]:
    """A folder with the trainer's policy, which `evaluate` and `Policy.load` read."""
    with tempfile.TemporaryDirectory(prefix="hitl-clic-") as name:
        folder = Path(name)
        weights = Weights(STRANGER, 1, 0, learner.updates, learner.newest_pair, learner.weights())
        checkpoint.write(folder / "checkpoints", checkpoint.Checkpoint(weights, {}, taught.agreed, 0))
        (folder / "settings.toml").write_text(settings.to_toml(), encoding="utf-8")
        yield folder


def present_settings(recorded: SessionSettings, variant: str) -> SessionSettings:
    """The session's settings with the numbers of its method's present preset, and of a variant."""
    of = {name: getattr(recorded, name) for name in ("task", "method", "horizon", "execute")}
    config = None if variant == PLAIN else VARIANTS / f"{variant}.toml"
    return recorded.model_copy(update={"policy": load(config=config, overrides=of).policy})


class Measurement:
    """Teaches and evaluates the policies of sessions, and gives the rows that are still missing.

    Args:
        asked: what to measure. sessions: of one task. rows: stored rows.
    """

    def __init__(self, asked: Arguments, sessions: Sequence[Taught], rows: Sequence[Row]) -> None:
        self._asked, self._sessions, self._rows = asked, sessions, rows
        self._later = round(asked.seconds * asked.updates_per_s)

    def measure(self) -> Iterator[Row]:
        """The missing rows, one at a time."""
        for number, taught in enumerate(self._sessions):
            other = self._sessions[(number + 1) % len(self._sessions)]
            yield from self._untaught(taught, other)
            if not self._asked.untaught_only and other is not taught:
                yield from self._kept(taught, other)

    def _kept(self, taught: Taught, other: Taught) -> Iterator[Row]:
        """Before; after more updates alone; after as many with the first correction of another session."""
        correction = first_correction(other.pairs, taught.settings.horizon)
        ways: tuple[tuple[Part, int, Sequence[ChunkPair]], ...] = (
            ("kept", 0, ()),
            ("kept, more updates", self._later, ()),
            ("kept, one correction", self._later, correction),
        )
        for part, updates, pairs in ways:
            begun = self._row(taught, part, "plain", len(pairs), updates)
            if begun is None:
                continue
            with continued(taught) as run:
                for pair in pairs:
                    run.record(STRANGER, pair)
                for _ in range(updates):
                    run.update()
                yield begun | self._figures(taught, other, taught.settings, run.trainer, self._asked.evaluations)

    def _untaught(self, taught: Taught, other: Taught) -> Iterator[Row]:
        """After the first n pairs, learnt while they arrive: at once, and after more time."""
        asked, settings = self._asked, present_settings(taught.settings, self._asked.variant)
        each = asked.updates_per_s / taught.tick_hz
        for wanted in asked.pairs:
            learner = trainer(taught.agreed, settings)
            for number, pair in enumerate(taught.pairs[:wanted]):
                learner.add(number, pair.correction_mode, pair.state, pair.robot, pair.human, pair.mask)
                while learner.ready() and learner.updates < (number + 1) * each:
                    learner.update()
            for later in (0, self._later) if wanted else (0,):
                begun = self._row(taught, "untaught", asked.variant, wanted, later)
                if begun is None:
                    continue
                target = round(wanted * each) + later
                while learner.ready() and learner.updates < target:
                    learner.update()
                yield begun | self._figures(taught, other, settings, learner, asked.untaught_evaluations)

    def _row(self, taught: Taught, part: Part, variant: str, pairs: int, later: int) -> Row | None:
        """What names a row; None where it is stored already."""
        of = taught.settings
        begun = {
            "figure": "first_correction",
            "task": of.task,
            "horizon": of.horizon,
            "seed": of.seed,
            "part": part,
            "variant": variant,
            "pairs": pairs,
            "updates_later": later,
        }
        return None if any(begun.items() <= row.items() for row in self._rows) else begun

    def _figures(
        self, taught: Taught, other: Taught, settings: SessionSettings, learner: Trainer, evaluations: int
    ) -> Row:
        with kept(taught, settings, learner) as folder:
            pairs = other.pairs[: self._asked.held_out]
            found: Row = {"updates": learner.updates, "held_out": held_out(hc.Policy.load(folder), pairs)}
            if evaluations:
                result = hc.evaluate(folder, episodes=evaluations, seed=EVALUATED_FROM, processes=1)
                found |= {"success_rate": result.success_rate, "l2_error_per_step": result.l2_error_per_step}
            return found | {"evaluations": evaluations}


def table(rows: Sequence[Row]) -> list[str]:
    """Markdown: means over the seeds, one row for each part, number of pairs and moment."""
    names = ("task", "H", "policy", "pairs", "updates", "error at other states", "error per step", "success")
    lines = tables.head((*names, "evaluated", "seeds"))
    groups: dict[tuple[Any, ...], list[Row]] = defaultdict(list)
    for row in rows:
        pairs = 0 if row["part"] != "untaught" else row["pairs"]  # a correction's length differs between seeds
        key = (row["task"], row["horizon"], row["part"], row["variant"], pairs, row["updates_later"])
        groups[key].append(row)
    for (task, horizon, part, variant, pairs, _), group in sorted(groups.items()):
        policy = part if variant == PLAIN else f"{part}, {variant.replace('_', ' ')}"
        shown = "" if part != "untaught" else pairs
        figures = (mean(group, "held_out"), mean(group, "l2_error_per_step"), mean(group, "success_rate"))
        evaluated = max(row["evaluations"] for row in group)
        line = (task, horizon, policy, shown, round(mean(group, "updates") or 0), *map(tables.number, figures))
        lines.append(tables.line(*line, evaluated, len({row["seed"] for row in group})))
    return lines


def mean(rows: Sequence[Row], key: str) -> float | None:
    """Mean of a column over the rows that have it."""
    known = [row[key] for row in rows if row.get(key) is not None]
    return fmean(known) if known else None


def main() -> int:
    """Measure the missing rows; the exit status."""
    asked = tyro.cli(Arguments, description=__doc__)
    if asked.variant not in variant_names():
        sys.stderr.write(f"first_correction: variant = {asked.variant} is not allowed; allowed: {variant_names()}\n")
        return 2
    torch.set_num_threads(1)
    try:
        measurement = Measurement(asked, [read(folder) for folder in asked.sessions], read_rows(asked.rows))
        for row in measurement.measure():
            append_row(row, asked.rows)
            sys.stdout.write(json.dumps(row) + "\n")
            sys.stdout.flush()
    except hc.UserError as error:
        sys.stderr.write(f"first_correction: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
