"""`sessions` and `label`: find recorded sessions, and say afterwards what counts in them. Any thread."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import get_args

from hitl_clic.runner.choosing import known_episodes
from hitl_clic.runner.results import SessionRow
from hitl_clic.session.curation import (
    Curation,
    append_labels,
    correction_label,
    corrections_of,
    episode_label,
)
from hitl_clic.session.reader import Session
from hitl_clic.session.scan import FILE_NAME, file_of
from hitl_clic.types.errors import UserError, among, unknown
from hitl_clic.types.labels import OF_CORRECTIONS, OF_EPISODES, Label, LabelName
from hitl_clic.types.records import EpisodeRecord, TickRecord

_DEPTH = 3
"""Folders below the given one that are searched."""


def sessions(folders: Sequence[Path | str] | Path | str = "runs") -> tuple[SessionRow, ...]:
    """The recorded sessions in some folders, the oldest first. Writes nothing and repairs nothing.

    Args:
        folders: session folders, or folders that hold some.

    Raises:
        UserError: a folder does not exist.
    """
    given = [Path(folders)] if isinstance(folders, (str, Path)) else [Path(folder) for folder in folders]
    found: dict[Path, SessionRow] = {}
    for folder in given:
        if not folder.exists():
            raise UserError(f"folders = {folder} does not exist; allowed: folders with sessions")
        for path in _session_folders(folder):
            found[path] = _row(path)
    return tuple(sorted(found.values(), key=lambda row: (row.started_at, str(row.folder))))


def label(
    session: Path | str, mark: LabelName, *, episodes: Sequence[int] = (), corrections: Sequence[int] = ()
) -> tuple[Label, ...]:
    """Label episodes or corrections of a session. The recording stays as it is; a wrong number writes nothing.

    Args:
        mark: "success", "failure", "discard" or "keep" for episodes; "withdraw" or "restore" for corrections.
        episodes, corrections: numbers from 1, as `hitl-clic label SESSION` shows them; exactly one of the two.

    Raises:
        UserError: no such episode or correction, a mark of the other kind, or a folder that cannot be written.
    """
    if mark not in get_args(LabelName):
        raise UserError(f"mark = {mark} is not known; {unknown(str(mark), get_args(LabelName))}")
    if bool(episodes) == bool(corrections):
        raise UserError("episodes is missing; allowed: numbers of episodes, or of corrections, not of both")
    kind, allowed = ("episodes", OF_EPISODES) if episodes else ("corrections", OF_CORRECTIONS)
    if mark not in allowed:
        raise UserError(f"mark = {mark} is not allowed for {kind}; allowed: {among(allowed)}")
    try:
        opened = Session(file_of(session))
        if episodes:
            labels = [episode_label(mark, number) for number in known_episodes(opened, episodes, "episodes")]
        else:
            labels = [correction_label(mark, *ticks) for ticks in _known_corrections(opened, corrections)]
        append_labels(opened.path.parent, labels)
    except UserError:
        raise
    except ValueError as error:
        raise UserError(f"session = {session} is not allowed; {str(error).removeprefix(f'{session}: ')}") from error
    except OSError as error:
        raise UserError(f"session = {session} cannot be labelled: {error.strerror}") from error
    return tuple(labels)


def _known_corrections(session: Session, numbers: Iterable[int]) -> list[tuple[int, int]]:
    """First and last tick of each correction. Raises UserError: there is no such correction."""
    known = corrections_of(session.of(TickRecord))
    for number in numbers:
        if not 1 <= number <= len(known):
            raise UserError(
                f"corrections = {number} is not allowed; {session.path.parent} has corrections 1 to {len(known)}"
            )
    return [known[number - 1][1:] for number in numbers]


def _session_folders(folder: Path, depth: int = _DEPTH) -> Iterator[Path]:
    if (folder / FILE_NAME).is_file():
        yield folder
    elif depth and folder.is_dir():
        for inner in sorted(folder.iterdir()):
            if inner.is_dir() and not inner.is_symlink():
                yield from _session_folders(inner, depth - 1)


def _row(folder: Path) -> SessionRow:
    size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file())
    try:
        session = Session(folder / FILE_NAME)
        settings, curation = session.settings, Curation.of(session)
        ends = [end for end in session.of(EpisodeRecord) if end.episode not in curation.discarded]
        corrections = corrections_of(session.of(TickRecord))
        return SessionRow(
            folder=folder,
            task=settings.task,
            teacher=settings.device,
            started_at=settings.started_at,
            episodes=len(ends),
            successes=sum(curation.success(end.episode, end) for end in ends),
            corrections=sum(not curation.withdraws(first) for _, first, _ in corrections),
            bytes=size,
            damage=session.lost,
        )
    except ValueError as error:
        return SessionRow(folder, "", "", "", 0, 0, 0, size, str(error).removeprefix(f"{folder / FILE_NAME}: "))
