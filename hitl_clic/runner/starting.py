"""Where a session begins: at nothing, at the end of an earlier one, or with what another folder has learnt.

Actor's main thread, before the learner's process starts. Imports no torch. The learner's folder (checkpoints and
journal) holds buffer, optimiser, generators and counters, and a learner resumes from it exactly.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

from hitl_clic.correction.from_recording import withdrawn_ids
from hitl_clic.learner import checkpoint
from hitl_clic.learner.journal import Entry, Journal, read_journal
from hitl_clic.link.handshake import Withdrawal
from hitl_clic.runner.handshake_settings import handshake_settings
from hitl_clic.runner.policy import find_checkpoint
from hitl_clic.runner.recordings import open_session
from hitl_clic.session.curation import EVERY_EPISODE, Curation
from hitl_clic.session.lock import InUse, locked
from hitl_clic.session.reader import Session
from hitl_clic.session.scan import FILE_NAME
from hitl_clic.session.summary import SummaryBuilder
from hitl_clic.settings import SessionSettings
from hitl_clic.types.errors import UserError
from hitl_clic.types.messages import ChunkPair, Weights
from hitl_clic.types.records import EpisodeRecord, EventRecord, SnapshotRecord, TickRecord

SEEDS = 10_000
"""Start states of a seed: seed * SEEDS + number. Evaluations use others."""
_JOURNAL = "pairs.journal"
_FROM_RECORDING = "recording"
"""Run id of the pairs that the recording holds and the journal does not: the actor was killed before they arrived."""


@dataclass(frozen=True, slots=True)
class Start:
    """Where a session begins.

    Attributes:
        part: number of the recording's file, from 1.
        tick, episode, pair: the first numbers of this part. used_seeds: start states of earlier parts.
        finished: the earlier episodes. tally: counted the earlier records.
        learner_seed: the seed that the learner began with; None: that of the settings.
        weights: the policy to begin with; None: an untrained one.
    """

    part: int = 1
    tick: int = 0
    episode: int = 0
    pair: int = 0
    used_seeds: frozenset[int] = frozenset()
    finished: tuple[EpisodeRecord, ...] = ()
    tally: SummaryBuilder = field(default_factory=SummaryBuilder)
    learner_seed: int | None = None
    weights: Weights | None = None

    def first_seed(self, seed: int) -> int:
        """The first start state of this part, which no earlier part used."""
        begun = [used - seed * SEEDS for used in self.used_seeds if 0 <= used - seed * SEEDS < SEEDS]
        return seed * SEEDS + max(begun, default=-1) + 1


def check_settings(source: Path, settings: SessionSettings) -> None:
    """Check that the learner of an earlier session can go on under these settings.

    Raises:
        UserError: a setting of the method differs; names the first one.
    """
    newest = checkpoint.latest(source) if source.is_dir() else source
    if newest is None:
        return
    try:
        agreed = checkpoint.read_weights(newest)[1]
    except ValueError as error:
        raise UserError(str(error)) from error
    for name, value in handshake_settings(settings, 1, 1).items():
        if name.startswith("policy.") or name in ("task", "method", "horizon", "schedule"):
            there = agreed.get(name, value)
            if there != value:
                raise UserError(f"{name} = {value} is not allowed; the learner of {source} goes on with {there}")


def go_on(folder: Path) -> Start:
    """The end of a recorded session, to go on with it. Prepares the learner's folder.

    Pairs that the recording holds and the learner's journal does not are added to the journal. Pairs that labels leave
    out are withdrawn in it.

    Raises:
        UserError: no session, one that is being recorded, or a learner's folder that cannot be read.
    """
    session = open_session(folder)
    if session.path.name != FILE_NAME or not folder.is_dir():
        raise UserError(f"continue = {folder} is not allowed; allowed: a session folder")
    try:
        with locked(session.paths[-1]):
            pass
        start = _end_of(session)
        weights = _prepare(folder / "checkpoints", session)
    except InUse as error:
        raise UserError(f"continue = {folder} is not allowed; {error}") from error
    except (ValueError, OSError) as error:
        raise UserError(f"continue = {folder} is not allowed; {str(error).removeprefix(f'{folder}: ')}") from error
    return replace(start, weights=weights)


def begin_from(source: Path, out: Path) -> Start:
    """Begin a new session in `out` with what another folder has learnt: its weights, optimiser and pairs.

    Args:
        source: a session folder, or a checkpoint of a learner; with a checkpoint, its pairs and no later ones.

    Raises:
        UserError: no learner's state there, or it cannot be read.
    """
    path, settings = find_checkpoint(source)
    journal, target = path.parent / _JOURNAL, out / "checkpoints"
    if not journal.exists():
        raise UserError(f"from = {source} holds no learner's pairs beside its checkpoint; allowed: a session folder")
    try:
        found = checkpoint.read(path)
        run_id, entries = read_journal(journal)
        if not found.state:
            raise ValueError(f"{path.name} holds a policy without the state of its learner")
        target.mkdir(parents=True, exist_ok=True)
        copied = Journal(target / _JOURNAL, run_id)
        try:
            for entry in entries if source.is_dir() else entries[: found.entries]:
                copied.append(entry)
            copied.sync()
        finally:
            copied.close()
        shutil.copyfile(path, target / path.name)
        recorded = (source / FILE_NAME).is_file()
        weights = _prepare(target, open_session(source) if source.is_dir() and recorded else None)
    except (ValueError, OSError) as error:
        shutil.rmtree(target, ignore_errors=True)
        raise UserError(f"from = {source} is not allowed; {error}") from error
    learner_seed = found.settings.get("seed", settings.seed)
    return Start(learner_seed=int(learner_seed), weights=weights)


def _end_of(session: Session) -> Start:
    tally = SummaryBuilder()
    tick = episode = pair = -1
    seeds: set[int] = set()
    finished: list[EpisodeRecord] = []
    for record in session.records():
        tally.add(record)
        match record:
            case TickRecord():
                tick, episode = max(tick, record.tick), max(episode, record.episode)
            case SnapshotRecord():
                seeds.add(record.seed)
                episode = max(episode, record.episode)
            case ChunkPair():
                pair = max(pair, record.id)
            case EpisodeRecord():
                finished.append(record)
    return Start(
        part=len(session.paths) + 1,
        tick=tick + 1,
        episode=episode + 1,
        pair=pair + 1,
        used_seeds=frozenset(seeds),
        finished=tuple(finished),
        tally=tally,
        learner_seed=session.settings.seed,
    )


def _prepare(folder: Path, session: Session | None) -> Weights | None:
    """Bring a learner's journal up to its recording and labels; returns the newest weights.

    Raises:
        ValueError: the journal is in use, or a file cannot be read.
    """
    newest = checkpoint.latest(folder)
    if session is not None and (folder / _JOURNAL).exists():
        journal = Journal(folder / _JOURNAL, "")
        try:
            for entry in _missing(session, journal.read()):
                journal.append(entry)
            journal.sync()
        finally:
            journal.close()
    return None if newest is None else replace(checkpoint.read_weights(newest)[0], newest_pair=-1)


def _missing(session: Session, entries: list[Entry]) -> Iterator[Entry]:
    """What the journal lacks: pairs of the recording, and withdrawals by labels."""
    runs = {entry.message.id: entry.run_id for entry in entries if isinstance(entry.message, ChunkPair)}
    gone = {entry.message.pair_id for entry in entries if isinstance(entry.message, Withdrawal)}
    withdrawn, curation = withdrawn_ids(session.of(EventRecord)), Curation.of(session)
    ends = {record.episode: record for record in session.of(EpisodeRecord)}
    for pair in session.of(ChunkPair):
        left_out = curation.withdraws(pair.tick) or not curation.takes(
            pair.episode, ends.get(pair.episode), EVERY_EPISODE
        )
        if pair.id not in runs:
            if pair.id not in withdrawn and not left_out:
                yield Entry(_FROM_RECORDING, pair)
        elif pair.id not in gone and (left_out or pair.id in withdrawn):
            yield Entry(runs[pair.id], Withdrawal(pair.id))
