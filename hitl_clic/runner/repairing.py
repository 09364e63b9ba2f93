"""Repair of a session's folder after a kill: the recording, the learner's journal, figures and half-written files.

Any thread; not while the session runs.
"""

from __future__ import annotations

import json
import time
import uuid
from collections.abc import Iterator
from pathlib import Path

from hitl_clic.learner.journal import Journal
from hitl_clic.session.lock import QUIET_S
from hitl_clic.session.reader import Session
from hitl_clic.session.repair import Repaired, repair
from hitl_clic.session.scan import FILE_NAME, file_of, files_of
from hitl_clic.session.summary import summarise, write_summary
from hitl_clic.types.errors import UserError

NOTHING = "nothing to do: the session is complete"


def repair_session(source: Path) -> list[str]:
    """Repair a session, and say what was done, one sentence each.

    Args:
        source: session folder, or its MCAP file.

    Raises:
        UserError: no recording, one that is still being recorded, or a folder that cannot be written.
    """
    try:
        path, said = file_of(source), []
        for file in files_of(path):
            repaired = repair(file)
            said += [] if repaired is None else [_told(file, repaired)]
        if path.name == FILE_NAME:
            said += _repair_folder(path, bool(said))
    except ValueError as error:
        reason = str(error).removeprefix(f"{source}: ")
        raise UserError(f"session = {source} cannot be repaired; {reason}") from error
    except OSError as error:
        reason = f"{error.strerror or error}; the recording stays as it was"
        raise UserError(f"session = {source} cannot be repaired; {reason}") from error
    return said or [NOTHING]


def _told(path: Path, repaired: Repaired) -> str:
    text = f"{path}: recovered {repaired.records} records of {repaired.span_s:.1f} s"
    if repaired.lost:
        text += f"; lost: {repaired.lost}"
    if repaired.kept is not None:
        text += f"; the damaged file is kept as {repaired.kept.name}"
    return text


def _repair_folder(path: Path, ended: bool) -> Iterator[str]:
    """Repair the files beside a recording; `ended`: its process is known to have ended."""
    folder = path.parent
    journal = folder / "checkpoints" / "pairs.journal"
    learner_ended = True
    if journal.exists() and journal.stat().st_size:
        try:
            opened = Journal(journal, uuid.uuid4().hex)
        except ValueError as problem:
            learner_ended = False
            yield f"left as it is: {problem}"
        else:
            opened.close()
            if opened.cut_bytes:
                yield f"{journal}: {len(opened)} entries; an incomplete one of {opened.cut_bytes} bytes was removed"
    halves = [folder / "summary.json.part"]
    if learner_ended:
        halves += [folder / "learner.partial", *(folder / "checkpoints").glob("*.partial")]
    for half in halves:
        if half.exists() and (ended or time.time() - half.stat().st_mtime > QUIET_S):
            half.unlink()
            yield f"{half}: this half-written file was removed"
    figures = folder / "summary.json"
    if not _is_json(figures):
        session = Session.open(path)
        write_summary(figures, summarise(session.records()) | {"recording_dropped": session.dropped})
        yield f"{figures}: written from the recording"


def _is_json(path: Path) -> bool:
    try:
        return isinstance(json.loads(path.read_text(encoding="utf-8")), dict)
    except (OSError, ValueError):
        return False
