"""`learn`: trains a policy on recorded corrections, without a loop.

Any thread; synchronous. Imports no torch before the first pair is read.
"""

from __future__ import annotations

import time
import uuid
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypedDict, Unpack

from hitl_clic.learner import checkpoint
from hitl_clic.learner.journal import Entry, Journal
from hitl_clic.runner.choosing import choice_of
from hitl_clic.runner.handshake_settings import handshake_settings
from hitl_clic.runner.parts import Parts
from hitl_clic.runner.recorded_layer import recorded_settings
from hitl_clic.runner.recordings import open_session, pairs_of_session
from hitl_clic.runner.results import LearnResult
from hitl_clic.runner.session_settings import Nested
from hitl_clic.runner.torch_devices import check_devices
from hitl_clic.session.curation import Choice
from hitl_clic.session.reader import Session
from hitl_clic.settings import SessionSettings, free_folder
from hitl_clic.settings_layers import load
from hitl_clic.tasks.task import Task
from hitl_clic.types.errors import UserError
from hitl_clic.types.messages import ChunkPair, Hello, Weights
from hitl_clic.types.symmetry import Symmetry

if TYPE_CHECKING:
    from hitl_clic.clic.trainer import ChunkTrainer


class LearnOverrides(TypedDict, total=False):
    """Settings that may differ from those of the sessions; `SessionSettings` describes them."""

    method: str
    execute: int
    seed: int
    out: Path | str
    policy: Nested
    training: Nested


def learn(
    sessions: Sequence[Path | str] | Path | str,
    *,
    updates: int = 2000,
    episodes: int = 0,
    without_episodes: Sequence[int] = (),
    only_successes: bool = False,
    config: Path | str | None = None,
    settings: Nested | SessionSettings | None = None,
    task: Task | None = None,
    on_update: Callable[[int], object] = lambda done: None,
    **chosen: Unpack[LearnOverrides],
) -> LearnResult:
    """Train a new policy on the pairs of recorded sessions. Prints nothing, changes nothing of the process.

    Args:
        sessions: session folders, all of one task and one H.
        updates: of the network, count. episodes: of each session the first so many; 0 is all.
        without_episodes: numbers from 1 to leave out, as tables show them; only with one session.
        only_successes: leave out episodes that were not reached, as recorded or as labelled.
        config, settings, **chosen: what differs from the first session's settings, as in `teach`; mostly
            `method="bc"`, `policy={...}`, `seed=1`, `out="runs/bc"`.
        task: where the sessions were taught on a task object: an object of that class.
        on_update: called after each update with how many are done.

    Raises:
        UserError: a session cannot be read, is of another task or H, there are too few pairs, or a setting is wrong.
    """
    folders = [Path(sessions)] if isinstance(sessions, Path | str) else [Path(session) for session in sessions]
    if not folders:
        raise UserError("sessions is empty; allowed: session folders")
    if updates < 1:
        raise UserError(f"updates = {updates} is not allowed; allowed: 1 or more")
    if isinstance(settings, SessionSettings):
        made = settings
    else:
        made = settings_to_learn(folders[0], {**(settings or {}), **chosen}, config)
    if made.out is not None and (made.out / "session.mcap").exists():
        raise UserError(f"out = {made.out} holds a session; allowed: a folder without session.mcap")
    check_devices(made.policy, learns=True, plans=False)
    opened = [open_session(path) for path in folders]
    choices = [choice_of(session, without_episodes, only_successes, len(opened), episodes) for session in opened]
    pairs = list(_pairs(opened, choices, made))
    if len(pairs) < made.policy.min_pairs:
        raise UserError(
            f"sessions hold {len(pairs)} pairs; allowed: as many as policy.min_pairs = {made.policy.min_pairs}"
        )
    symmetries = symmetries_of(made, Parts(task=task))
    assert made.out is not None
    made.out.mkdir(parents=True, exist_ok=True)
    (made.out / "settings.toml").write_text(made.to_toml(), encoding="utf-8")
    return train(pairs, made, symmetries, updates, on_update)


def settings_to_learn(session: Path, overrides: Mapping[str, Any], config: Path | str | None = None) -> SessionSettings:
    """The settings to learn with: the session's, with the overrides.

    Raises:
        UserError: the session has no settings, or a setting is wrong.
    """
    values = {name: value for name, value in overrides.items() if name != "out"}
    made = load(
        recorded=recorded_settings(session, values),
        config=None if config is None else Path(config),
        overrides=values,
    )
    out = overrides.get("out")
    folder = free_folder(Path(f"{made.out}-learn")) if out is None else Path(out)
    return made.model_copy(update={"out": folder})


def _pairs(opened: Sequence[Session], choices: Sequence[Choice], settings: SessionSettings) -> Iterator[ChunkPair]:
    for session, choice in zip(opened, choices, strict=True):
        path = session.path.parent
        try:
            of = session.settings
            if (of.task, of.horizon) != (settings.task, settings.horizon):
                raise UserError(
                    f"session = {path} is of task {of.task} with horizon {of.horizon}, not {settings.task} with "
                    f"{settings.horizon}; learn from each kind separately"
                )
            yield from pairs_of_session(session, settings.correction, choice)
        except UserError:
            raise
        except ValueError as error:  # the reader's, about a damaged record
            raise UserError(str(error)) from error


def symmetries_of(settings: SessionSettings, parts: Parts) -> tuple[Symmetry, ...]:
    """The symmetries of the settings' task that its pairs are taught with; none if `policy.symmetries` is off."""
    if not settings.policy.symmetries:
        return ()
    task = parts.make_task(settings)
    try:
        return task.symmetries
    finally:
        parts.close(task)


def train(
    pairs: Sequence[ChunkPair],
    settings: SessionSettings,
    symmetries: tuple[Symmetry, ...],
    updates: int,
    on_update: Callable[[int], object],
) -> LearnResult:
    """Train a new policy on pairs, and write what a learner resumes from: checkpoint and journal."""
    from hitl_clic.methods import make_trainer

    assert settings.out is not None
    sizes = (pairs[0].state.size, pairs[0].human.shape[1], settings.horizon)
    trainer = make_trainer(*sizes, settings.policy, settings.seed, symmetries)
    for number, pair in enumerate(pairs):
        trainer.add(number, pair.correction_mode, pair.state, pair.robot, pair.human, pair.mask)
    began = time.perf_counter()
    for done in range(1, updates + 1):
        trainer.update()
        on_update(done)
    wall_s = time.perf_counter() - began
    return LearnResult(settings.out, write_policy(trainer, settings, pairs), len(pairs), updates, wall_s)


def write_policy(trainer: ChunkTrainer, settings: SessionSettings, pairs: Sequence[ChunkPair]) -> Path:
    """Write into `settings.out` what a learner resumes from: checkpoint and journal; the checkpoint's path."""
    assert settings.out is not None
    settings.out.mkdir(parents=True, exist_ok=True)
    agreed = handshake_settings(settings, trainer.dim_o, trainer.dim_a, trainer.symmetries)
    folder, run_id = settings.out / "checkpoints", uuid.uuid4().hex
    entries = _write_journal(folder / "pairs.journal", run_id, agreed, pairs)
    weights = Weights(
        run_id=run_id,
        version=1,
        parent=0,
        step=trainer.updates,
        newest_pair=trainer.newest_pair,
        tensors=trainer.weights(),
    )
    return checkpoint.write(folder, checkpoint.Checkpoint(weights, trainer.state(), agreed, entries))


def _write_journal(path: Path, run_id: str, agreed: Mapping[str, Any], pairs: Sequence[ChunkPair]) -> int:
    """Write the pairs as a learner's journal, in place of an earlier one; returns the number of its entries."""
    path.unlink(missing_ok=True)
    journal = Journal(path, run_id)
    try:
        journal.append(Entry(run_id, Hello(run_id, "learn", agreed)))
        for number, pair in enumerate(pairs):
            journal.append(Entry(run_id, replace(pair, id=number)))
        journal.sync()
        return len(journal)
    finally:
        journal.close()
